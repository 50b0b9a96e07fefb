import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { type RelayedCall, systemClock } from '../../src/core/index.ts'
import { contextOf, drain, until } from '../compliance.ts'
import { type MediaService, sendBody, sendJson, startMediaService } from '../media-service.ts'

let service: MediaService
let upstream: UpstreamBackend

beforeAll(async () => {
  service = await startMediaService(['m'])
  const url = service.url
  upstream = createUpstream({ name: 'studio', url, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 16 })
})
beforeEach(() => {
  service.hits.length = 0
})
afterAll(async () => {
  await upstream.close()
  await service.stop()
})

const image: RelayedCall = { task: 'image', body: { model: 'm', prompt: 'a cat' } }
const speech: RelayedCall = { task: 'speech', body: { model: 'm', input: 'grüezi 👋' } }
const bytes = new Uint8Array([1, 2, 0, 255])
const hear = (...fields: [string, string][]): RelayedCall => ({
  task: 'transcription',
  body: {
    model: 'm',
    form: [
      ...fields.map(([name, value]) => ({ name, value })),
      { name: 'file', file: { name: 'a.mp3', type: 'audio/mpeg', bytes } },
    ],
  },
})
const ask = (call: RelayedCall, signal = new AbortController().signal) => upstream.run(call, contextOf({ signal }))

describe('the outcome', () => {
  test.each<[string, RelayedCall, unknown, object]>([
    [
      'pictures and their tokens',
      image,
      { data: [{ url: 'a' }, { b64_json: 'b' }, {}], usage: { input_tokens: 3, output_tokens: 9, total_tokens: 12 } },
      { usage: { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 }, units: { unit: 'images', count: 2 } },
    ],
    [
      'pictures alone',
      image,
      { data: [{ url: 'a' }] },
      { usage: { total_tokens: 0 }, units: { unit: 'images', count: 1 } },
    ],
    [
      'seconds of a detailed transcript',
      hear(),
      { text: 'a', duration: 2.5 },
      { units: { unit: 'seconds', count: 2.5 } },
    ],
    [
      'seconds that are billed before those that were heard',
      hear(),
      { text: 'a', duration: 2.5, usage: { type: 'duration', seconds: 3 } },
      { units: { unit: 'seconds', count: 3 } },
    ],
    ['tokens of a transcript', hear(), { text: 'a', usage: { input_tokens: 5 } }, { usage: { prompt_tokens: 5 } }],
    [
      'tokens of a ranking',
      { task: 'rerank', body: { model: 'm', query: 'q', documents: ['d'] } },
      { results: [], usage: { total_tokens: 7 } },
      { usage: { prompt_tokens: 7, total_tokens: 7 } },
    ],
    [
      'nothing that is no number',
      image,
      { data: 'odd', usage: { input_tokens: -1, output_tokens: '9' } },
      { usage: { prompt_tokens: 0, completion_tokens: 0 } },
    ],
  ])('counts %s', async (_what, call, body, counted) => {
    service.answer = (_hit, response) => sendJson(response, body)
    const { chunks, outcome } = await drain(ask(call))
    expect(outcome).toMatchObject({ servedBy: 'studio', ...counted })
    expect(chunks).toHaveLength(1)
    expect(chunks[0]!.json()).toEqual(body)
    expect(Buffer.from(chunks[0]!.bytes).toString()).toBe(JSON.stringify(body))
  })

  test('counts the characters that are spoken, not their bytes', async () => {
    service.answer = (_hit, response) => sendBody(response, 'audio/mpeg', Buffer.from(bytes))
    const { chunks, outcome } = await drain(ask(speech))
    expect(outcome.units).toEqual({ unit: 'characters', count: 8 })
    expect(chunks[0]!.meta.contentType).toBe('audio/mpeg')
  })

  test('counts pictures and tokens of streamed answers', async () => {
    const last = { type: 'image_generation.completed', b64_json: 'A', usage: { input_tokens: 1, output_tokens: 2 } }
    const text = `event: image_generation.completed\ndata: ${JSON.stringify(last)}\n\n`
    service.answer = (_hit, response) => sendBody(response, 'text/event-stream; charset=utf-8', text)
    const { outcome } = await drain(ask(image))
    expect(outcome).toMatchObject({ usage: { total_tokens: 3 }, units: { unit: 'images', count: 1 } })
  })
})

describe('an answer that cannot be', () => {
  test.each<[string, RelayedCall, string, string, string]>([
    ['no JSON', image, 'application/json', '{"data":', 'backend_failed'],
    ['JSON that is no object', image, 'application/json', '"sorry"', 'backend_failed'],
    ['an error that calls itself a success', image, 'application/json', '{"error":{"message":"no"}}', 'backend_failed'],
    ['sound without a byte', speech, 'audio/mpeg', '', 'stream_cut'],
    ['a page in place of sound', speech, 'text/html', '<h1>hi</h1>', 'backend_failed'],
    ['an error event', image, 'text/event-stream', 'event: error\ndata: {"error":{}}\n\n', 'backend_failed'],
    ['an error event without a name', image, 'text/event-stream', 'data: {"error":{}}\n\n', 'backend_failed'],
    ['events without the last', image, 'text/event-stream', 'data: {"type":"x.partial_image"}\n\n', 'stream_cut'],
    ['comments alone', image, 'text/event-stream', ': ping\n\n', 'stream_cut'],
  ])('is refused, and may be had elsewhere: %s', async (_what, call, type, text, code) => {
    service.answer = (_hit, response) => sendBody(response, type, text)
    const refused = drain(ask(call))
    await expect(refused).rejects.toMatchObject({ code, mayRetry: true })
  })

  test('tells of a lack, not of a failure, where the server has no such route', async () => {
    service.answer = (_hit, response) => sendBody(response, 'text/html', 'Cannot POST', 404)
    await expect(drain(ask(speech))).rejects.toMatchObject({ code: 'model_not_found', mayRetry: true })
  })

  test('ends the matter where the server knows that the model is missing', async () => {
    const error = { message: 'the model m does not exist', type: 'invalid_request_error', code: 'model_not_found' }
    service.answer = (_hit, response) => sendJson(response, { error }, 404)
    const refused = { code: 'model_not_found', mayRetry: false, passOn: { status: 404 } }
    await expect(drain(ask(speech))).rejects.toMatchObject(refused)
  })

  test('is told of where nobody listens', async () => {
    const dead = createUpstream({
      name: 'dead',
      url: 'http://127.0.0.1:1/v1',
      clock: systemClock,
      connectTimeoutMs: 500,
      maxConnections: 1,
    })
    const refused = { code: 'backend_failed', message: expect.stringContaining('ECONNREFUSED') }
    await expect(drain(dead.run(image, contextOf()))).rejects.toMatchObject(refused)
    await dead.close()
  })

  test('a body that breaks off is a cut stream', async () => {
    service.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{"data":[')
      setTimeout(() => response.destroy(), 20)
    }
    await expect(drain(ask(image))).rejects.toMatchObject({ code: 'stream_cut' })
  })
})

describe('leaving', () => {
  test('an abort reaches a server that is still silent', async () => {
    service.answer = () => {}
    const gone = new AbortController()
    const refused = expect(drain(ask(hear(), gone.signal))).rejects.toMatchObject({ code: 'cancelled' })
    expect(await until(() => service.hits.length === 1)).toBe(true)
    gone.abort()
    await refused
    expect(await until(() => service.hits[0]!.gone.aborted)).toBe(true)
  })

  test('a reader that leaves stops the sound', async () => {
    service.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write(Buffer.alloc(1_000))
    }
    const reply = ask(speech)
    await reply.next()
    await reply.return(undefined as never)
    expect(await until(() => service.hits[0]!.gone.aborted)).toBe(true)
  })

  test('a slow reader slows the server', async () => {
    let sent = 0
    service.answer = async ({ gone }, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' })
      for (; sent < 2_000 && !gone.aborted; sent++) {
        if (!response.write(Buffer.alloc(64 * 1024))) await new Promise(resolve => response.once('drain', resolve))
      }
    }
    const reply = ask(speech)
    await reply.next()
    await sleep(200)
    expect(sent).toBeLessThan(1_000)
    await reply.return(undefined as never)
  })
})

describe('a form', () => {
  test('is the same each time it is sent, and holds nothing that could end a line of it', async () => {
    service.answer = (_hit, response) => sendJson(response, { text: 'a' })
    const call = hear(['prompt', 'two\r\nlines "quoted"'], ['odd"\r\nname', 'x'])
    await drain(ask(call))
    await drain(ask(call))
    const [first, second] = await Promise.all(service.hits.map(hit => hit.form()))
    expect(second).toEqual(first)
    expect(first).toEqual([
      ['model', 'm'],
      ['prompt', 'two\r\nlines "quoted"'],
      ['odd"\r\nname', 'x'],
      ['file', ['a.mp3', 'audio/mpeg', Buffer.from(bytes)]],
    ])
    expect(service.hits[0]!.headers['content-length']).toBe(String(service.hits[0]!.raw.length))
  })

  test('has a plain media type in place of one that is none', async () => {
    service.answer = (_hit, response) => sendJson(response, { text: 'a' })
    const file = { name: 'a', type: 'evil\r\nx-injected: 1', bytes }
    await drain(ask({ task: 'transcription', body: { model: 'm', form: [{ name: 'file', file }] } }))
    expect(await service.hits[0]!.form()).toContainEqual([
      'file',
      ['a', 'application/octet-stream', Buffer.from(bytes)],
    ])
  })
})
