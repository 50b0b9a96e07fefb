import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { until } from '../compliance.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { type MediaService, sendBody, sendJson, startMediaService } from '../media-service.ts'

const upstreamKey = 'sk-upstream-7f3a'
const localKey = 'sk-parley-test'
const models = ['image-1', 'tts-1', 'whisper-1', 'omni-moderation-latest', 'rerank-1']

let service: MediaService
let upstream: UpstreamBackend
let server: LocalServer
let client: OpenAI

beforeAll(async () => {
  service = await startMediaService(models)
  upstream = createUpstream({
    name: 'studio',
    url: service.url,
    apiKey: upstreamKey,
    clock: systemClock,
    connectTimeoutMs: 1_000,
    maxConnections: 16,
  })
  server = await serveLocally(upstream)
  client = new OpenAI({ apiKey: localKey, baseURL: server.url, maxRetries: 0 })
})
beforeEach(() => {
  service.hits.length = 0
  service.isDeaf = false
})
afterAll(async () => {
  await server.stop()
  await upstream.close()
  await service.stop()
})

const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 255])
const sound = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256))

function lastHit() {
  return service.hits.at(-1)!
}

/** Posts with this node's key and gives back the whole answer. */
async function post(path: string, body: string | Uint8Array<ArrayBuffer>, type = 'application/json') {
  const headers = { authorization: `Bearer ${localKey}`, 'content-type': type }
  const response = await fetch(new URL(path, server.url), { method: 'POST', headers, body })
  const text = await response.text()
  return { status: response.status, text, error: () => JSON.parse(text).error as Record<string, unknown> }
}

describe('images', () => {
  test('are made, in base64 or as links; unknown fields go along, and the key is the upstream’s', async () => {
    const answered = { created: 1, data: [{ b64_json: png.toString('base64') }, { url: 'http://x/1.png' }], x: 1 }
    service.answer = (_hit, response) => sendJson(response, answered)
    const images = await client.images.generate({ model: 'image-1', prompt: 'a cat', n: 2, x_style: 'oil' } as never)
    expect(images).toMatchObject(answered)
    expect(lastHit().path).toBe('/v1/images/generations')
    expect(lastHit().json()).toEqual({ model: 'image-1', prompt: 'a cat', n: 2, x_style: 'oil' })
    expect(lastHit().headers.authorization).toBe(`Bearer ${upstreamKey}`)
  })

  test('come as events when they are streamed, partial ones first', async () => {
    const events = [
      { type: 'image_generation.partial_image', b64_json: 'AA==', partial_image_index: 0 },
      { type: 'image_generation.completed', b64_json: 'AAAA', usage: { input_tokens: 4, output_tokens: 9 } },
    ]
    service.answer = (_hit, response) => {
      const text = events.map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
      sendBody(response, 'text/event-stream', text)
    }
    const stream = await client.images.generate({ model: 'image-1', prompt: 'a cat', stream: true })
    expect(await Array.fromAsync(stream)).toEqual(events)
  })

  test('streamed without an end are an error, never a whole answer', async () => {
    service.answer = (_hit, response) =>
      sendBody(response, 'text/event-stream', 'data: {"type":"image_generation.partial_image","b64_json":"AA=="}\n\n')
    const stream = await client.images.generate({ model: 'image-1', prompt: 'a cat', stream: true })
    await expect(Array.fromAsync(stream)).rejects.toThrow(/terminal marker/)
  })

  test('streamed are whole with the last of them, or where the server says so', async () => {
    const completed = 'data: {"type":"image_generation.completed","b64_json":"AAAA"}\n\n'
    const says = (text: string) => {
      service.answer = (_hit, response) => sendBody(response, 'text/event-stream', text)
    }
    const ask = async () => {
      const stream = await client.images.generate({ model: 'image-1', prompt: 'a cat', n: 2, stream: true })
      return (await Array.fromAsync(stream)).length
    }
    says(completed)
    await expect(ask()).rejects.toThrow(/terminal marker/)
    says(completed.repeat(2))
    expect(await ask()).toBe(2)
    says(`${completed}data: [DONE]\n\n`)
    expect(await ask()).toBe(1)
  })

  test('are edited: several pictures, a mask and fields arrive as they were sent', async () => {
    service.answer = (_hit, response) => sendJson(response, { created: 1, data: [{ b64_json: 'AA==' }] })
    await client.images.edit({
      model: 'image-1',
      image: [
        await toFile(png, 'a"b ü.png', { type: 'image/png' }),
        await toFile(sound, 'c.webp', { type: 'image/webp' }),
      ],
      mask: await toFile(png, 'mask.png', { type: 'image/png' }),
      prompt: 'grüezi\r\n世界',
    })
    expect(lastHit().path).toBe('/v1/images/edits')
    expect(sorted(await lastHit().form())).toEqual(
      sorted([
        ['model', 'image-1'],
        ['image[]', ['a"b ü.png', 'image/png', png]],
        ['image[]', ['c.webp', 'image/webp', sound]],
        ['mask', ['mask.png', 'image/png', png]],
        ['prompt', 'grüezi\r\n世界'],
      ]),
    )
  })

  test('are varied', async () => {
    service.answer = (_hit, response) => sendJson(response, { created: 1, data: [{ url: 'http://x/2.png' }] })
    const image = await toFile(png, 'a.png', { type: 'image/png' })
    const { data } = await client.images.createVariation({ model: 'image-1', image })
    expect(data).toEqual([{ url: 'http://x/2.png' }])
    expect(lastHit().path).toBe('/v1/images/variations')
  })
})

function sorted<T extends readonly [string, unknown]>(parts: readonly T[]): T[] {
  return [...parts].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

describe('speech', () => {
  test('arrives byte for byte, and begins before it ends', async () => {
    const rest = Promise.withResolvers<void>()
    service.answer = async (_hit, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write(sound.subarray(0, 1_000))
      await rest.promise
      response.end(sound.subarray(1_000))
    }
    const speech = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'grüezi' })
    expect(speech.headers.get('content-type')).toBe('audio/mpeg')
    const reader = speech.body!.getReader()
    const first = (await reader.read()).value!
    expect(Buffer.compare(first, sound.subarray(0, first.length))).toBe(0)
    rest.resolve()
    const pieces = [first]
    for (let step = await reader.read(); !step.done; step = await reader.read()) pieces.push(step.value)
    expect(Buffer.concat(pieces).equals(sound)).toBe(true)
  })

  test('that breaks off never looks whole', async () => {
    service.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write(sound.subarray(0, 1_000), () => {
        setTimeout(() => response.destroy(), 20)
      })
    }
    const speech = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'x' })
    expect(speech.status).toBe(200)
    await expect(speech.arrayBuffer()).rejects.toThrow()
  })

  test('keeps the status of an error before the first byte, and not the words of the server', async () => {
    service.answer = (_hit, response) => sendJson(response, { error: { message: 'secret words' } }, 429)
    const call = client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'x' })
    await expect(call).rejects.toMatchObject({ status: 429, code: 'rate_limited' })
    await expect(call).rejects.not.toThrow(/secret words/)
  })

  test('is no answer when it is text', async () => {
    service.answer = (_hit, response) => sendBody(response, 'text/html', '<h1>sign in</h1>')
    const call = client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'x' })
    await expect(call).rejects.toMatchObject({ status: 502, code: 'backend_failed' })
  })

  test('that nobody hears any more is stopped at the upstream', async () => {
    service.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write(sound)
    }
    const gone = new AbortController()
    const options = { signal: gone.signal }
    const speech = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'x' }, options)
    await speech.body!.getReader().read()
    gone.abort()
    expect(await until(() => lastHit().gone.aborted)).toBe(true)
  })

  test('in events goes through with its names', async () => {
    const text = 'data: {"type":"speech.audio.delta","audio":"AA=="}\n\ndata: {"type":"speech.audio.done"}\n\n'
    service.answer = (_hit, response) => sendBody(response, 'text/event-stream', text)
    const body = JSON.stringify({ model: 'tts-1', input: 'x', voice: 'alloy', stream_format: 'sse' })
    expect((await post('/v1/audio/speech', body)).text).toBe(text)
  })
})

describe('transcripts', () => {
  test.each([
    ['text/html', '<p>sign in</p>'],
    ['text/plain', '\n<!DOCTYPE html><html></html>'],
  ])('are no pages of something in between: %s', async (type, text) => {
    service.answer = (_hit, response) => sendBody(response, type, text)
    const request = { file: await toFile(sound, 'a.wav'), model: 'whisper-1', response_format: 'text' as const }
    const answered = client.audio.transcriptions.create(request)
    await expect(answered).rejects.toMatchObject({ status: 502, code: 'backend_failed' })
    await expect(answered).rejects.not.toThrow(/sign in/)
    service.answer = (_hit, response) => sendBody(response, 'text/plain', '<laughs> html is a language')
    expect(await client.audio.transcriptions.create(request)).toBe('<laughs> html is a language')
  })

  const file = () => toFile(sound, 'talk.mp3', { type: 'audio/mpeg' })

  test('come as JSON, and the file arrives byte for byte', async () => {
    service.answer = (_hit, response) => sendJson(response, { text: 'grüezi', usage: { type: 'duration', seconds: 3 } })
    const transcript = await client.audio.transcriptions.create({
      file: await file(),
      model: 'whisper-1',
      language: 'de',
      timestamp_granularities: ['word', 'segment'],
    })
    expect(transcript).toMatchObject({ text: 'grüezi', usage: { seconds: 3 } })
    expect(sorted(await lastHit().form())).toEqual(
      sorted([
        ['model', 'whisper-1'],
        ['file', ['talk.mp3', 'audio/mpeg', sound]],
        ['language', 'de'],
        ['timestamp_granularities[]', 'word'],
        ['timestamp_granularities[]', 'segment'],
      ]),
    )
    expect(lastHit().headers.authorization).toBe(`Bearer ${upstreamKey}`)
  })

  const texts = {
    text: 'grüezi\n',
    srt: '1\n00:00:00,000 --> 00:00:01,000\ngrüezi\n',
    vtt: 'WEBVTT\n\n00:00.000 --> 00:01.000\ngrüezi\n',
  }
  for (const [format, text] of Object.entries(texts)) {
    test(`in ${format} come as text`, async () => {
      service.answer = (_hit, response) => sendBody(response, 'text/plain; charset=utf-8', text)
      const response_format = format as 'text'
      const answered = client.audio.transcriptions.create({ file: await file(), model: 'whisper-1', response_format })
      expect(await answered).toBe(text)
      const raw = await answered.asResponse()
      expect(raw.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    })
  }

  test('in text are text also where the server calls them JSON', async () => {
    service.answer = (_hit, response) => sendBody(response, 'application/json', texts.srt)
    const answered = client.audio.transcriptions.create({
      file: await file(),
      model: 'whisper-1',
      response_format: 'srt',
    })
    expect(await answered).toBe(texts.srt)
  })

  test('in detail keep every field', async () => {
    const detail = { task: 'transcribe', duration: 2.5, text: 'hi', segments: [{ id: 0, tokens: [1, 2] }], x_odd: true }
    service.answer = (_hit, response) => sendJson(response, detail)
    const response_format = 'verbose_json'
    const answered = await client.audio.transcriptions.create({
      file: await file(),
      model: 'whisper-1',
      response_format,
    })
    expect(answered).toEqual(detail)
  })

  test('are streamed event by event', async () => {
    const events = [
      { type: 'transcript.text.delta', delta: 'grü' },
      { type: 'transcript.text.done', text: 'grüezi' },
    ]
    service.answer = (_hit, response) =>
      sendBody(response, 'text/event-stream', events.map(event => `data: ${JSON.stringify(event)}\n\n`).join(''))
    const stream = await client.audio.transcriptions.create({ file: await file(), model: 'whisper-1', stream: true })
    expect(await Array.fromAsync(stream)).toEqual(events)
  })

  test('are translated', async () => {
    service.answer = (_hit, response) => sendJson(response, { text: 'hello' })
    expect(await client.audio.translations.create({ file: await file(), model: 'whisper-1' })).toEqual({
      text: 'hello',
    })
    expect(lastHit().path).toBe('/v1/audio/translations')
  })

  test('that are no JSON where JSON was asked for are a failure of the server', async () => {
    service.answer = (_hit, response) => sendBody(response, 'text/plain', 'hello')
    const answered = client.audio.transcriptions.create({ file: await file(), model: 'whisper-1' })
    await expect(answered).rejects.toMatchObject({ status: 502, code: 'backend_failed' })
  })
})

describe('moderation and ranking', () => {
  const verdict = { id: 'modr-1', model: 'omni-moderation-latest', results: [{ flagged: false }] }

  test('text is moderated by the model that was named', async () => {
    service.answer = (_hit, response) => sendJson(response, verdict)
    const answered = await client.moderations.create({ model: 'omni-moderation-latest', input: ['a', 'b'] })
    expect(answered).toMatchObject(verdict)
    expect(lastHit().json()).toEqual({ model: 'omni-moderation-latest', input: ['a', 'b'] })
  })

  test('without a model the first one listed for moderation is asked', async () => {
    service.answer = (_hit, response) => sendJson(response, verdict)
    await client.moderations.create({ input: [{ type: 'text', text: 'a' }] })
    expect(lastHit().json()).toMatchObject({ model: 'omni-moderation-latest' })
  })

  test('without any such model the caller hears what to configure', async () => {
    const other = await serveLocally({ ...upstream, models: async () => [] })
    const asked = new OpenAI({ apiKey: localKey, baseURL: other.url, maxRetries: 0 }).moderations.create({ input: 'a' })
    await expect(asked).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    await expect(asked).rejects.toThrow(/upstreams/)
    await other.stop()
  })

  test.each(['/v1/rerank', '/rerank'])('documents are ranked at %s', async path => {
    const ranked = { results: [{ index: 1, relevance_score: 0.9 }], usage: { total_tokens: 12 } }
    service.answer = (_hit, response) => sendJson(response, ranked)
    const body = { model: 'rerank-1', query: 'cats', documents: ['dogs', { text: 'cats' }], top_n: 1, x_odd: 1 }
    const answered = await post(path, JSON.stringify(body))
    expect(JSON.parse(answered.text)).toEqual(ranked)
    expect(lastHit().path).toBe('/v1/rerank')
    expect(lastHit().json()).toEqual(body)
  })
})

describe('uploads', () => {
  const multipart = 'multipart/form-data; boundary=XX'
  const part = (name: string, value: string, more = '') =>
    `--XX\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
  const whole = `${part('model', 'whisper-1')}${part('file', 'x', '; filename="a.mp3"')}`
  const sends = (text: string, type = multipart) => post('/v1/audio/transcriptions', text, type)

  test('with many short parts arrive', async () => {
    service.answer = (_hit, response) => sendJson(response, { text: 'hi' })
    const { status } = await sends(`${whole}${part('a', 'b').repeat(100)}--XX--\r\n`)
    expect(status).toBe(200)
    expect(await lastHit().form()).toHaveLength(102)
  })

  test('of 25 MiB arrive', async () => {
    service.answer = (_hit, response) => sendJson(response, { text: 'long' })
    const file = await toFile(Buffer.alloc(25 * 1024 * 1024), 'long.wav')
    expect(await client.audio.transcriptions.create({ file, model: 'whisper-1' })).toEqual({ text: 'long' })
  })

  test('of a body of 60 MiB hear why, too', async () => {
    const file = await toFile(Buffer.alloc(60 * 1024 * 1024), 'long.wav')
    const answered = client.audio.transcriptions.create({ file, model: 'whisper-1' })
    await expect(answered).rejects.toMatchObject({ status: 413, code: 'too_large' })
  })

  test('of more than 25 MiB are refused with 413 and never reach an upstream', async () => {
    const file = await toFile(Buffer.alloc(25 * 1024 * 1024 + 1), 'long.wav')
    const answered = client.audio.transcriptions.create({ file, model: 'whisper-1' })
    await expect(answered).rejects.toMatchObject({ status: 413, code: 'too_large' })
    expect(service.hits).toHaveLength(0)
  })

  test.each([
    ['no boundary', part('model', 'm'), 'multipart/form-data'],
    ['a bare boundary', part('model', 'm'), 'multipart/form-data; boundary='],
    ['another kind of body', '{}', 'application/json'],
    ['no closing boundary', part('model', 'm'), multipart],
    ['nothing at all', '', multipart],
    ['a part without a name', '--XX\r\ncontent-disposition: form-data\r\n\r\nx\r\n--XX--\r\n', multipart],
    ['a head without an end', `--XX\r\n${'x: y\r\n'.repeat(4_000)}`, multipart],
    ['a head of 9 KiB', `${whole}${part('a', 'b', `\r\nx-long: ${'y'.repeat(9_216)}`)}--XX--\r\n`, multipart],
    ['too many parts', `${whole}${part('a', 'b').repeat(200)}--XX--\r\n`, multipart],
    ['no model', `${part('file', 'x', '; filename="a.mp3"')}--XX--\r\n`, multipart],
    ['no file', `${part('model', 'm')}--XX--\r\n`, multipart],
    ['a file that is only a field', `${part('model', 'm')}${part('file', 'x')}--XX--\r\n`, multipart],
  ])('with %s are refused with 400', async (_what, text, type) => {
    const { status, error } = await sends(text, type)
    expect({ status, code: error().code }).toEqual({ status: 400, code: 'invalid_request' })
    expect(service.hits).toHaveLength(0)
  })

  test('with a field of more than a mebibyte are refused with 413', async () => {
    const long = 'x'.repeat((1 << 20) + 1)
    const { status } = await sends(
      `${part('model', 'm')}${part('prompt', long)}${part('file', 'x', '; filename="a"')}--XX--\r\n`,
    )
    expect(status).toBe(413)
  })

  test('that their sender gives up never reach an upstream', async () => {
    const before = service.begun()
    const headers = { authorization: `Bearer ${localKey}`, 'content-type': multipart, 'content-length': 1_000_000 }
    const request = httpRequest(new URL('/v1/audio/transcriptions', server.url), { method: 'POST', headers })
    request.on('error', () => {})
    request.write(part('model', 'whisper-1'))
    await sleep(50)
    request.destroy()
    await sleep(50)
    expect(service.begun()).toBe(before)
  })

  test('on their way to the upstream are stopped when the caller leaves', async () => {
    service.isDeaf = true
    const before = service.begun()
    const gone = new AbortController()
    const file = await toFile(Buffer.alloc(20 * 1024 * 1024), 'long.wav')
    const asked = client.audio.transcriptions.create({ file, model: 'whisper-1' }, { signal: gone.signal })
    asked.catch(() => {})
    expect(await until(() => service.begun() > before)).toBe(true)
    const left = service.left()
    gone.abort()
    await expect(asked).rejects.toThrow()
    service.isDeaf = false
    expect(await until(() => service.left() > left)).toBe(true)
  })
})
