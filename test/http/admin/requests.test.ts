import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RequestRow } from '../../../src/core/index.ts'
import { type Postgres, postgresMissing, startPostgres } from '../../postgres.ts'
import { type Stage, startStage, unknownId } from './stage.ts'

const noon = Date.UTC(2026, 2, 14, 12)
const words = 'a prompt nobody else may read'

let count = 0
function row(more: Partial<RequestRow> = {}): RequestRow {
  return {
    id: `0198a000-0000-7000-8000-${(++count).toString(16).padStart(12, '0')}`,
    ...{ timestamp: noon, endpoint: '/v1/chat/completions', providerId: null, provider: 'A', model: 'm' },
    ...{ servedModel: 'm', status: 200, errorCode: null, responseTime: 100, firstChunkMs: 20, tokensInput: 7 },
    ...{ tokensOutput: 5, cost: 1_500_000n, costUnits: 12n, keyId: null, userId: null, project: null, cache: 'miss' },
    ...{ isStream: true, isPartial: false, attempts: [{ provider: 'A', status: 200, ms: 90 }] },
    ...{ request: { temperature: 1 }, response: { finish_reason: 'stop' } },
    ...more,
  } as RequestRow
}

/** With what was said, where words are given. */
async function write(stage: Stage, rows: readonly RequestRow[], said?: string): Promise<void> {
  const archive = ({ id, timestamp, status }: RequestRow) => ({
    input: { id, content: JSON.stringify({ messages: said }), timestamp },
    response: { id, inputId: id, content: `answer to ${said}`, status, isPartial: false, errorCode: null, timestamp },
  })
  await stage.store.requests.write(
    rows.map(request => ({ request, ...(said !== undefined && { archive: archive(request) }) })),
  )
}

function tests(start: () => Promise<Stage>): void {
  let stage: Stage
  beforeEach(async () => {
    stage = await start()
  })
  const list = async (query: string, token = stage.tokens.viewer) => {
    const { body, status, text } = await stage.ask(`GET /requests?${query}`, { token })
    expect(status, text).toBe(200)
    return body
  }
  const idsOf = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id).sort()

  test('each filter alone and together gives exactly its rows', async () => {
    const { id: providerId } = await stage.store.providers.create({
      name: 'A',
      type: 'api',
      provider: 'openai',
      config: {},
    })
    const keyId = 'key-0123456789abcdef'
    const rows = Array.from({ length: 24 }, (_, at) =>
      row({
        timestamp: noon + at * 1_000,
        provider: at % 2 === 0 ? 'A' : 'B',
        endpoint: at % 3 === 0 ? '/v1/embeddings' : '/v1/chat/completions',
        status: [200, 404, 500, 503][at % 4]!,
        model: at % 5 === 0 ? 'small' : 'large',
        keyId: at % 6 === 0 ? keyId : null,
        project: at % 7 === 0 ? 'p%_x' : null,
      }),
    )
    await write(stage, rows)
    const filters: [string, (row: RequestRow) => boolean][] = [
      ['provider=A', ({ provider }) => provider === 'A'],
      [`provider=${providerId}`, ({ provider }) => provider === 'A'],
      ['endpoint=/v1/embeddings', ({ endpoint }) => endpoint === '/v1/embeddings'],
      ['status=404', ({ status }) => status === 404],
      ['status=5xx', ({ status }) => status >= 500],
      ['status=400-500', ({ status }) => status >= 400 && status <= 500],
      ['model=small', ({ model }) => model === 'small'],
      [`keyId=${keyId}`, each => each.keyId === keyId],
      [`project=${encodeURIComponent('p%_x')}`, ({ project }) => project === 'p%_x'],
      [
        'provider=B&status=5xx&model=large',
        each => each.provider === 'B' && each.status >= 500 && each.model === 'large',
      ],
      ['provider=nobody', () => false],
    ]
    for (const [query, fits] of filters) {
      const body = await list(`${query}&limit=100`)
      expect(idsOf(body), query).toEqual(
        rows
          .filter(fits)
          .map(({ id }) => id)
          .sort(),
      )
      expect(body.total).toBe(rows.filter(fits).length)
    }
    const second = await list('page=2&limit=10')
    expect(second.data.map(({ id }: { id: string }) => id)).toEqual(
      rows
        .toReversed()
        .slice(10, 20)
        .map(({ id }) => id),
    )
    expect(await list('page=50&limit=10')).toMatchObject({ data: [], total: 24, page: 50 })
  })

  test('a range holds its first moment and not its last, in every notation', async () => {
    const rows = [-1, 0, 1, 59_999, 60_000].map(offset => row({ timestamp: noon + offset }))
    await write(stage, rows)
    const expected = rows.slice(1, 4).map(({ id }) => id)
    const until = noon + 60_000
    for (const [from, to] of [
      [noon, until],
      ['2026-03-14T12:00:00Z', '2026-03-14T12:01:00Z'],
      ['2026-03-14T21:00:00%2B09:00', '2026-03-14T05:01:00-07:00'],
    ]) {
      expect(idsOf(await list(`from=${from}&to=${to}`))).toEqual(expected)
    }
    expect((await list('from=2026-03-14&to=2026-03-15')).total).toBe(5)
    for (const wrong of [
      'from=yesterday',
      'from=2026-13-01',
      'to=999999999999999',
      'from=1600-01-01',
      'to=1e99',
      'from=2026-03-14T12:00:00',
      'status=2000',
    ]) {
      expect((await stage.ask(`GET /requests?${wrong}`, { token: stage.tokens.viewer })).status, wrong).toBe(400)
    }
  })

  test('a request is shown with its texts to those who may read them', async () => {
    const mine = await stage.makeKey(stage.people.user.user.id)
    const other = await stage.makeKey()
    const request = row({ keyId: mine.id, userId: stage.people.user.user.id, project: 'p' })
    await write(stage, [request], words)
    await write(stage, [row({ keyId: other.id })])
    const path = `GET /requests/${request.id}`
    const whole = (await stage.ask(path, { token: stage.tokens.operator })).body
    expect(whole).toMatchObject({
      ...{ id: request.id, timestamp: '2026-03-14T12:00:00.000Z', status: 200, cost: '1.500000', costUnits: '12' },
      ...{ attempts: [{ provider: 'A', status: 200, ms: 90 }], stream: true, partial: false, cache: 'miss' },
      ...{ input: JSON.stringify({ messages: words }), output: `answer to ${words}` },
    })
    const seen = await stage.ask(path, { token: stage.tokens.viewer })
    expect(seen.body).toMatchObject({ input: null, output: null, tokensInput: 7, tokensOutput: 5 })
    expect(seen.text).not.toContain(words)
    for (const token of [stage.tokens.user, mine.secret]) {
      expect((await stage.ask(path, { token })).body.input).toContain(words)
      expect(await list('', token)).toMatchObject({ total: 1 })
      expect((await list(`keyId=${other.id}`, token)).total).toBe(token === mine.secret ? 1 : 0)
    }
    expect((await stage.ask(path, { token: other.secret })).status).toBe(404)
    expect((await stage.ask(`GET /requests/${unknownId}`, { token: stage.tokens.viewer })).status).toBe(404)
    expect((await stage.ask('GET /requests/7', { token: stage.tokens.viewer })).status).toBe(400)
    expect(JSON.stringify(await list(''))).not.toContain(words)
  })

  test('sums and shares are not taken for ids', async () => {
    const hour = 3_600_000
    await write(stage, [
      row(),
      row({ timestamp: noon + hour, status: 500, provider: 'B' }),
      row({ timestamp: noon + 2 * hour }),
    ])
    const range = `from=${noon}&to=${noon + 4 * hour}`
    const { body } = await stage.ask(`GET /requests/stats?${range}`, { token: stage.tokens.viewer })
    expect(body.buckets.map(({ requests }: { requests: number }) => requests)).toEqual([1, 1, 1, 0])
    expect(body.total).toMatchObject({ requests: 3, failures: 1, tokensInput: 21, cost: '4.500000' })
    const days = await stage.ask(`GET /requests/stats?groupBy=day&timeZone=Europe/Berlin&${range}`, {
      token: stage.tokens.viewer,
    })
    expect(days.body.buckets).toHaveLength(1)
    const shares = await stage.ask(`GET /requests/shares?of=provider&${range}`, { token: stage.tokens.viewer })
    expect(shares.body.data.map(({ name, requests }: { name: string; requests: number }) => [name, requests])).toEqual([
      ['A', 2],
      ['B', 1],
    ])
    expect(
      (await stage.ask('GET /requests/stats', { token: stage.tokens.viewer })).body.buckets.length,
    ).toBeGreaterThan(23)
    for (const wrong of [
      'groupBy=minute',
      'timeZone=Mars/Olympus',
      `from=${noon}&to=${noon}`,
      'from=0&to=4000000000000',
    ]) {
      expect((await stage.ask(`GET /requests/stats?${wrong}`, { token: stage.tokens.viewer })).status, wrong).toBe(400)
    }
  })

  test('lines of the log are found by the letter', async () => {
    const line = (at: number, message: string, more = {}) =>
      ({
        id: crypto.randomUUID(),
        timestamp: noon + at,
        level: 'info',
        component: 'calls',
        message,
        requestId: null,
        fields: {},
        ...more,
      }) as const
    const lines = [
      line(0, '100% done'),
      line(1, '1000 done'),
      line(2, 'under_score'),
      line(3, 'it\'s "quoted" \\ and [a-z]*', { level: 'warn' }),
      line(4, 'plain', { component: 'store', requestId: 'req-12345678' }),
    ]
    await stage.store.logs.write(lines as never)
    const found = async (query: string) =>
      (await stage.ask(`GET /logs?${query}`, { token: stage.tokens.viewer })).body.data.map(
        ({ message }: { message: string }) => message,
      )
    const search = (text: string) => found(`search=${encodeURIComponent(text)}`)
    expect(await search('100%')).toEqual(['100% done'])
    expect(await search('r_s')).toEqual(['under_score'])
    expect(await search('PLAIN')).toEqual(['plain'])
    for (const text of ["it's", '"quoted"', '\\ and', '[a-z]*']) expect(await search(text)).toEqual([lines[3]!.message])
    expect(await search("' or 1=1 --")).toEqual([])
    expect(await found('level=warn')).toEqual([lines[3]!.message])
    expect(await found('component=store')).toEqual(['plain'])
    expect(await found('requestId=req-12345678')).toEqual(['plain'])
    expect(await found(`from=${noon + 1}&to=${noon + 3}`)).toEqual(['under_score', '1000 done'])
  })
}

describe('requests in SQLite', () => tests(() => startStage()))

describe.skipIf(postgresMissing !== undefined)(`requests in PostgreSQL ${postgresMissing ?? ''}`, () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.remove())
  tests(async () => await startStage({ place: { url: await server.createDatabase() } }))
})
