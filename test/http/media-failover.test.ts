import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import type { Backend, LoggedEvent } from '../../src/core/index.ts'
import { createEventLog, systemClock, systemRandom } from '../../src/core/index.ts'
import { createAdmission, createRanking, router } from '../../src/gateway/index.ts'
import { userStack } from '../../src/stacks.ts'
import { until } from '../compliance.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { type MediaService, sendBody, sendJson, startMediaService } from '../media-service.ts'
import { createScripted } from '../scripted.ts'

const log = createEventLog(systemClock.now)
let services: MediaService[]
let upstreams: UpstreamBackend[]
let server: LocalServer
let client: OpenAI

const ranking = createRanking(systemClock, systemRandom)

/** The stack of a user over upstreams and, before them, more sellers and models than there are attempts. */
function stackOver(backends: readonly Backend[]): Backend {
  const given = { clock: systemClock, random: systemRandom, log }
  const others = ['local', 'peer', 'peer', 'peer', 'peer'] as const
  const candidates = [
    ...others.map((kind, i) => ({ name: `${kind}-${i}`, kind, backend: createScripted(`${kind}-${i}`) })),
    ...backends.map(backend => ({ name: backend.name, kind: 'api' as const, backend })),
  ]
  return userStack({
    ...given,
    admission: createAdmission({ maxRunning: 8, maxRunningPerPrincipal: 8 }),
    router: router({
      ...given,
      candidates: { serving: () => candidates, models: async () => [] },
      // In the order they are given, every time.
      ranking: { ...ranking, order: known => [...known] },
      policy: 'balanced',
      maxAttempts: 4,
      timeouts: { firstChunkMs: 300, idleMs: 5_000, totalMs: 10_000 },
    }),
  })
}

beforeAll(async () => {
  services = await Promise.all([startMediaService(['m']), startMediaService(['m'])])
  upstreams = services.map(({ url }, i) =>
    createUpstream({ name: `studio-${i}`, url, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 4 }),
  )
  server = await serveLocally(stackOver(upstreams))
  client = new OpenAI({ apiKey: 'sk-parley-test', baseURL: server.url, maxRetries: 0 })
})
beforeEach(() => {
  for (const service of services) service.hits.length = 0
})
afterAll(async () => {
  await server.stop()
  await Promise.all([...upstreams.map(upstream => upstream.close()), ...services.map(service => service.stop())])
})

const sound = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256))

function ended(): LoggedEvent | undefined {
  return log.recent().findLast(({ type }) => type === 'call.ended' || type === 'call.failed')
}

test('a form goes to the next upstream as it went to the first: the same fields, the same bytes', async () => {
  services[0]!.answer = (_hit, response) => sendJson(response, { error: { message: 'broken' } }, 500)
  services[1]!.answer = (_hit, response) => sendJson(response, { text: 'hello', duration: 4 })
  const file = await toFile(sound, 'grüezi "1".wav', { type: 'audio/wav' })
  const answered = await client.audio.transcriptions.create({
    file,
    model: 'm',
    prompt: 'two\r\nlines',
    language: 'de',
  })
  expect(answered).toMatchObject({ text: 'hello' })
  const [first, second] = [await services[0]!.hits[0]!.form(), await services[1]!.hits[0]!.form()]
  expect(first).toContainEqual(['file', ['grüezi "1".wav', 'audio/wav', sound]])
  expect(first).toContainEqual(['prompt', 'two\r\nlines'])
  expect(second).toEqual(first)
  expect(await until(() => ended()?.type === 'call.ended')).toBe(true)
  expect(ended()).toMatchObject({ task: 'transcription', model: 'm', servedBy: 'studio-1', principal: 'key:test' })
})

test('an upstream that has no such route is passed by', async () => {
  services[0]!.answer = (_hit, response) => sendBody(response, 'text/plain', '404 page not found', 404)
  services[1]!.answer = (_hit, response) => sendJson(response, { created: 1, data: [{ url: 'http://x/1.png' }] })
  const { data } = await client.images.generate({ model: 'm', prompt: 'a cat' })
  expect(data).toEqual([{ url: 'http://x/1.png' }])
})

test('a picture may take longer than a first token', async () => {
  services[0]!.answer = (_hit, response) => {
    setTimeout(() => sendJson(response, { created: 1, data: [{ url: 'http://x/slow.png' }] }), 600)
  }
  const { data } = await client.images.generate({ model: 'm', prompt: 'a cat' })
  expect(data).toEqual([{ url: 'http://x/slow.png' }])
  expect(services[1]!.hits).toHaveLength(0)
})

test('a request that is at fault is not sent again', async () => {
  const error = { message: 'the language xx is unknown', type: 'invalid_request_error', param: 'language', code: null }
  services[0]!.answer = (_hit, response) => sendJson(response, { error }, 400)
  const file = await toFile(sound, 'a.wav')
  const refused = client.audio.transcriptions.create({ file, model: 'm', language: 'xx' })
  await expect(refused).rejects.toMatchObject({ status: 400, param: 'language' })
  expect(services[1]!.hits).toHaveLength(0)
})

test('nothing is said twice: sound that broke off is not begun again elsewhere', async () => {
  services[0]!.answer = (_hit, response) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg' }).write(sound.subarray(0, 1_000))
    setTimeout(() => response.destroy(), 30)
  }
  const speech = await client.audio.speech.create({ model: 'm', voice: 'alloy', input: 'hi' })
  await expect(speech.arrayBuffer()).rejects.toThrow()
  expect(services[1]!.hits).toHaveLength(0)
  expect(await until(() => ended()?.type === 'call.failed')).toBe(true)
  expect(ended()).toMatchObject({ task: 'speech', code: 'stream_cut' })
})

test('what nobody can answer is told as such', async () => {
  for (const service of services) service.answer = (_hit, response) => sendBody(response, 'text/plain', '', 501)
  const refused = client.moderations.create({ model: 'm', input: 'x' })
  await expect(refused).rejects.toMatchObject({ status: 501, code: 'unsupported' })
})

test('pictures and what a server lacks say nothing of how it chats; sellers and models run here are not asked', async () => {
  const target = (name: string) => ranking.snapshot().find(known => known.name === name)
  ranking.forget('studio-0')
  services[0]!.answer = (_hit, response) =>
    sendJson(response, { data: [{}], usage: { input_tokens: 1, output_tokens: 4_000 } })
  await client.images.generate({ model: 'm', prompt: 'a cat' })
  expect(await until(() => target('studio-0')?.successes === 1)).toBe(true)
  expect(target('studio-0')).not.toHaveProperty('tokensPerSecond')
  services[0]!.answer = (_hit, response) => sendBody(response, 'text/plain', '', 501)
  await expect(client.moderations.create({ model: 'm', input: 'x' })).rejects.toMatchObject({ status: 501 })
  expect(target('studio-0')).toMatchObject({ failures: 0 })
  expect(ranking.snapshot().map(({ name }) => name)).not.toContainEqual(expect.stringMatching(/peer|local/))
})

test('the app may say who is to answer, in a form as well; the upstreams hear nothing of it', async () => {
  services[0]!.answer = (_hit, response) => sendJson(response, { text: 'zero' })
  services[1]!.answer = (_hit, response) => sendJson(response, { text: 'one', created: 1, data: [] })
  const file = await toFile(sound, 'a.wav')
  const heard = client.audio.transcriptions.create({ file, model: 'm', provider: 'studio-1' } as never)
  expect(await heard).toMatchObject({ text: 'one' })
  const { response } = await heard.withResponse()
  expect(response.headers.get('x-parley-provider')).toBe('studio-1')
  await client.images.generate({ model: 'm', prompt: 'x', provider: { order: ['studio-1'] } } as never)
  const [form, json] = services[1]!.hits
  expect((await form!.form()).map(([name]) => name).sort()).toEqual(['file', 'model'])
  expect(json!.json()).toEqual({ model: 'm', prompt: 'x' })
  expect(services[0]!.hits).toHaveLength(0)
})

test('fallback models of a form are asked when the first cannot answer', async () => {
  services[0]!.answer = async (hit, response) => {
    const [, model] = (await hit.form()).find(([name]) => name === 'model')!
    if (model === 'm') sendJson(response, { error: { message: 'no', code: 'model_not_found' } }, 404)
    else sendJson(response, { text: model })
  }
  services[1]!.answer = services[0]!.answer
  const file = await toFile(sound, 'a.wav')
  const heard = await client.audio.transcriptions.create({ file, model: 'm', models: ['m', 'other'] } as never)
  expect(heard).toMatchObject({ text: 'other' })
})
