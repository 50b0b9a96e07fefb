import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { type ProviderRow, type Sealer, systemRandom } from '../../src/core/index.ts'
import type { SqlStore } from '../../src/store/index.ts'
import { startGateway, startService } from './gateway.ts'

const soon = { timeout: 5_000, interval: 25 }
const [oldKey, newKey] = ['sk-old-canary-7', 'sk-new-canary-8']

interface Written {
  readonly name: string
  readonly url: string
  readonly secret?: string
  readonly config?: object
}

/** As the management of another node would write it. */
function addProvider(
  store: SqlStore,
  sealer: Sealer,
  { name, url, secret, config = {} }: Written,
): Promise<ProviderRow> {
  const id = systemRandom.uuid()
  return store.providers.create({
    ...{ id, name, type: 'api', provider: 'openai-compatible', config: { url, ...config } },
    ...(secret !== undefined && { secret: sealer.seal(secret, `provider:${id}`), secretTail: secret.slice(-4) }),
  })
}

async function endpointId(store: SqlStore, path: string): Promise<string> {
  const { rows } = await store.endpoints.list({}, { page: 1, limit: 100 })
  return rows.find(row => row.path === path)!.id
}

test('a provider in the store is asked within a second, with its key, and with its new key from then on', async () => {
  const a = await startService('a', { models: ['m'] })
  const { node, ask, store: open, lines } = await startGateway({})
  const { store, sealer } = await open()
  expect(await ask('m')).toBe('404 model_not_found')
  const row = await addProvider(store, sealer, { name: 'stored', url: a.url, secret: oldKey })
  await vi.waitFor(async () => expect(await ask('m')).toBe('a'), { timeout: 3_000, interval: 25 })
  expect(a.asked.at(-1)?.key).toBe(oldKey)
  const [provider] = node.live.providers()
  expect(provider).toMatchObject({ name: 'stored', source: 'store', id: row.id, state: 'up' })

  const failures: unknown[] = []
  let isRotated = false
  const asking = (async () => {
    while (!isRotated) {
      const answer = await ask('m')
      if (answer !== 'a') failures.push(answer)
      await sleep(20)
    }
  })()
  await store.providers.update(row.id, { secret: sealer.seal(newKey, `provider:${row.id}`) })
  await node.live.reload()
  const calls = a.asked.length
  for (let call = 0; call < 5; call++) await ask('m')
  isRotated = true
  await asking
  expect(failures).toEqual([])
  expect(new Set(a.asked.slice(calls + 1).map(({ key }) => key))).toEqual(new Set([newKey]))

  await store.providers.remove(row.id)
  await vi.waitFor(async () => expect(await ask('m')).toBe('404 model_not_found'), soon)
  const shown = JSON.stringify([node.live.setup(), node.live.providers(), node.status(), lines], withBigints)
  for (const secret of [oldKey, newKey]) expect(shown).not.toContain(secret)
})

test('a key that is a reference is looked up, and variables of the node are not to be had', async () => {
  const a = await startService('a', { models: ['m'] })
  const env = { UPSTREAM_KEY: oldKey, PARLEY_STORE_MASTER_KEY: '' }
  const { node, ask, store: open } = await startGateway({}, { env })
  const { store, sealer } = await open()
  const { id } = await addProvider(store, sealer, { name: 'stored', url: a.url, secret: 'env:UPSTREAM_KEY' })
  await node.live.reload()
  expect(await ask('m')).toBe('a')
  expect(a.asked.at(-1)?.key).toBe(oldKey)
  for (const [name, message] of [
    ['NOT_THERE', 'upstream stored takes its key from NOT_THERE, which is not set'],
    ['PARLEY_STORE_MASTER_KEY', 'PARLEY_STORE_MASTER_KEY is a variable of this node itself'],
  ] as const) {
    await store.providers.update(id, { secret: sealer.seal(`env:${name}`, `provider:${id}`) })
    await expect(node.live.reload()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining(message),
    })
    expect(await ask('m')).toBe('a')
  }
})

test('a row that is wrong changes nothing and is named, and does not keep a node from starting', async () => {
  const a = await startService('a', { models: ['m'] })
  const { node, ask, store: open, paths } = await startGateway({ upstreams: [{ name: 'file', url: a.url }] })
  const { store, sealer } = await open()
  const bad = async (name: string, config: object) => {
    const row = await addProvider(store, sealer, { name, url: a.url, config })
    const error = await node.live.reload().catch((cause: unknown) => cause)
    await store.providers.remove(row.id)
    return (error as Error).message
  }
  expect(await bad('wrong', { url: 'ftp://a' })).toMatch(/^provider wrong: config\.url is a URL that starts with http/)
  expect(await bad('wrong', { apiKey: oldKey })).toBe('provider wrong: config has the unknown key apiKey; remove it')
  expect(await bad('wrong', { keyFile: '/etc/passwd' })).toMatch(/unknown key keyFile/)
  expect(await bad('wrong', { prices: [{ in: 'much' }] })).toMatch(/config\.prices\[0\]\.in is an amount in dollars/)
  expect(await bad('FILE', {})).toMatch(/^provider FILE: another provider of this node has the name/)
  expect(node.live.setup().generation).toBe(1)
  expect(await ask('m')).toBe('a')

  await addProvider(store, sealer, { name: 'wrong', url: a.url, secret: 'env:GONE' })
  await addProvider(store, sealer, { name: 'right', url: a.url })
  await node.stop()
  const second = await startGateway({}, { home: paths.dataDirectory.replace(/\/data$/, '') })
  expect(second.node.live.setup().upstreams).toMatchObject([{ name: 'right' }])
  expect(second.node.log.recent()).toContainEqual(
    expect.objectContaining({ type: 'service.failed', service: 'setup', message: expect.stringContaining('GONE') }),
  )
  expect(await second.ask('m', {}, node.firstKey)).toBe('a')
})

test('a draft is checked against what runs, without a word of the rest', async () => {
  const a = await startService('a', { models: ['m'] })
  const { node, store: open } = await startGateway({ upstreams: [{ name: 'file', url: a.url }] })
  const { store, sealer } = await open()
  const { id } = await addProvider(store, sealer, { name: 'stored', url: a.url, secret: oldKey })
  await node.live.reload()
  const draft = { name: 'new', type: 'api' as const, provider: 'anthropic', config: {} }
  const check = (drafted: Parameters<typeof node.live.check>[0]) => () => node.live.check(drafted)
  expect(check({ providers: [{ ...draft, secret: 'k' }] })).not.toThrow()
  expect(check({ providers: [draft] })).toThrow(/keyEnv is missing: anthropic wants a key/)
  expect(check({ providers: [{ ...draft, provider: 'claude' }] })).toThrow(/provider new: provider is none of "openai"/)
  expect(check({ providers: [{ ...draft, id, provider: 'anthropic' }] })).not.toThrow()
  for (const name of ['file', 'stored', 'parley']) {
    expect(check({ providers: [{ ...draft, name, secret: 'k' }] })).toThrow(
      expect.objectContaining({ code: 'conflict' }),
    )
  }
  const mapping = (path: string, value: object) => ({ endpoints: [{ path, mapping: value as never }] })
  expect(check(mapping('/v1/embeddings', { fast: { targets: [{ provider: 'file', weight: 2 }] } }))).not.toThrow()
  expect(check(mapping('/v1/embeddings', { fast: { targets: [] } }))).toThrow(/mapping\.fast\.targets is too small/)
  expect(check(mapping('/v1/models', { fast: { targets: [{}] } }))).toThrow(/it has no mapping/)
  expect(check({ routing: { policy: 'best' } })).toThrow(/routing of the active configuration\.policy is none of/)
  expect(check({ routing: { allow: [] } })).toThrow(/allow cannot be set here/)
  expect(check({ routing: { policy: 'best' } })).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})

test('names of a path hold for its calls alone, with weights and aliases; a path that is closed is closed alone', async () => {
  const [a, b] = [await startService('a', { models: ['m', 'e'] }), await startService('b', { models: ['m'] })]
  const upstreams = [
    { name: 'a', url: a.url },
    { name: 'b', url: b.url },
  ]
  const { node, ask, send, models, store: open } = await startGateway({ upstreams, routing: { policy: 'weighted' } })
  const { store } = await open()
  const [chats, vectors] = [await endpointId(store, '/v1/chat/completions'), await endpointId(store, '/v1/embeddings')]
  const targets = [
    { provider: 'a', model: 'm', weight: 0 },
    { provider: 'b', model: 'm' },
  ]
  await store.endpoints.update(chats, { mapping: { fast: { targets, aliases: ['quick'] } } })
  await node.live.reload()
  expect(await models()).toEqual(['e', 'fast', 'm', 'quick'])
  expect([await ask('fast'), await ask('quick')]).toEqual(['b', 'b'])
  const embed = async (model: string) => (await send('/v1/embeddings', { model, input: 'hi' })).status
  expect([await embed('fast'), await embed('e')]).toEqual([404, 200])

  await store.endpoints.update(vectors, { isActive: false })
  await node.live.reload()
  expect([await embed('e'), await ask('fast')]).toEqual([404, 'b'])
  expect(node.live.setup()).toMatchObject({
    closedPaths: ['/v1/embeddings'],
    endpoints: [{ name: 'fast', path: '/v1/chat/completions', source: 'store' }, { name: 'quick' }],
  })
  await store.endpoints.update(vectors, { isActive: true })
  await vi.waitFor(async () => expect(await embed('e')).toBe(200), soon)
})

test('the active configuration says how calls are routed, and the file what it leaves out', async () => {
  const [a, b] = [await startService('a', { models: ['m'] }), await startService('b', { models: ['m'] })]
  const upstreams = [
    { name: 'a', url: a.url, prices: [{ in: '2', out: '2' }] },
    { name: 'b', url: b.url, prices: [{ model: 'other' }, { in: '0.5', out: '1' }] },
  ]
  const { node, ask, store: open } = await startGateway({ upstreams, routing: { policy: 'priority', attemptsMax: 7 } })
  const { store } = await open()
  expect(await ask('m')).toBe('a')
  const document = { routing: { policy: 'cheapest' } }
  const { id } = await store.configurations.create({ name: 'cheap', description: '', document })
  await store.configurations.activate(id)
  await vi.waitFor(async () => expect(await ask('m')).toBe('b'), soon)
  expect(node.live.setup().routing).toMatchObject({ policy: 'cheapest', attemptsMax: 7 })
})

test('several rows that belong together are seen together', async () => {
  const a = await startService('a', { models: ['m'] })
  const { node, ask, store: open } = await startGateway({})
  const { store, sealer } = await open()
  await node.live.change(async () => {
    await addProvider(store, sealer, { name: 'one', url: a.url })
    await sleep(1_200)
    expect(node.live.setup().upstreams).toEqual([])
    await addProvider(store, sealer, { name: 'two', url: a.url })
  })
  expect(node.live.setup()).toMatchObject({ generation: 2, upstreams: [{ name: 'one' }, { name: 'two' }] })
  expect(await ask('m')).toBe('a')
  await expect(node.live.change(async () => Promise.reject(new TypeError('not written')))).rejects.toThrow(
    'not written',
  )
  await node.live.reload()
})

function withBigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
