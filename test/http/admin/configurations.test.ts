import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FaultyUpstream, startFaultyUpstream } from '../../faulty-upstream.ts'
import { type Postgres, postgresMissing, startPostgres } from '../../postgres.ts'
import { atTheEnd, type Stage, type StageOptions, startStage, unknownId } from './stage.ts'

let stage: Stage
let one: FaultyUpstream
let two: FaultyUpstream
let token: string

async function begin(options: StageOptions = {}) {
  stage = await startStage({ env: { KEY_ONE: 'sk-one' }, ...options })
  one = await startFaultyUpstream(['small'])
  two = await startFaultyUpstream(['small'])
  atTheEnd(() => Promise.all([one.stop(), two.stop()]))
  token = stage.tokens.operator
}

async function create(name: string, { url }: FaultyUpstream, more: object = {}) {
  const body = { type: 'api', name, config: { url, models: ['small'] }, ...more }
  const said = await stage.ask('POST /providers', { token, body })
  expect(said.status, said.text).toBe(201)
  return said.body
}

async function chatPath() {
  const { body } = await stage.ask('GET /endpoints', { token })
  return body.data.find(({ path }: { path: string }) => path === '/v1/chat/completions')
}

async function map(name: string, ...providers: string[]) {
  const targets = providers.map(provider => ({ provider, model: 'small' }))
  const body = { mapping: { [name]: { targets } } }
  const said = await stage.ask(`PUT /endpoints/${(await chatPath()).id}`, { token, body })
  expect(said.status, said.text).toBe(200)
}

async function chat(model: string) {
  const response = await fetch(`${stage.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-parley-test', 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  })
  await response.text()
  return { status: response.status, provider: response.headers.get('x-parley-provider') }
}

function tests(): void {
  describe('endpoints', () => {
    test('the seeded paths are listed, opened and closed', async () => {
      const { body } = await stage.ask('GET /endpoints', { token })
      expect(body.data.map(({ path }: { path: string }) => path)).toEqual([
        '/v1/chat/completions',
        '/v1/completions',
        '/v1/embeddings',
        '/v1/images/generations',
        '/v1/models',
      ])
      const { id } = body.data[0]
      expect((await stage.ask(`PUT /endpoints/${id}`, { token, body: { active: false } })).body.active).toBe(false)
      expect((await stage.ask('GET /endpoints?status=inactive', { token })).body.total).toBe(1)
      expect((await stage.ask('GET /endpoints?active=true', { token })).body.total).toBe(4)
      expect(stage.live.isOpen('/v1/chat/completions')).toBe(false)
      expect((await stage.ask(`PUT /endpoints/${unknownId}`, { token, body: {} })).status).toBe(404)
    })

    test('a mapping drives the routing, and wrong ones are refused', async () => {
      await create('one', one)
      await create('two', two)
      await map('mine', 'two')
      expect(await chat('mine')).toEqual({ status: 200, provider: 'two' })
      const { id } = await chatPath()
      const wrong = [
        { mine: { targets: [] } },
        { mine: { targets: [{ provider: 'nobody' }] } },
        { mine: { targets: [{ provider: 'one', share: 3 }] } },
        { 'no name!': { targets: [{ provider: 'one' }] } },
        { mine: 'one' },
      ]
      for (const mapping of wrong) {
        const said = await stage.ask(`PUT /endpoints/${id}`, { token, body: { mapping } })
        expect(said.status, JSON.stringify(mapping)).toBe(400)
      }
      expect(await chat('mine')).toEqual({ status: 200, provider: 'two' })
    })

    test('a dry run says who would answer and what would be sent, and sends nothing', async () => {
      await create('one', one)
      await map('mine', 'one')
      const { id } = await chatPath()
      const request = { model: 'mine', messages: [{ role: 'user', content: 'hi' }], provider: 'one', max_tokens: 3 }
      const { body } = await stage.ask(`POST /endpoints/${id}/test`, { token, body: { request } })
      expect(body).toMatchObject({ provider: 'one', model: 'small', reason: null })
      expect(body.body).toEqual({ model: 'small', messages: request.messages, max_tokens: 3 })
      expect(one.hits).toEqual([])
      const unknown = await stage.ask(`POST /endpoints/${id}/test`, {
        token,
        body: { request: { ...request, model: 'x' } },
      })
      expect(unknown.body).toMatchObject({ provider: null, model: 'x' })
      expect(unknown.body.reason).toBeTruthy()
      for (const wrong of [{}, { model: 7 }, { model: 'mine', provider: 7 }, { model: 'mine', messages: 'hi' }]) {
        const said = await stage.ask(`POST /endpoints/${id}/test`, { token, body: { request: wrong } })
        expect([200, 400], JSON.stringify(wrong)).toContain(said.status)
      }
      const models = (await stage.ask('GET /endpoints?limit=5', { token })).body.data.at(-1)
      expect((await stage.ask(`POST /endpoints/${models.id}/test`, { token, body: { request } })).status).toBe(501)
    })
  })

  describe('configurations', () => {
    test('what was saved comes back whole, and later edits do not touch it', async () => {
      token = stage.tokens.admin
      const provider = await create('one', one, { key: 'sk-sealed-0123456789abcdef' })
      await map('mine', 'one')
      const saved = (await stage.ask('POST /configs', { token, body: { name: 'first', description: 'what we had' } }))
        .body
      expect(saved).toMatchObject({ name: 'first', description: 'what we had', active: false })
      expect((await stage.ask('POST /configs', { token, body: { name: 'first' } })).status).toBe(409)

      await create('two', two)
      await map('mine', 'two')
      await stage.ask(`PUT /providers/${provider.id}`, { token, body: { config: { url: two.url } } })
      expect((await stage.ask(`GET /configs/${saved.id}`, { token })).body.document).toEqual(saved.document)
      expect(await chat('mine')).toEqual({ status: 200, provider: 'two' })

      const changes = (await stage.ask(`POST /configs/${saved.id}/activate`, { token })).body
      expect(changes).toEqual({
        created: [],
        updated: ['one'],
        removed: ['two'],
        endpoints: ['/v1/chat/completions'],
        routing: false,
        withoutKey: [],
      })
      expect(await chat('mine')).toEqual({ status: 200, provider: 'one' })
      expect(one.hits.at(-1)!.headers.authorization).toBe('Bearer sk-sealed-0123456789abcdef')
      expect((await stage.ask(`GET /configs/${saved.id}`, { token })).body.active).toBe(true)
      expect((await stage.ask(`DELETE /configs/${saved.id}`, { token })).status).toBe(409)
      const put = await stage.ask(`PUT /configs/${saved.id}`, { token, body: { name: 'renamed' } })
      expect(put.body).toMatchObject({ name: 'renamed', description: 'what we had', active: true })
      const other = (await stage.ask('POST /configs', { token, body: { name: 'other' } })).body
      expect((await stage.ask(`DELETE /configs/${other.id}`, { token })).status).toBe(204)
      expect((await stage.ask('GET /configs', { token })).body.total).toBe(1)
    })

    test('calls see the old one or the new one, never half of each', async () => {
      await create('one', one)
      await map('first-name', 'one')
      const first = (await stage.ask('POST /configs', { token, body: { name: 'first' } })).body
      await create('two', two)
      await map('second-name', 'two')
      await stage.ask(`DELETE /providers/${(await stage.ask('GET /providers', { token })).body.data[0].id}`, { token })
      const second = (await stage.ask('POST /configs', { token, body: { name: 'second' } })).body
      let isOver = false
      const seen: string[] = []
      const load = (async () => {
        while (!isOver) {
          const setup = stage.live.setup()
          const names = setup.endpoints.map(({ name }) => name).join()
          seen.push(`${names} by ${setup.upstreams.map(({ name }) => name).join()}`)
          await sleep(1)
        }
      })()
      for (let round = 0; round < 6; round++) {
        const { id } = round % 2 === 0 ? first : second
        expect((await stage.ask(`POST /configs/${id}/activate`, { token })).status).toBe(200)
        expect((await chat(round % 2 === 0 ? 'first-name' : 'second-name')).status).toBe(200)
      }
      isOver = true
      await load
      expect([...new Set(seen)].sort()).toEqual(['first-name by one', 'second-name by two'])
      const active = await stage.store.configurations.list({}, { page: 1, limit: 10 })
      expect(active.rows.filter(({ isActive }) => isActive).map(({ name }) => name)).toEqual(['second'])
    })

    test('one that cannot run leaves everything as it was', async () => {
      await create('one', one)
      await map('mine', 'one')
      const before = (await stage.ask('GET /configs/export', { token })).text
      const bad = {
        ...JSON.parse(before),
        providers: [{ name: 'x', type: 'api', provider: 'nobody', config: {}, status: 'active' }],
      }
      const row = await stage.store.configurations.create({ name: 'bad', description: '', document: bad })
      const alien = await stage.store.configurations.create({
        name: 'alien',
        description: '',
        document: { schema: 99 },
      })
      for (const { id } of [row, alien]) {
        expect((await stage.ask(`POST /configs/${id}/activate`, { token })).status).toBe(400)
      }
      expect((await stage.ask('GET /configs/export', { token })).text).toBe(before)
      expect(await stage.store.configurations.active()).toBeUndefined()
      expect(await chat('mine')).toEqual({ status: 200, provider: 'one' })
    })
  })

  describe('export and import', () => {
    test('an import into an empty node exports the same, byte for byte', async () => {
      token = stage.tokens.admin
      await create('one', one, { key: 'env:KEY_ONE' })
      await create('two', two, { key: 'sk-stays-here-0123456789', status: 'disabled' })
      await create('three', two)
      await map('mine', 'one', 'three')
      const exported = (await stage.ask('GET /configs/export', { token })).text
      expect(exported).not.toMatch(/sk-stays-here|sk-one/)
      const config = JSON.parse(exported)
      const other = await startStage({ env: { KEY_ONE: 'sk-other' } })
      const ask = (body: object) => other.ask('POST /configs/import', { token: other.tokens.admin, body })
      const trial = (await ask({ config, dryRun: true })).body
      expect(trial).toMatchObject({ created: ['one', 'three', 'two'], withoutKey: ['three', 'two'] })
      expect(other.live.setup().upstreams).toEqual([])
      expect((await ask({ config, name: 'moved' })).body).toEqual(trial)
      expect((await other.ask('GET /configs/export', { token: other.tokens.operator })).text).toBe(exported)
      expect((await other.store.configurations.active())?.name).toBe('moved')
      const again = (await ask({ config, dryRun: true })).body
      expect(again).toMatchObject({ created: [], updated: [], removed: [], endpoints: [], routing: false })
    })

    test('all or nothing, with the place of what is wrong', async () => {
      await create('one', one)
      const config = (await stage.ask('GET /configs/export', { token })).body
      const [provider] = config.providers
      const ask = (body: unknown, headers = {}) => stage.ask('POST /configs/import', { token, body, headers })
      const wrong: [unknown, string][] = [
        [{ config: { ...config, schema: 2 } }, 'config.schema'],
        [{ config: { ...config, colour: 'red' } }, 'config.colour'],
        [{ config: { ...config, providers: [provider, provider] } }, 'config'],
        [
          { config: { ...config, providers: [provider, { ...provider, name: 'two', config: { url: 'x' } }] } },
          'config.url',
        ],
        [{ config: { ...config, providers: [{ ...provider, key: 'sk-plain' }] } }, 'config.providers.0.key'],
        [{ config: { ...config, endpoints: [{ path: '/v1/x', active: true, mapping: {} }] } }, 'config.endpoints'],
        [{ config, dryRun: 'yes' }, 'dryRun'],
        [{}, 'config'],
      ]
      for (const [body, param] of wrong) {
        const said = await ask(body)
        expect([said.status, said.body.error.param], param).toEqual([400, param])
      }
      const mapping = { mine: { targets: [{ provider: 'gone' }] } }
      const pointless = { ...config, endpoints: [{ path: '/v1/embeddings', active: true, mapping }] }
      expect((await ask({ config: pointless })).status).toBe(400)
      expect((await ask({ config: { ...config, routing: { policy: 'by mood' } } })).status).toBe(400)
      expect((await stage.ask('GET /configs/export', { token })).body).toEqual(config)
      expect((await stage.ask('GET /configs', { token })).body.total).toBe(0)
      const big = JSON.stringify({ config: { ...config, routing: { x: 'x'.repeat(11 << 20) } } })
      expect((await ask(big)).status).toBe(413)
    })

    test('a provider that cannot do without its key waits for it', async () => {
      const config = {
        schema: 1,
        providers: [{ name: 'claude', type: 'api', provider: 'anthropic', config: {}, status: 'active' }],
        endpoints: [],
        routing: {},
      }
      const { body } = await stage.ask('POST /configs/import', { token, body: { config } })
      expect(body).toMatchObject({ created: ['claude'], withoutKey: ['claude'] })
      const [row] = (await stage.ask('GET /providers', { token })).body.data
      expect(row).toMatchObject({ status: 'disabled', keySource: 'none', live: null })
      const put = { key: 'sk-ant-0123456789abcdef', status: 'active' }
      expect((await stage.ask(`PUT /providers/${row.id}`, { token, body: put })).body.status).toBe('active')
    })
  })

  test('of two who change at once the second is told', async () => {
    const { revision, configurations } = stage.store
    const change = {
      revision: await revision(),
      created: [],
      updated: [],
      removed: [],
      endpoints: [],
      active: undefined,
    }
    await configurations.apply(change)
    await expect(configurations.apply(change)).rejects.toMatchObject({ code: 'conflict' })
  })
}

describe('over SQLite', () => {
  beforeEach(() => begin())
  tests()
})

describe.skipIf(postgresMissing !== undefined)(`over PostgreSQL ${postgresMissing ?? ''}`, () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.remove())
  beforeEach(async () => await begin({ place: { url: await server.createDatabase() } }))
  tests()
})
