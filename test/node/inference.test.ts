import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { type FaultyUpstream, json, refuse, startFaultyUpstream, whole } from '../faulty-upstream.ts'
import { startManaged } from './managed.ts'

const messages = [{ role: 'user' as const, content: 'hi' }]

async function upstream(...models: string[]): Promise<FaultyUpstream> {
  const server = await startFaultyUpstream(models)
  onTestFinished(server.stop)
  return server
}

async function startWith(upstreams: Record<string, FaultyUpstream>, more: object = {}) {
  const managed = await startManaged({
    upstreams: Object.entries(upstreams).map(([name, { url }]) => ({ name, url })),
    ...more,
  })
  return { ...managed, ai: new OpenAI({ baseURL: managed.node.url, apiKey: managed.node.firstKey, maxRetries: 0 }) }
}

test('pictures and vectors come from the provider an app names, in every form', async () => {
  const [a, b] = [await upstream('m'), await upstream('m')]
  const { ai } = await startWith({ a, b })
  const named = { model: 'm', provider: 'b' } as const
  b.next(
    json(200, { created: 1, data: [{ b64_json: 'AAAA' }] }),
    json(200, { created: 1, data: [{ url: 'https://x.example/1.png' }] }),
  )
  const picture = (response_format: 'b64_json' | 'url') =>
    ai.images.generate({ ...named, prompt: 'a cat', response_format } as OpenAI.ImageGenerateParamsNonStreaming)
  expect((await picture('b64_json')).data).toEqual([{ b64_json: 'AAAA' }])
  expect((await picture('url')).data).toEqual([{ url: 'https://x.example/1.png' }])
  const vector = async (encoding_format: 'float' | 'base64') =>
    (await ai.embeddings.create({ ...named, input: 'grüezi', encoding_format } as OpenAI.EmbeddingCreateParams)).data
  const [float, base64] = [(await vector('float'))[0]!.embedding, (await vector('base64'))[0]!.embedding as unknown]
  expect([...new Float32Array(Uint8Array.from(Buffer.from(String(base64), 'base64')).buffer)]).toEqual(float)
  expect([a.hits.length, b.hits.length]).toEqual([0, 4])
  for (const { body } of b.hits) expect(body).not.toHaveProperty('provider')
})

test('models are listed once each, by their provider where one is named, and not asked for again', async () => {
  const [a, b] = [await upstream('m', 'only-a'), await upstream('m')]
  const { ai, addProvider } = await startWith({ a, b })
  const ids = async (query = {}) => (await ai.models.list({ query })).data.map(({ id }) => id).sort()
  expect(await ids()).toEqual(['m', 'only-a'])
  expect([await ids({ provider: 'b' }), await ids({ provider: 'a' })]).toEqual([['m'], ['m', 'only-a']])
  const [model] = (await ai.models.list()).data
  expect(model).toMatchObject({ object: 'model', created: expect.any(Number) })
  expect(model!.created).toBeLessThan(1e11)
  await addProvider('c', (await upstream('new')).url)
  expect(await ids()).toEqual(['m', 'new', 'only-a'])
  await expect(ids({ provider: 'nobody' })).rejects.toThrow(/400.*"nobody"/)
})

test('a path nobody knows is 404 in JSON, and a wrong method says which are right', async () => {
  const a = await upstream('m')
  const { node, origin } = await startWith({ a })
  const headers = { authorization: `Bearer ${node.firstKey}` }
  const unknown = await fetch(`${node.url}/nothing`, { method: 'POST', headers })
  expect([unknown.status, ((await unknown.json()) as { error: object }).error]).toEqual([
    404,
    expect.objectContaining({ code: 'not_found', type: 'invalid_request_error' }),
  ])
  const wrong = await fetch(`${origin}/v1/chat/completions`, { headers })
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
})

test('what fails is asked again after a break, as often as it may, with the same body', async () => {
  const a = await upstream('m')
  const { ai } = await startWith({ a })
  a.next(refuse(500), refuse(500))
  await ai.chat.completions.create({ model: 'm', messages })
  expect(a.hits).toHaveLength(3)
  expect(a.hits[2]!.at - a.hits[0]!.at).toBeGreaterThanOrEqual(400)
  expect(new Set(a.hits.map(({ raw }) => raw.toString())).size).toBe(1)
  a.reset()
  a.next(refuse(429, undefined, { 'retry-after': '1' }))
  await ai.chat.completions.create({ model: 'm', messages })
  expect(a.hits[1]!.at - a.hits[0]!.at).toBeGreaterThanOrEqual(990)
  a.reset()
  a.next(refuse(400))
  await expect(ai.chat.completions.create({ model: 'm', messages })).rejects.toThrow(/400/)
  expect(a.hits).toHaveLength(1)
})

test('calls in turn use a few connections, and vectors that are asked for together leave together', async () => {
  const a = await upstream('m')
  const { ai, chat } = await startWith({ a })
  for (let at = 0; at < 300; at++) await (await chat('m')).arrayBuffer()
  expect(a.hits).toHaveLength(300)
  expect(a.sockets()).toBeLessThanOrEqual(4)
  a.reset()
  // While the first is under way all others come, each within ten milliseconds of some.
  a.next(async asked => {
    await sleep(1_500)
    await whole()(asked)
  })
  const inputs = Array.from({ length: 100 }, (_, at) => 'x'.repeat(at + 1))
  const vectors = await Promise.all(inputs.map(input => ai.embeddings.create({ model: 'm', input })))
  expect(vectors.map(({ data }) => data[0]!.embedding[0])).toEqual(inputs.map(({ length }) => length))
  expect(a.hits.length).toBeLessThan(inputs.length / 2)
})
