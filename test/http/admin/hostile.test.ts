import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refuse, startFaultyUpstream } from '../../faulty-upstream.ts'
import { type Postgres, postgresMissing, startPostgres } from '../../postgres.ts'
import { adminToken, atTheEnd, password, type Stage, startStage, unknownId } from './stage.ts'

const token = adminToken

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } }
}

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

const oddText = fc.oneof(
  fc.constantFrom('', '0', '1', '-1', 'null', '%', "' or 1=1 --", '../../etc/passwd', '\u0000', '\\', '🦜'.repeat(50)),
  fc.constantFrom(
    '999999999999999',
    '1000000000',
    '1e300',
    '0.000001',
    '2026-02-30',
    '2026-03-14T12:00:00Z',
    'day',
    'true',
  ),
  fc.constantFrom(
    'api',
    'admin',
    'active',
    'project',
    'node',
    'key',
    'provider',
    'hour',
    'debug',
    '5xx',
    'Europe/Berlin',
  ),
  fc.string({ maxLength: 40, unit: 'binary' }),
)

function queryNames(parameters: Operation['parameters']): string[] {
  return parameters.filter(({ in: place }) => place === 'query').map(({ name }) => name)
}

/** Has the fields of the schema, and in them whatever comes. */
function oddBody({ content }: NonNullable<Operation['requestBody']>): fc.Arbitrary<unknown> {
  const { schema } = content['application/json'] ?? { schema: {} }
  const [first = schema] = schema.oneOf ?? schema.anyOf ?? []
  const fields = Object.keys(first.properties ?? { name: {} })
  const value = fc.oneof({ weight: 3, arbitrary: oddText }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) })
  const some = fc.record(Object.fromEntries(fields.map(name => [name, value])), { requiredKeys: [] })
  return fc.oneof({ weight: 5, arbitrary: some }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) })
}

async function knownIds(stage: Stage): Promise<string[]> {
  await stage.store.providers.create({
    name: 'web',
    type: 'web',
    provider: 'page',
    config: { url: 'https://page.invalid' },
  })
  await stage.ask('POST /configs', { token, body: { name: 'saved' } })
  await stage.ask('POST /budgets', { token, body: { scope: 'node', amount: '1', window: 'day' } })
  await stage.makeKey()
  const lists = ['providers', 'endpoints', 'configs', 'users', 'keys', 'budgets']
  const said = await Promise.all(lists.map(list => stage.ask(`GET /${list}`, { token })))
  return said.flatMap(({ body }) => body.data.map(({ id }: { id: string }) => id))
}

function tests(start: () => Promise<Stage>): void {
  test('bad input is never a failure of the node', async () => {
    const stage = await start()
    const { body } = await stage.ask('GET /openapi.json')
    const routes = Object.entries<Record<string, Operation>>(body.paths)
      .flatMap(([path, operations]) =>
        Object.entries(operations).map(each => ({ path: path.replace('/api', ''), each })),
      )
      .filter(({ path }) => path !== '/events')
    const known = await knownIds(stage)
    const asked = fc.constantFrom(...routes).chain(({ path, each: [method, { parameters, requestBody }] }) =>
      fc.record({
        route: fc.constant(`${method.toUpperCase()} ${path}`),
        id: fc.oneof(fc.constantFrom(...known, unknownId), oddText),
        query: fc.dictionary(fc.constantFrom('page', ...queryNames(parameters)), oddText, { maxKeys: 3 }),
        said: requestBody === undefined ? fc.constant(undefined) : oddBody(requestBody),
      }),
    )
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(asked, async ({ route, id, query, said }) => {
        const own = route.replaceAll(/\{\w+\}/g, encodeURIComponent(id.toWellFormed()) || 'x')
        const { status, text } = await stage.ask(`${own}?${new URLSearchParams(query)}`, { token, body: said })
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        expect(status < 500 || status === 501, `${own} ${JSON.stringify({ query, said })}: ${status} ${text}`).toBe(
          true,
        )
      }),
      { numRuns: 600 },
    )
    // It went far enough in to be answered.
    expect(statuses.get(200)).toBeGreaterThan(30)
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
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.remove())
  tests(async () => await startStage({ place: { url: await server.createDatabase() } }))
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
