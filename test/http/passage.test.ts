import { request as httpRequest } from 'node:http'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { until } from '../compliance.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { type MediaService, sendBody, sendJson, startMediaService } from '../media-service.ts'

const upstreamKey = 'sk-upstream-7f3a'
const localKey = 'sk-parley-test'

let services: MediaService[]
let upstreams: UpstreamBackend[]
let server: LocalServer
let both: LocalServer
let client: OpenAI

beforeAll(async () => {
  services = await Promise.all([startMediaService([]), startMediaService([])])
  upstreams = services.map(({ url }, i) =>
    createUpstream({
      name: `keeper-${i}`,
      url,
      apiKey: upstreamKey,
      clock: systemClock,
      connectTimeoutMs: 1_000,
      maxConnections: 8,
    }),
  )
  const [first] = upstreams
  server = await serveLocally(first!, { passages: () => [first!.passage!] })
  both = await serveLocally(first!, { passages: () => upstreams.map(({ passage }) => passage!) })
  client = new OpenAI({ apiKey: localKey, baseURL: server.url, maxRetries: 0 })
})
beforeEach(() => {
  for (const service of services) {
    service.hits.length = 0
    service.isDeaf = false
  }
})
afterAll(async () => {
  await Promise.all([server.stop(), both.stop()])
  await Promise.all([...upstreams.map(upstream => upstream.close()), ...services.map(service => service.stop())])
})

const lines = Buffer.from(`${'{"messages":[{"role":"user","content":"grüezi"}]}\n'.repeat(4_000)}`)
const lastHit = (keeper = 0) => services[keeper]!.hits.at(-1)!
const answers = (body: unknown, status?: number) => {
  services[0]!.answer = (_hit, response) => sendJson(response, body, status)
}

function call(path: string, init: RequestInit = {}, at = server) {
  const headers = { authorization: `Bearer ${localKey}`, ...(init.headers as Record<string, string>) }
  return fetch(new URL(path, at.url), { ...init, headers })
}

describe('files', () => {
  const stored = { id: 'file-abc', object: 'file', bytes: lines.length, filename: 'train.jsonl', purpose: 'fine-tune' }

  test('are uploaded as they are, with the key of the server and not the caller’s', async () => {
    answers(stored)
    const file = await toFile(lines, 'train.jsonl')
    expect(await client.files.create({ file, purpose: 'fine-tune' })).toMatchObject(stored)
    const { path, method, headers, form } = lastHit()
    expect({ path, method }).toEqual({ path: '/v1/files', method: 'POST' })
    expect(headers.authorization).toBe(`Bearer ${upstreamKey}`)
    expect(JSON.stringify(headers)).not.toContain(localKey)
    expect(await form()).toContainEqual(['purpose', 'fine-tune'])
    expect(await form()).toContainEqual(['file', ['train.jsonl', expect.any(String), lines]])
  })

  test('are listed and found by the server’s own ids', async () => {
    answers({ object: 'list', data: [stored], has_more: false })
    expect((await client.files.list({ purpose: 'fine-tune', limit: 3 })).data).toMatchObject([stored])
    expect(lastHit().path).toBe('/v1/files?purpose=fine-tune&limit=3')
    answers(stored)
    expect(await client.files.retrieve('file-abc')).toMatchObject(stored)
    expect(lastHit().path).toBe('/v1/files/file-abc')
  })

  test('come back byte for byte, and may not run as a page', async () => {
    services[0]!.answer = (_hit, response) => sendBody(response, 'text/html', lines)
    const content = await client.files.content('file-abc')
    expect(Buffer.from(await content.arrayBuffer()).equals(lines)).toBe(true)
    expect(content.headers.get('content-security-policy')).toBe('sandbox')
    expect(lastHit().path).toBe('/v1/files/file-abc/content')
  })

  test('are deleted', async () => {
    answers({ id: 'file-abc', object: 'file', deleted: true })
    expect(await client.files.delete('file-abc')).toMatchObject({ deleted: true })
    expect(lastHit()).toMatchObject({ method: 'DELETE', path: '/v1/files/file-abc' })
  })

  test('that are not there are a 404 of the server', async () => {
    const error = { message: 'No such File object: file-x', type: 'invalid_request_error', param: 'id', code: null }
    answers({ error }, 404)
    await expect(client.files.retrieve('file-x')).rejects.toMatchObject({ status: 404, param: 'id' })
  })

  test.each(['/v1/files/a%2F..%2F..%2Fadmin', '/v1/files/a%00', '/v1/files/a/b/c/d'])(
    'a path like %s leads nowhere else',
    async path => {
      answers({})
      const { status } = await call(path)
      expect(status).toBe(404)
      expect(services[0]!.hits).toHaveLength(0)
    },
  )

  test('need a key of this node', async () => {
    const { status } = await call('/v1/files', { headers: { authorization: 'Bearer wrong' } })
    expect(status).toBe(401)
  })
})

describe('fine-tuning jobs', () => {
  const job = { id: 'ftjob-1', object: 'fine_tuning.job', status: 'queued', model: 'm' }

  test('are created, listed, followed and cancelled', async () => {
    answers(job)
    expect(await client.fineTuning.jobs.create({ model: 'm', training_file: 'file-abc' })).toMatchObject(job)
    expect(lastHit().json()).toEqual({ model: 'm', training_file: 'file-abc' })
    answers({ object: 'list', data: [job], has_more: false })
    expect((await client.fineTuning.jobs.list({ limit: 2 })).data).toMatchObject([job])
    expect(lastHit().path).toBe('/v1/fine_tuning/jobs?limit=2')
    await client.fineTuning.jobs.listEvents('ftjob-1')
    expect(lastHit().path).toBe('/v1/fine_tuning/jobs/ftjob-1/events')
    answers({ ...job, status: 'cancelled' })
    expect(await client.fineTuning.jobs.cancel('ftjob-1')).toMatchObject({ status: 'cancelled' })
    expect(lastHit()).toMatchObject({ method: 'POST', path: '/v1/fine_tuning/jobs/ftjob-1/cancel' })
  })
})

describe('of several servers', () => {
  test('one has to be named, and it alone is asked', async () => {
    for (const [i, service] of services.entries()) {
      service.answer = (_hit, response) => sendJson(response, { object: 'list', data: [], keeper: i })
    }
    const unnamed = await call('/v1/files', {}, both)
    expect(unnamed.status).toBe(400)
    expect(await unnamed.text()).toContain('keeper-0, keeper-1')
    expect(await (await call('/v1/files?provider=keeper-1&limit=1', {}, both)).json()).toMatchObject({ keeper: 1 })
    expect(lastHit(1).path).toBe('/v1/files?limit=1')
    const named = { headers: { 'x-parley-provider': 'keeper-0' } }
    const answered = await call('/v1/files', named, both)
    expect(answered.headers.get('x-parley-provider')).toBe('keeper-0')
    expect(await answered.json()).toMatchObject({ keeper: 0 })
    expect((await call('/v1/files?provider=nobody', {}, both)).status).toBe(400)
  })

  test('there has to be one', async () => {
    const none = await serveLocally(upstreams[0]!)
    const { status } = await call('/v1/files', {}, none)
    expect(status).toBe(404)
    await none.stop()
  })
})

describe('transfers', () => {
  const upload = (headers: Record<string, string | number>) => {
    const request = httpRequest(new URL('/v1/files', server.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${localKey}`, 'content-type': 'multipart/form-data; boundary=X', ...headers },
    })
    request.on('error', () => {})
    return request
  }

  test('are not held: the server hears the beginning of an upload before its end', async () => {
    services[0]!.isDeaf = true
    const before = services[0]!.begun()
    const request = upload({ 'content-length': 500_000_000 })
    request.write(Buffer.alloc(100_000))
    expect(await until(() => services[0]!.begun() > before)).toBe(true)
    request.destroy()
    services[0]!.isDeaf = false
    expect(await until(() => services[0]!.left() > 0)).toBe(true)
  })

  test('stop at the server when the caller leaves in the middle of an upload', async () => {
    services[0]!.isDeaf = true
    const before = services[0]!.begun()
    const request = upload({ 'transfer-encoding': 'chunked' })
    request.write(Buffer.alloc(100_000))
    expect(await until(() => services[0]!.begun() > before)).toBe(true)
    const left = services[0]!.left()
    request.destroy()
    services[0]!.isDeaf = false
    expect(await until(() => services[0]!.left() > left)).toBe(true)
  })

  test('stop at the server when the caller leaves in the middle of a download', async () => {
    services[0]!.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'application/jsonl' }).write(lines)
    }
    const gone = new AbortController()
    const response = await call('/v1/files/file-abc/content', { signal: gone.signal })
    await response.body!.getReader().read()
    gone.abort()
    expect(await until(() => lastHit().gone.aborted)).toBe(true)
  })

  test('that break off at the server never look whole', async () => {
    services[0]!.answer = (_hit, response) => {
      response.writeHead(200, { 'content-type': 'application/jsonl' }).write(lines)
      setTimeout(() => response.destroy(), 20)
    }
    const response = await call('/v1/files/file-abc/content')
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  test('of more than a gibibyte are refused before they begin', async () => {
    const request = upload({ 'content-length': 2 ** 30 + 1 })
    const status = new Promise(resolve => request.once('response', ({ statusCode }) => resolve(statusCode)))
    request.write('x')
    expect(await status).toBe(413)
    request.destroy()
  })

  test('to a server that refuses early tell its reason', async () => {
    services[0]!.answer = (_hit, response) => sendJson(response, { error: { message: 'too much', code: 'x' } }, 413)
    const body = new FormData()
    body.set('file', new Blob([lines]), 'a.jsonl')
    expect((await call('/v1/files', { method: 'POST', body })).status).toBe(413)
  })
})
