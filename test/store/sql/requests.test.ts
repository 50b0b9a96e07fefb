import { expect, test } from 'vitest'
import type { RequestFilter, RequestRow, RequestStore } from '../../../src/core/index.ts'
import { archived, call, noon, randomCall, seeded } from './calls.ts'
import { onBoth } from './stage.ts'

const hourMs = 3_600_000
const first = { page: 1, limit: 10 }
const write = (requests: RequestStore, rows: readonly RequestRow[]) =>
  requests.write(rows.map(request => ({ request })))
const ids = (rows: readonly RequestRow[]) => rows.map(({ id }) => id)
const newestFirst = (rows: readonly RequestRow[]) =>
  rows.toSorted((one, other) => other.timestamp - one.timestamp || (one.id < other.id ? 1 : -1))

onBoth('requests', stage => {
  test('a row comes back as it was written', async () => {
    const { requests } = await stage.open()
    const row = call({
      providerId: 'id of one',
      servedModel: 'small-2',
      errorCode: 'stream_cut',
      firstChunkMs: 12,
      cost: 123_456_789_012n,
      costUnits: 2n ** 130n,
      keyId: 'k',
      userId: 'u',
      project: '项目 "quoted" \\ \' é 🌍',
      cache: 'hit',
      isStream: true,
      isPartial: true,
      attempts: [
        { provider: 'one', status: 500, ms: 3.5 },
        { provider: 'two', status: 200 },
      ],
      request: { temperature: 0.1, stop: ['\n', '\u2028', '\\u0041', '🌍'], deep: { a: [null, true, 1e21] } },
      response: { finish_reason: 'stop', snake_case: 1, camelCase: 2 },
    })
    await write(requests, [row, call({ cost: 0n }), call({ cost: 1n })])
    expect(await requests.get(row.id)).toEqual(row)
    expect(await requests.get('none')).toBeUndefined()
    const { rows } = await requests.list({}, first)
    expect(rows.map(({ cost }) => cost).sort()).toEqual([0n, 1n, 123_456_789_012n])
  })

  test('what no database can keep is kept as nearly as it can, and never stands in the way', async () => {
    const { requests, archive } = await stage.open()
    const request = call({ model: 'a\0b', request: { a: '\0 \ud800', b: '\\u0000' }, responseTime: 1.6 })
    await requests.write([archived(request, 'before\0after', 'half \udc00 🌍')])
    expect(await requests.get(request.id)).toMatchObject({
      model: 'a\ufffdb',
      request: { a: '\ufffd \ufffd', b: '\\u0000' },
      responseTime: 2,
    })
    expect(await archive.get(request.id)).toMatchObject({
      input: { content: 'before\ufffdafter' },
      response: { content: 'half \ufffd 🌍' },
    })
  })

  test('a range of time holds its start and ends before its end', async () => {
    const { requests } = await stage.open()
    const times = [noon - 1, noon, noon + 1, noon + hourMs - 1, noon + hourMs, noon + hourMs + 1]
    const rows = times.map(timestamp => call({ timestamp }))
    await write(requests, rows)
    const between = async (range: RequestFilter) => ids((await requests.list(range, first)).rows).reverse()
    expect(await between({ from: noon, to: noon + hourMs })).toEqual(ids(rows.slice(1, 4)))
    expect(await between({ from: noon + 1, to: noon + hourMs + 1 })).toEqual(ids(rows.slice(2, 5)))
    expect(await between({ from: noon })).toEqual(ids(rows.slice(1)))
    expect(await between({ to: noon })).toEqual(ids(rows.slice(0, 1)))
    expect(await between({ from: noon, to: noon })).toEqual([])
    expect(await between({ from: noon, to: noon + 1 })).toEqual(ids(rows.slice(1, 2)))
  })

  test('every filter, alone and with others, gives the rows and the total that a look at each row gives', async () => {
    const { requests } = await stage.open()
    const chance = seeded(7)
    const [from, to] = [noon - 50 * hourMs, noon + 50 * hourMs]
    const rows = newestFirst(Array.from({ length: 600 }, () => randomCall(chance, from, to)))
    await write(requests, rows)
    const filters: RequestFilter[] = [
      {},
      { provider: 'one' },
      { endpoint: '/v1/embeddings' },
      { model: 'große 模型' },
      { status: [500, 500] },
      { status: [400, 599] },
      { keyId: 'k1' },
      { project: 'p2' },
      { userId: 'u1' },
      { from: noon - 5_000_001, to: noon + 7_777_777 },
      { from: noon + 60_000, to: noon + 120_000 },
      { from: from - hourMs, to: to + hourMs, provider: 'two' },
      { provider: 'two', endpoint: '/v1/chat/completions', status: [200, 299], from: noon - 9_999_999 },
      { keyId: 'k2', project: 'p1', model: 'small', to: noon + 1 },
      { userId: 'u1', status: [429, 429], from: noon },
      { provider: 'nobody' },
    ]
    for (const filter of filters) {
      const expected = rows.filter(row => matches(row, filter))
      for (const page of [1, 2, 3, 50]) {
        const listed = await requests.list(filter, { page, limit: 17 })
        expect({ filter, page, total: listed.total }).toEqual({ filter, page, total: expected.length })
        expect(ids(listed.rows)).toEqual(ids(expected.slice((page - 1) * 17, page * 17)))
      }
    }
  })

  test('all pages together are all rows, each once', async () => {
    const { requests } = await stage.open()
    const chance = seeded(9)
    const rows = Array.from({ length: 230 }, () => randomCall(chance, noon - 3 * hourMs, noon + 1))
    await write(requests, rows)
    const seen: string[] = []
    for (let page = 1; page <= 24; page++) seen.push(...ids((await requests.list({}, { page, limit: 10 })).rows))
    expect(seen).toEqual(ids(newestFirst(rows)))
  })

  test('a batch that is written again, in part or by two at once, is there and counted once', async () => {
    const place = await stage.place()
    const [one, two] = [await stage.open(place), await stage.open(place)]
    const chance = seeded(3)
    const batch = Array.from({ length: 300 }, (_, at) =>
      archived(randomCall(chance, noon, noon + hourMs), `${at}?`, `${at}!`),
    )
    await one.requests.write(batch.slice(0, 100))
    await Promise.all([one.requests.write(batch), two.requests.write(batch), two.requests.write(batch.slice(50))])
    await one.requests.write([batch[0]!, batch[0]!])
    const range = { from: noon, to: noon + hourMs }
    const stats = await one.requests.stats({ ...range, groupBy: 'hour' })
    expect(stats.total.requests).toBe(300)
    expect((await two.requests.list({}, first)).total).toBe(300)
    expect((await one.archive.list({}, first)).total).toBe(300)
    expect((await one.requests.shares(range, 'keyId', 5)).reduce((sum, share) => sum + share.requests, 0)).toBe(300)
  })

  test('a batch with a row that cannot be written leaves nothing behind', async () => {
    const { requests } = await stage.open()
    const bad = call({ cache: 'sometimes' as 'hit' })
    await expect(write(requests, [call(), bad])).rejects.toThrow(expect.objectContaining({ code: 'internal' }))
    expect(await requests.list({}, first)).toEqual({ rows: [], total: 0 })
    const stats = await requests.stats({ from: noon, to: noon + hourMs, groupBy: 'hour' })
    expect(stats.total.requests).toBe(0)
  })

  test('old rows go in small batches; what is left is listed and counted right, the sums stay', async () => {
    const { requests } = await stage.open()
    const chance = seeded(5)
    const range = { from: noon - 5 * hourMs, to: noon + 5 * hourMs }
    const rows = Array.from({ length: 120 }, () => randomCall(chance, range.from, range.to))
    await write(requests, rows)
    const left = newestFirst(rows.filter(({ timestamp }) => timestamp >= noon + 90_000))
    let removed = 0
    for (let some = 1; some > 0; removed += some) {
      some = await requests.removeBefore(noon + 90_000, 25)
      expect(some).toBeLessThanOrEqual(25)
    }
    expect(removed).toBe(120 - left.length)
    expect(await requests.list({}, { page: 1, limit: 1_000 })).toEqual({ rows: left, total: left.length })
    const stats = await requests.stats({ ...range, groupBy: 'day' })
    expect(stats.total.requests).toBe(120)
  })
})

function matches(row: RequestRow, { from, to, status, ...equal }: RequestFilter): boolean {
  if (row.timestamp < (from ?? 0) || row.timestamp >= (to ?? Number.POSITIVE_INFINITY)) return false
  if (status !== undefined && (row.status < status[0] || row.status > status[1])) return false
  return Object.entries(equal).every(([field, value]) => row[field as keyof RequestRow] === value)
}
