import { expect, onTestFinished, test } from 'vitest'
import { refuse, type StreamOptions, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { startManaged } from './managed.ts'

async function upstream(...models: string[]) {
  const server = await startFaultyUpstream(models)
  onTestFinished(server.stop)
  return server
}

const usual: StreamOptions = { usage: 'own' }

test('models are listed with who answers them, at what price, how fast and how well', async () => {
  const [a, b] = [await upstream('shared', 'alone'), await upstream('shared')]
  const { api, chat, join } = await startManaged({
    models: { nano: true },
    routing: { policy: 'priority', sameProviderRetries: 0 },
    upstreams: [
      { name: 'a', url: a.url, prices: [{ model: 'shared', in: '0.15', out: '2' }] },
      { name: 'b', url: b.url },
    ],
    endpoints: [{ name: 'fast', targets: [{ provider: 'b', model: 'shared' }] }],
  })
  const list = async (token?: string) => {
    const { body, status } = await api('GET /models', undefined, token)
    expect(status).toBe(200)
    const data: { id: string; offers: { provider: string }[] }[] = body.data
    return new Map(data.map(model => [model.id, model]))
  }
  const before = await list()
  expect([...before.keys()].sort()).toEqual(['alone', 'fast', 'parley-nano', 'shared'])
  const unmeasured = { ttftP50Ms: null, ttftP95Ms: null, tokensPerSecond: null, uptime: null, running: 0, state: 'up' }
  const free = { priceIn: '0', priceOut: '0', currency: 'USD', unit: 'tokens' }
  expect(before.get('parley-nano')).toMatchObject({
    contextLength: expect.any(Number),
    capabilities: expect.arrayContaining(['chat']),
    offers: [{ kind: 'local', privacy: 'local', ...free, ...unmeasured, contextLength: expect.any(Number) }],
  })
  const unknown = { priceIn: null, priceOut: null, currency: null }
  expect(before.get('shared')).toMatchObject({
    pricing: null,
    maxOutputTokens: null,
    offers: [
      {
        provider: 'a',
        kind: 'api',
        privacy: 'upstream',
        priceIn: '0.15',
        priceOut: '2',
        currency: 'USD',
        ...unmeasured,
      },
      { provider: 'b', kind: 'api', privacy: 'upstream', ...unknown, ...unmeasured },
    ],
  })
  expect(before.get('fast')!.offers.map(({ provider }) => provider)).toEqual(['b'])

  b.always(stream({ ...usual, dripMs: 5 }))
  a.always(refuse(503))
  await (await chat('shared')).text()
  const after = async () => (await list()).get('shared')!.offers
  await expect.poll(after).toMatchObject([
    { provider: 'a', state: 'resting', uptime: 0, ttftP50Ms: null },
    { provider: 'b', state: 'up', uptime: 1, ttftP50Ms: expect.any(Number), ttftP95Ms: null },
  ])
  b.always(stream())
  for (let i = 0; i < 20; i++) await (await chat('fast')).text()
  const [measured] = (await list()).get('fast')!.offers as unknown as { ttftP50Ms: number; ttftP95Ms: number }[]
  expect(measured!.ttftP95Ms).toBeGreaterThanOrEqual(measured!.ttftP50Ms)

  const { token } = await join('user')
  expect([...(await list(token)).keys()]).toHaveLength(4)
})

test('a key sees the models it may use, by the names it knows them under', async () => {
  const a = await upstream('open', 'closed')
  const { api } = await startManaged({ upstreams: [{ name: 'a', url: a.url }] })
  const limited = (await api('POST /keys', { name: 'limited', models: ['open'] })).body
  const { body } = await api('GET /models', undefined, limited.secret)
  expect(body.data).toMatchObject([{ id: 'open', offers: [{ provider: 'a' }] }])
  expect((await api('GET /models', undefined, null)).status).toBe(401)
  expect((await api('GET /models', undefined, 'sk-parley-unknown')).status).toBe(401)
})
