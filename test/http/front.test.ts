import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../compliance.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { createScripted } from '../scripted.ts'

const truth = createScripted()
let server: LocalServer
let client: OpenAI

beforeAll(async () => {
  server = await serveLocally(truth)
  client = new OpenAI({ apiKey: 'sk-parley-test', baseURL: server.url, maxRetries: 0 })
})
afterAll(() => server.stop())

const hi = [{ role: 'user' as const, content: 'hi' }]

function send(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number
    headers: Record<string, unknown>
    body: string
  }>()
  const headers = { authorization: 'Bearer sk-parley-test', 'content-type': 'application/json', ...options.headers }
  const request = httpRequest(new URL(path, server.url), { method: options.method ?? 'POST', headers }, response => {
    let body = ''
    response.on('data', piece => {
      body += piece
    })
    response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
  })
  request.on('error', reject)
  request.end(options.body)
  return promise
}

/** Posts pieces of a body over a bare socket and gives back the head of the answer, which may come before the end. */
async function rawPost(header: string, pieces: readonly Uint8Array[], url = server.url): Promise<string> {
  const { port, hostname } = new URL(url)
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.once('data', data => resolve(data.toString()))
  socket.once('close', () => resolve('closed without an answer'))
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-parley-test\r\n')
  socket.write(`content-type: application/json\r\n${header}\r\n\r\n`)
  for (const piece of pieces) socket.write(piece)
  const answer = await promise
  socket.destroy()
  return answer
}

/** What is said to these bytes, to the end of the connection. */
async function rawText(bytes: string, url: string): Promise<string> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  let said = ''
  socket.on('error', () => {}).on('data', data => (said += data))
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.write(bytes)
  await closed
  return said
}

test('what a caller would pay at most is not passed on', async () => {
  const body = JSON.stringify({ model: 'say-1', messages: hi })
  await send('/v1/chat/completions', { body, headers: { 'parley-max-price': '7', traceparent: '00-1-2-01' } })
  expect(truth.script.lastHeaders).toEqual({ traceparent: '00-1-2-01' })
})

describe('the OpenAI SDK', () => {
  test('chats, streamed and not', async () => {
    const once = await client.chat.completions.create({ model: 'say-5', messages: hi })
    expect(once.choices[0]!.message.content).toBe('w0 w1 w2 w3 w4 ')
    expect(once.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 5 })
    let text = ''
    for await (const chunk of await client.chat.completions.create({ model: 'say-5', messages: hi, stream: true })) {
      expect(chunk.usage ?? undefined).toBeUndefined()
      expect(chunk.choices).toHaveLength(1)
      text += chunk.choices[0]!.delta.content ?? ''
    }
    expect(text).toBe('w0 w1 w2 w3 w4 ')
  })

  test('gets usage last, and only when it asks', async () => {
    const chunks = await Array.fromAsync(
      await client.chat.completions.create({
        model: 'say-2',
        messages: hi,
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 2 } })
  })

  test('gets completions, embeddings and models', async () => {
    expect((await client.completions.create({ model: 'say-2', prompt: 'x' })).choices[0]!.text).toBe('w0 w1 ')
    const { data } = await client.embeddings.create({ model: 'vec-1', input: 'x', encoding_format: 'float' })
    expect(data[0]!.embedding).toEqual([1, 2, 3])
    expect((await Array.fromAsync(await client.models.list())).map(({ id }) => id)).toContain('say-5')
    expect((await client.models.retrieve('say-5')).id).toBe('say-5')
  })

  test('raises the right exceptions', async () => {
    const ask = (model: string, as = client) => as.chat.completions.create({ model, messages: hi })
    await expect(ask('absent-1')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    await expect(ask('break-1')).rejects.toBeInstanceOf(OpenAI.InternalServerError)
    await expect(ask('say-1', new OpenAI({ apiKey: 'sk-wrong', baseURL: server.url }))).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    )
    await expect(client.chat.completions.create({ model: 'say-1', messages: [] })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    )
  })

  test('is told in the stream when an answer breaks off, and never sees a clean end', async () => {
    const stream = await client.chat.completions.create({ model: 'break-3', messages: hi, stream: true })
    let words = 0
    const reading = async () => {
      for await (const chunk of stream) words += chunk.choices[0]?.delta.content ? 1 : 0
    }
    await expect(reading()).rejects.toMatchObject({ code: 'overloaded' })
    expect(words).toBe(2)
  })

  test('that leaves stops the work, also before the first word', async () => {
    for (const model of ['slow-1000', 'mute-1']) {
      const gone = new AbortController()
      const answer = client.chat.completions
        .create({ model, messages: hi, stream: true }, { signal: gone.signal })
        .catch(() => {})
      expect(await until(() => truth.script.open === 1)).toBe(true)
      gone.abort()
      await answer
      expect(await until(() => truth.script.open === 0)).toBe(true)
    }
  })
})

describe('the gate', () => {
  const models = (headers: Record<string, string>) => send('/v1/models', { method: 'GET', headers })
  test.each([
    ['a foreign host', { host: 'evil.example' }],
    ['a rebound name', { host: 'localhost.evil.example:80' }],
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['another local port', { origin: 'http://localhost:1' }],
    ['a page without origin', { origin: 'null' }],
    ['a cross-site fetch', { 'sec-fetch-site': 'cross-site' }],
    ['a same-site fetch', { 'sec-fetch-site': 'same-site' }],
  ])('refuses %s', async (_name, headers) => {
    expect((await models(headers)).status).toBe(403)
  })

  test.each([
    ['sk-parley-test'],
    ['Basic sk-parley-test'],
    ['Bearer'],
    ['Bearer  '],
    ['Bearer sk-parley-test x'],
    ['bearer\tsk-parley-test'],
  ])('refuses the authorization %j with 401', async authorization => {
    expect((await models({ authorization })).status).toBe(401)
  })

  test.each([['Bearer sk-parley-test'], ['bearer sk-parley-test'], ['Bearer  sk-parley-test']])(
    'takes %j',
    async authorization => {
      expect((await models({ authorization })).status).toBe(200)
    },
  )

  test('opens health without a key, and status only with the admin token', async () => {
    const headers = { authorization: '', host: '10.0.0.7:80' }
    expect((await send('/healthz/live', { method: 'GET', headers })).status).toBe(200)
    expect((await send('/healthz/ready', { method: 'GET', headers })).status).toBe(200)
    expect((await send('/api/status', { method: 'GET' })).status).toBe(401)
    expect(
      (await send('/api/status', { method: 'GET', headers: { authorization: 'Bearer admin-token' } })).status,
    ).toBe(200)
  })
})

describe('a bad request', () => {
  const post = (body: string, headers: Record<string, string> = {}) => send('/v1/chat/completions', { body, headers })
  test.each([
    ['an empty body', ''],
    ['half an object', '{"model":'],
    ['a list', '[]'],
    ['no model', '{"messages":[{"role":"user","content":"x"}]}'],
    ['a number as model', '{"model":1,"messages":[{"role":"user","content":"x"}]}'],
    ['deep nesting', `{"model":"m","messages":[],"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
  ])('%s is 400 with a typed body', async (_name, body) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(JSON.parse(response.body)).toMatchObject({
      error: { code: 'invalid_request', type: 'invalid_request_error' },
    })
    expect(response.headers['x-request-id']).toBeTypeOf('string')
  })

  test('a form cannot reach a route', async () => {
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(400)
  })

  test('a body over the limit is 413, announced or not', async () => {
    const piece = Buffer.alloc(1 << 20, 120)
    expect(await rawPost('content-length: 1073741824', [piece])).toMatch(/^HTTP\/1\.1 413 /)
    const chunked = Array.from({ length: 5 }, () =>
      Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')]),
    )
    expect(await rawPost('transfer-encoding: chunked', chunked)).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('a body or headers that do not come in time are 408, headers beyond measure 431', async () => {
    const slow = await serveLocally(truth, { bodyTimeoutMs: 200, headersTimeoutMs: 200 })
    const [body, headers, many] = await Promise.all([
      rawPost('content-length: 100', [Buffer.from('{"model":')], slow.url),
      rawText('POST /v1/chat/completions HTTP/1.1\r\nhost: loc', slow.url),
      rawText(`GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, server.url),
    ])
    expect(body).toMatch(/^HTTP\/1\.1 408 .*connection: close.*"too_slow"/s)
    expect(headers).toMatch(/^HTTP\/1\.1 408 /)
    expect(many).toMatch(/^HTTP\/1\.1 431 /)
    await slow.stop()
  })

  test('a path that a proxy in front could take for another one is refused', async () => {
    const paths = ['//x/healthz/live', '/\\x/healthz/live', '/x\\..\\healthz/live', 'http://x/healthz/live', '*']
    for (const path of paths) {
      const said = await rawText(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`, server.url)
      expect([path, said.slice(0, 12)]).toEqual([path, 'HTTP/1.1 400'])
    }
    expect((await send('/healthz/live?a=\\b//c', { method: 'GET' })).status).toBe(200)
  })

  test('a compressed body is refused', async () => {
    expect((await post('{}', { 'content-encoding': 'gzip' })).status).toBe(400)
  })

  test('an unknown route is 404, a wrong method 405', async () => {
    expect((await send('/v1/nothing', { body: '{}' })).status).toBe(404)
    expect((await send('/v1/chat/completions', { method: 'GET' })).status).toBe(405)
  })

  test('bytes that are not HTTP end the connection, and the next caller is served', async () => {
    const { port, hostname } = new URL(server.url)
    for (const bytes of [
      '\0\0\0',
      'GET\r\n\r\n',
      'POST /v1/models HTTP/9.9\r\n\r\n',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
    ]) {
      const socket = connect(Number(port), hostname)
      const closed = new Promise(resolve => socket.on('close', resolve))
      socket.on('error', () => {})
      socket.resume()
      socket.end(bytes)
      await Promise.race([closed, sleep(5_000)])
      expect(socket.destroyed).toBe(true)
    }
    expect((await send('/healthz/live', { method: 'GET' })).status).toBe(200)
  })
})

test('a caller that never reads holds back the backend and is cut off', async () => {
  const stalled = await serveLocally(truth, { stallMs: 300 })
  const { port, hostname } = new URL(stalled.url)
  const before = truth.script.produced
  const socket = connect(Number(port), hostname)
  socket.pause()
  const body = JSON.stringify({ model: 'flood-20000', messages: hi, stream: true })
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-parley-test\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  expect(await until(() => truth.script.open === 1)).toBe(true)
  expect(await until(() => truth.script.open === 0)).toBe(true)
  expect(truth.script.produced - before).toBeLessThan(19_000)
  socket.destroy()
  await stalled.stop()
})
