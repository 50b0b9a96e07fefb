import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refuse, startFaultyUpstream } from '../../faulty-upstream.ts'
import { postgresMissing, startPostgres } from '../../postgres.ts'
import { adminToken, atTheEnd, password, type Stage, startStage, unknownId } from './stage.ts'

const token = adminToken

function tests(start: () => Promise<Stage>): void {
  test('bad input is never a failure of the node', async () => {
    const stage = await start()
    const { body } = await stage.ask('GET /openapi.json')
    const routes = Object.entries<Record<string, object>>(body.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map(method => ({ method: method.toUpperCase(), path: path.replace('/api', '') })),
    )
    const odd = fc.oneof(
      fc.constantFrom(
        '',
        '0',
        '-1',
        'null',
        '%',
        "' or 1=1 --",
        '../../etc/passwd',
        '\u0000',
        '🦜'.repeat(50),
        unknownId,
      ),
      fc.string({ maxLength: 40 }),
    )
    const json = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.dictionary(
        fc.constantFrom('name', 'type', 'config', 'key', 'token', 'email', 'password', 'request', 'amount', 'body'),
        fc.jsonValue({ maxDepth: 2 }),
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        odd,
        odd,
        odd,
        json,
        async ({ method, path }, id, name, value, said) => {
          const query = new URLSearchParams({ [name || 'q']: value, page: '1' })
          const own = path.replaceAll(/\{\w+\}/g, encodeURIComponent(id) || 'x')
          if (own === '/events') return
          const sends = method === 'POST' || method === 'PUT'
          const { status } = await stage.ask(`${method} ${own}?${query}`, { token, ...(sends && { body: said }) })
          expect([status, status < 500 || status === 501], `${method} ${own}?${query} ${JSON.stringify(said)}`).toEqual(
            [status, true],
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a body of a strange shape is refused before it costs anything', async () => {
    const stage = await start()
    const post = (body: string, headers: Record<string, string> = {}) =>
      stage.ask('POST /keys', { token, body, headers }).then(({ status }) => status)
    expect(await post('{')).toBe(400)
    expect(await post('')).toBe(400)
    expect(await post('[]')).toBe(400)
    expect(await post(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)).toBe(400)
    expect(await post('{"name":"x","__proto__":{"rpm":1}}')).toBe(400)
    expect(await post(JSON.stringify({ name: 'x'.repeat(2 << 20) }))).toBe(413)
    expect(await post('{"name":"x"}', { 'content-type': 'text/plain' })).toBe(400)
    expect(await post('{"name":"a\\u0000b"}')).toBe(400)
  })
}

describe('over SQLite', () => tests(() => startStage()))

describe.skipIf(postgresMissing !== undefined)(`over PostgreSQL ${postgresMissing ?? ''}`, () => {
  tests(async () => {
    const server = await startPostgres()
    atTheEnd(() => server.remove())
    return await startStage({ place: { url: await server.createDatabase() } })
  })
})

test('secrets come back in no body, whatever is asked', async () => {
  const stage = await startStage()
  const upstream = await startFaultyUpstream(['small'])
  atTheEnd(() => upstream.stop())
  const planted = {
    sealed: 'sk-upstream-planted-0123456789',
    rotated: 'sk-upstream-rotated-9876543210',
    password,
    admin: adminToken,
    refresh: stage.people.viewer.pair.refreshToken,
    access: stage.people.viewer.pair.accessToken,
  }
  upstream.always(refuse(401, { error: { message: `Incorrect API key provided: ${planted.sealed}` } }))
  const config = { url: upstream.url, models: ['small'] }
  const { body } = await stage.ask('POST /providers', {
    token,
    body: { type: 'api', name: 'A', key: planted.sealed, config },
  })
  await stage.ask(`POST /providers/${body.id}/test`, { token, body: { model: 'small' } })
  await stage.ask(`PUT /providers/${body.id}`, { token, body: { key: planted.rotated } })
  await stage.ask('POST /configs', { token, body: { name: 'saved' } })
  const document = (await stage.ask('GET /openapi.json')).body
  const ids: Record<string, string | undefined> = {}
  for (const list of ['providers', 'endpoints', 'configs', 'users', 'keys']) {
    ids[list] = (await stage.ask(`GET /${list}`, { token })).body.data[0]?.id
  }
  for (const [path, operations] of Object.entries<Record<string, object>>(document.paths)) {
    if (!Object.hasOwn(operations, 'get') || path === '/api/events') continue
    const own = path.replace('/api', '')
    await stage.ask(`GET ${own.replace('{id}', ids[own.split('/')[1]!] ?? unknownId)}`, { token })
  }
  for (const session of (
    await stage.store.sessions.list({ userId: stage.people.viewer.user.id }, { page: 1, limit: 10 })
  ).rows) {
    expect(stage.heard()).not.toContain(session.refreshHash)
  }
  const sealed = (await stage.store.providers.get(body.id))!.secret!
  const hashes = (await stage.store.users.list({}, { page: 1, limit: 10 })).rows.map(
    ({ passwordHash }) => passwordHash!,
  )
  for (const secret of [...Object.values(planted), sealed, ...hashes]) expect(stage.heard()).not.toContain(secret)
})
