import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type ConfigInput, createConfig, resolvePaths } from '../../src/config/index.ts'
import { makeKey } from './keys.ts'
import { until } from './market.ts'
import { createHome, freePort, startNode } from './stage.ts'

interface Service {
  readonly url: string
  /** The model each call asked for, in order. */
  readonly asked: string[]
  stop: () => Promise<void>
}

/** An OpenAI server that answers with its own name, and remembers what it was asked. */
async function startService(name: string, models: readonly string[], port = 0, facts = {}): Promise<Service> {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString()
    if (request.method === 'GET')
      return void response.end(JSON.stringify({ data: models.map(id => ({ id, ...facts })) }))
    const { model } = JSON.parse(text) as { model: string }
    asked.push(model)
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model }
    const choices = [{ index: 0, delta: { role: 'assistant', content: name }, finish_reason: 'stop' }]
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const events = [
      { ...head, choices },
      { ...head, choices: [], usage },
    ].map(event => JSON.stringify(event))
    response.end([...events, '[DONE]'].map(data => `data: ${data}\n\n`).join(''))
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const stop = () => ended(server)
  onTestFinished(stop)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked, stop }
}

async function ended(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
}

async function startGateway(upstreams: Record<string, string>, more: ConfigInput) {
  const home = createHome()
  onTestFinished(home.remove)
  const config = createConfig(
    {
      http: { port: 0 },
      models: { nano: false },
      upstreams: Object.entries(upstreams).map(([name, url]) => ({ name, url })),
      ...more,
    },
    resolvePaths({ PARLEY_HOME: home.path }),
  )
  const node = await startNode(config)
  onTestFinished(() => node.stop())
  const openai = new OpenAI({ baseURL: node.url, apiKey: node.firstKey!, maxRetries: 0 })
  const ask = async (model: string, asked: { content?: string; apiKey?: string; max_tokens?: number } = {}) => {
    const { content = 'hi', apiKey = node.firstKey!, ...fields } = asked
    const body = { model, messages: [{ role: 'user' as const, content }], ...fields }
    const answer = await openai.withOptions({ apiKey }).chat.completions.create(body)
    return answer.choices[0]!.message.content
  }
  const models = async () => (await openai.models.list()).data.map(({ id }) => id).sort()
  return { ask, models, node, storeFile: config.paths.storeFile }
}

test('what does not fit a server by its list goes to one of a lower priority that has the room', async () => {
  const short = await startService('short', ['m'], 0, { context_length: 32_000, max_model_len: 1_000 })
  const long = await startService('long', ['m'], 0, { context_length: 32_000 })
  const targets = [
    { provider: 'short', model: 'm' },
    { provider: 'long', model: 'm', priority: 2 },
  ]
  const { ask } = await startGateway({ short: short.url, long: long.url }, { endpoints: [{ name: 'both', targets }] })
  expect(await ask('both', { max_tokens: 900 })).toBe('short')
  expect(await ask('both', { content: 'x'.repeat(600), max_tokens: 900 })).toBe('long')
  expect(await ask('both', { content: 'x'.repeat(5_000) })).toBe('long')
  await long.stop()
  expect(await ask('both', { content: 'x'.repeat(5_000) })).toBe('short')
})

test('an endpoint stands for weighted targets, each under its own name of the model', async () => {
  const [a, b] = [await startService('a', ['alpha-7b', 'shared']), await startService('b', ['beta-8b', 'shared'])]
  const { ask, models } = await startGateway(
    { a: a.url, b: b.url },
    {
      endpoints: [
        {
          name: 'fast',
          policy: 'weighted',
          targets: [
            { provider: 'a', model: 'alpha-7b', weight: 3 },
            { provider: 'b', model: 'beta-8b' },
          ],
        },
        { name: 'only-b', targets: [{ provider: 'b', model: 'shared' }] },
        { name: 'off', active: false, targets: [{ model: 'shared' }] },
      ],
    },
  )
  expect(await models()).toEqual(['alpha-7b', 'beta-8b', 'fast', 'only-b', 'shared'])
  for (let call = 0; call < 200; call++) await ask('fast')
  expect(new Set(a.asked)).toEqual(new Set(['alpha-7b']))
  expect(new Set(b.asked)).toEqual(new Set(['beta-8b']))
  expect(a.asked.length + b.asked.length).toBe(200)
  // 3:1 of 200 calls: five standard deviations around 150.
  expect(Math.abs(a.asked.length - 150)).toBeLessThan(31)
  expect(await ask('only-b')).toBe('b')
  await expect(ask('off')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
})

test('the next priority answers when the first fails, and only then', async () => {
  const [a, b] = [await startService('a', ['m']), await startService('b', ['m'])]
  const targets = [
    { provider: 'b', model: 'm', priority: 2 },
    { provider: 'a', model: 'm', priority: 1 },
  ]
  const { ask } = await startGateway({ a: a.url, b: b.url }, { endpoints: [{ name: 'sure', targets }] })
  for (let call = 0; call < 20; call++) expect(await ask('sure')).toBe('a')
  expect(b.asked).toEqual([])
  await a.stop()
  expect(await ask('sure')).toBe('b')
})

test('a node that shows its endpoints alone answers to no other name', async () => {
  const a = await startService('a', ['secret-name'])
  const endpoints = [{ name: 'public-name', targets: [{ model: 'secret-name' }] }]
  const { ask, models } = await startGateway({ a: a.url }, { endpoints, routing: { expose: 'endpoints' } })
  expect(await models()).toEqual(['public-name'])
  expect(await ask('public-name')).toBe('a')
  await expect(ask('secret-name')).rejects.toMatchObject({ status: 404 })
})

test('a rule holds for the models its patterns mean, and an app cannot widen it', async () => {
  const [a, b] = [await startService('a', ['m', 'gpt-5']), await startService('b', ['m', 'gpt-5'])]
  const { ask } = await startGateway(
    { a: a.url, b: b.url },
    {
      routing: {
        policy: 'priority',
        rules: [
          { when: { models: ['gpt-*'], maxBytes: 10 }, use: { only: ['b'] } },
          { when: { models: ['nick?ame'] }, use: { model: 'm' } },
        ],
      },
    },
  )
  expect(await ask('m')).toBe('a')
  expect(await ask('gpt-5')).toBe('b')
  expect(await ask('gpt-5', { content: 'more than ten bytes' })).toBe('a')
  await expect(ask('gpt-5', { provider: 'a' } as object)).rejects.toMatchObject({ status: 404 })
  expect(await ask('nick-ame')).toBe('a')
  expect(a.asked).toEqual(['m', 'gpt-5', 'm'])
})

test('a rule holds for a key by its name, and for no other key', async () => {
  const [a, b] = [await startService('a', ['m']), await startService('b', ['m'])]
  const { ask, storeFile } = await startGateway(
    { a: a.url, b: b.url },
    { routing: { policy: 'priority', rules: [{ when: { keys: ['mobile'] }, use: { ignore: ['a'] } }] } },
  )
  const mobile = await makeKey(storeFile, { name: 'mobile' })
  const other = await makeKey(storeFile, { name: 'other' })
  const answers = await vi.waitFor(
    () => Promise.all([ask('m', { apiKey: mobile }), ask('m', { apiKey: other }), ask('m')]),
    { timeout: 5_000, interval: 100 },
  )
  expect(answers).toEqual(['b', 'a', 'a'])
})

test('the status tells how those fare that were asked, who is down first', async () => {
  const [a, b] = [await startService('a', ['m']), await startService('b', ['m'])]
  const { ask, node } = await startGateway({ b: b.url, a: a.url }, { routing: { policy: 'priority' } })
  expect(node.status().targets).toEqual([])
  expect(await ask('m')).toBe('b')
  await b.stop()
  expect(await ask('m')).toBe('a')
  const [down, well] = node.status().targets
  expect(down).toMatchObject({ name: 'b', running: 0, successes: 1, failures: 1 })
  expect(down?.state).not.toBe('closed')
  expect(down?.lastErrorCode).toBeDefined()
  expect(well).toMatchObject({ name: 'a', state: 'closed', successes: 1 })
})

test('a provider that was down at the start is found soon after it comes up', async () => {
  const port = await freePort()
  const endpoints = [{ name: 'late', targets: [{ model: 'm' }] }]
  const { ask, models } = await startGateway({ a: `http://127.0.0.1:${port}/v1` }, { endpoints })
  expect(await models()).toEqual([])
  await startService('a', ['m'], port)
  let listed: string[] = []
  const listing = setInterval(async () => (listed = await models()), 250)
  onTestFinished(() => clearInterval(listing))
  await until(() => listed.length === 2, 'the provider is found')
  expect(await ask('late')).toBe('a')
})

test('the list of models can be that of one provider, endpoints among them', async () => {
  const [a, b] = [await startService('a', ['alpha', 'shared']), await startService('b', ['beta', 'shared'])]
  const { node } = await startGateway(
    { a: a.url, b: b.url },
    { endpoints: [{ name: 'fast', targets: [{ model: 'beta', provider: 'b' }] }] },
  )
  const idsOf = async (query: string) => {
    const answer = await fetch(`${node.url}/models${query}`, { headers: { authorization: `Bearer ${node.firstKey}` } })
    const { data } = (await answer.json()) as { data?: { id: string }[] }
    return data?.map(({ id }) => id).sort() ?? answer.status
  }
  expect(await idsOf('')).toHaveLength(4)
  expect(await idsOf('?provider=a')).toEqual(['alpha', 'shared'])
  expect(await idsOf('?provider=b')).toEqual(['beta', 'fast', 'shared'])
  expect(await idsOf('?provider=c')).toBe(400)
})
