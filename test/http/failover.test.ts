import { connect, createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import type { Backend } from '../../src/core/index.ts'
import { createEventLog, systemClock, systemRandom } from '../../src/core/index.ts'
import { type Candidate, createRanking, type Ranking, router } from '../../src/gateway/index.ts'
import { createPeerFront } from '../../src/http/index.ts'
import { Chunk, usageOf } from '../../src/openai/index.ts'
import { cut, type FaultyUpstream, json, refuse, saidWhole, startFaultyUpstream, stream } from '../faulty-upstream.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'

const names = ['a', 'b', 'c'] as const
const models = ['m', 'other']
let services: FaultyUpstream[]
let upstreams: UpstreamBackend[]
let backend: Backend
let server: LocalServer
let client: OpenAI
let ranking: Ranking

/** Sells its answer, and knows what it cost a moment after the answer is whole. */
const paid: Backend = {
  name: 'paid',
  models: async () => [],
  run: async function* () {
    const head = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'dear' }
    yield Chunk.of({ ...head, choices: [{ index: 0, delta: { content: 'ok' }, finish_reason: 'stop' }] })
    yield Chunk.of({ ...head, choices: [], usage: usageOf(1, 1) }, { isLast: true })
    await sleep(20)
    return { usage: usageOf(1, 1), servedBy: 'paid', cost: 42n }
  },
}

function serving(model: string): Candidate[] {
  if (model === 'dear') return [{ name: 'paid', kind: 'peer', priceOut: 1n, backend: paid }]
  return models.includes(model) ? upstreams.map(own => ({ name: own.name, kind: 'api', backend: own })) : []
}

beforeAll(async () => {
  services = await Promise.all(names.map(() => startFaultyUpstream(models)))
  upstreams = services.map(({ url }, i) =>
    createUpstream({ name: names[i]!, url, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 4 }),
  )
  ranking = createRanking(systemClock, systemRandom)
  backend = router({
    candidates: { serving, names: () => [...names, 'paid'], models: async () => [] },
    ...{ ranking, policy: 'priority', maxAttempts: 4, clock: systemClock },
    timeouts: { firstChunkMs: 2_000, idleMs: 2_000, totalMs: 10_000 },
    log: createEventLog(systemClock.now),
  })
  server = await serveLocally(backend)
  client = new OpenAI({ apiKey: 'sk-parley-test', baseURL: server.url, maxRetries: 0 })
})
beforeEach(() => {
  for (const service of services) service.reset()
  for (const name of names) ranking.forget(name)
})
afterAll(async () => {
  await server.stop()
  await Promise.all([...upstreams.map(own => own.close()), ...services.map(service => service.stop())])
})

const messages = [{ role: 'user' as const, content: 'hi' }]
const hits = () => services.map(service => service.hits.length)

/** The SDK passes fields it does not know. */
async function chat(extra: Record<string, unknown> = {}) {
  const asked = client.chat.completions.create({ model: 'm', messages, ...extra } as never)
  const { data, response } = await asked.withResponse()
  const said = (data as OpenAI.ChatCompletion).choices[0]!.message.content
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('x-parley-')))
  return { said, headers }
}

async function streamed(extra: Record<string, unknown> = {}): Promise<string> {
  const chunks = (await client.chat.completions.create({
    model: 'm',
    messages,
    stream: true,
    ...extra,
  } as never)) as unknown as AsyncIterable<OpenAI.ChatCompletionChunk>
  let said = ''
  for await (const chunk of chunks) said += chunk.choices[0]?.delta.content ?? ''
  return said
}

describe('provider and fallback_providers', () => {
  test('ask only those, for every task, and nothing of it reaches them', async () => {
    const wishes = { provider: 'b', fallback_providers: ['c'], models: ['other'], continue_on_failure: false }
    expect(await chat(wishes)).toMatchObject({ said: saidWhole, headers: { 'x-parley-provider': 'b' } })
    expect(await streamed(wishes)).toBe(saidWhole)
    await client.completions.create({ model: 'm', prompt: 'x', ...wishes } as never)
    await client.embeddings.create({ model: 'm', input: 'x', ...wishes } as never)
    expect(hits()).toEqual([0, 4, 0])
    for (const { body } of services[1]!.hits) {
      expect(Object.keys(body).filter(field => Object.hasOwn(wishes, field))).toEqual([])
      expect(body.model).toBe('m')
    }
  })

  test('fail over in their order, and headers tell how', async () => {
    for (const service of services.slice(1)) service.always(refuse(500))
    const { said, headers } = await chat({ provider: 'c', fallback_providers: ['b', 'a'] })
    expect(said).toBe(saidWhole)
    expect(headers).toMatchObject({ 'x-parley-provider': 'a', 'x-parley-attempts': '3' })
    expect(Number(headers['x-parley-overhead-ms'])).toBeLessThan(100)
    expect(hits()).toEqual([1, 1, 1])
    expect(services[2]!.hits[0]!.at).toBeLessThan(services[1]!.hits[0]!.at)
    expect(services[1]!.hits[0]!.at).toBeLessThan(services[0]!.hits[0]!.at)
  })

  test('that are unknown or of no shape are the caller’s mistake', async () => {
    const unknown = chat({ provider: 'nobody' })
    await expect(unknown).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    await expect(unknown).rejects.toMatchObject({
      param: 'provider',
      message: expect.stringMatching(/"nobody".*a, b, c/),
    })
    await expect(chat({ provider: { sort: 'beauty' } })).rejects.toMatchObject({ status: 400, param: 'provider.sort' })
    expect(hits()).toEqual([0, 0, 0])
  })

  test('a fallback model answers under its name', async () => {
    for (const service of services)
      service.always(({ hit, ...asked }) => {
        const answer = hit.body.model === 'm' ? refuse(500) : stream()
        return answer({ hit, ...asked })
      })
    const { headers } = await chat({ provider: 'b', models: ['other'] })
    expect(headers).toMatchObject({ 'x-parley-provider': 'b', 'x-parley-model': 'other' })
    expect(services[1]!.hits.at(-1)!.body.model).toBe('other')
    const first = await chat({ model: undefined, models: ['other', 'm'] })
    expect(first.headers).not.toHaveProperty('x-parley-model')
  })
})

describe('an upstream that fails', () => {
  const alone = { provider: 'a' }
  const gaps = () => services[0]!.hits.slice(1).map(({ at }, i) => at - services[0]!.hits[i]!.at)

  test('with 500 twice is asked a third time, after breaks', async () => {
    services[0]!.next(refuse(500), refuse(500))
    expect((await chat(alone)).headers).toMatchObject({ 'x-parley-attempts': '3' })
    expect(gaps()[0]).toBeGreaterThan(395)
    expect(gaps()[1]).toBeGreaterThan(795)
    expect(services[0]!.hits.map(({ raw }) => raw.toString())).toEqual(
      Array(3).fill(services[0]!.hits[0]!.raw.toString()),
    )
  })

  test('with 429 gets the break it asks for', async () => {
    services[0]!.next(json(429, { error: { message: 'slow down' } }, { 'retry-after': '1' }))
    await chat(alone)
    expect(gaps()[0]).toBeGreaterThan(995)
  })

  test('with 429 and others at hand is not waited for', async () => {
    services[0]!.always(json(429, { error: { message: 'slow down' } }, { 'retry-after': '1' }))
    expect((await chat()).headers).toMatchObject({ 'x-parley-provider': 'b' })
    expect(hits()).toEqual([1, 1, 0])
    await chat()
    expect(hits()).toEqual([1, 2, 0])
  })

  test('with 400 is asked once, and nobody else', async () => {
    services[0]!.always(refuse(400))
    await expect(chat()).rejects.toBeInstanceOf(OpenAI.BadRequestError)
    expect(hits()).toEqual([1, 0, 0])
  })

  test('with 401 is asked once, and the next one answers', async () => {
    services[0]!.always(refuse(401))
    expect((await chat()).headers).toMatchObject({ 'x-parley-provider': 'b' })
    expect(ranking.snapshot().find(({ name }) => name === 'a')).toMatchObject({
      ...{ state: 'open', lastErrorCode: 'backend_refused' },
    })
    expect(hits()).toEqual([1, 1, 0])
  })

  test('is named in the headers also when all fail', async () => {
    for (const service of services) service.always(refuse(401))
    const failed = chat()
    await expect(failed).rejects.toMatchObject({ status: 502 })
    const { headers } = (await failed.catch((cause: unknown) => cause)) as InstanceType<typeof OpenAI.APIError>
    expect(headers?.get('x-parley-attempts')).toBe('3')
    expect(headers?.get('x-parley-provider')).toBe('c')
  })
})

describe('a stream that is cut', () => {
  const begun = cut('rst')
  const rest = stream({ words: [' and', ' so on'] })

  test('ends with an error', async () => {
    services[0]!.next(begun)
    await expect(streamed()).rejects.toMatchObject({ code: 'stream_cut' })
    expect(hits()).toEqual([1, 0, 0])
  })

  test('is continued by another when the app wishes it', async () => {
    services[0]!.next(begun)
    services[1]!.next(rest)
    expect(await streamed({ continue_on_failure: true })).toBe(`${saidWhole} and so on`)
    expect(services[1]!.hits[0]!.body).not.toHaveProperty('continue_on_failure')
    expect(services[1]!.hits[0]!.body.messages).toEqual([...messages, { role: 'assistant', content: saidWhole }])
  })

  test('is continued for an answer that is not streamed, too', async () => {
    services[0]!.next(begun)
    services[1]!.next(rest)
    expect((await chat({ continue_on_failure: true })).said).toBe(`${saidWhole} and so on`)
  })
})

test('what an answer cost is in its headers', async () => {
  expect((await chat({ model: 'dear' })).headers).toMatchObject({ 'x-parley-provider': 'paid', 'x-parley-cost': '42' })
})

describe('a peer', () => {
  let port: number
  let listener: Server
  beforeAll(async () => {
    const front = createPeerFront({
      ...{ backend, desk: undefined as never, random: systemRandom, heartbeatMs: 15_000, stallMs: 5_000 },
      ...{ maxBodyBytes: 1 << 20, bodyTimeoutMs: 5_000, headersTimeoutMs: 5_000, requestTimeoutMs: 5_000 },
      ...{ maxConnections: 8, onError: () => {} },
    })
    listener = createServer(socket => front.accept(socket, { principal: { kind: 'peer', id: '12D3' } }))
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
    port = (listener.address() as { port: number }).port
  })
  afterAll(() => void listener.close())

  function ask(body: unknown): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    const text = JSON.stringify(body)
    let answer = ''
    connect(port, '127.0.0.1')
      .on('data', data => {
        answer += data
      })
      .on('close', () => resolve(answer))
      .write(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      )
    return promise
  }

  test('has no say in the routing, and is not told of it', async () => {
    for (const body of [{ model: 'm' }, { model: 'absent' }]) {
      const answer = await ask({ ...body, messages, provider: 'b', fallback_providers: 7 })
      expect(answer).toMatch(/^HTTP\/1\.1 (200|404)/)
      expect(answer).not.toMatch(/x-parley-/i)
    }
    expect(hits()).toEqual([1, 0, 0])
    expect(services[0]!.hits[0]!.body).not.toHaveProperty('provider')
  })

  test('is answered after one round: it asks again itself', async () => {
    for (const service of services) service.always(refuse(500))
    expect(await ask({ model: 'm', messages })).toMatch(/^HTTP\/1\.1 502/)
    expect(hits()).toEqual([1, 1, 1])
  })
})
