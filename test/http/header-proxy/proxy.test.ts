import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HeaderProxy, type HeaderProxyOptions, type ProxyLine, startHeaderProxy } from '../../../src/http/index.ts'
import { hostileUrls, lyingLookup, lyingNames, startSecret } from '../../ssrf-corpus.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const page = 'https://chat.example.com'
const key = 'sk-very-secret-key'

let upstream: Upstream
let proxy: HeaderProxy
let lines: ProxyLine[]
const stops: (() => Promise<void>)[] = []

async function start(more: Partial<HeaderProxyOptions> = {}): Promise<HeaderProxy> {
  const options = { host: '127.0.0.1', port: 0, allowHosts: [upstream.host], allowOrigins: [page], allowLoopback: true }
  const started = await startHeaderProxy({ ...options, log: line => void lines.push(line), ...more })
  stops.push(() => started.stop(100))
  return started
}

beforeEach(async () => {
  lines = []
  upstream = await startUpstream()
  stops.push(upstream.stop)
  proxy = await start()
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

interface Asking {
  readonly method?: string
  readonly origin?: string | undefined
  readonly headers?: Record<string, string>
  readonly body?: string | ReadableStream<Uint8Array>
  readonly signal?: AbortSignal
  readonly through?: HeaderProxy
}

function ask(target: string, asking: Asking = {}): Promise<Response> {
  const { method = 'POST', headers = {}, body, signal, through = proxy } = asking
  const origin = 'origin' in asking ? asking.origin : page
  return fetch(`${through.url}/${target}`, {
    method,
    headers: { ...(origin !== undefined && { origin }), authorization: `Bearer ${key}`, ...headers },
    ...(method === 'POST' && { body: body ?? '{}', duplex: 'half' }),
    ...(signal && { signal }),
    redirect: 'manual',
  } as RequestInit)
}

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string; message: string; type: string } }
  expect(error).toEqual({
    code: expect.any(String),
    message: expect.any(String),
    type: expect.any(String),
    param: null,
  })
  return [response.status, error.code]
}

describe('what is passed on', () => {
  test('an answer comes with what a browser asks for, and with little else', async () => {
    const response = await ask(`${upstream.origin}/v1/chat?x=1&y=%20`, {
      body: '{"model":"m"}',
      headers: {
        'content-type': 'application/json',
        cookie: 'a=b',
        'x-other': '1',
        'openai-beta': 'x',
        'x-forwarded-for': '1.2.3.4',
        referer: page,
      },
    })
    expect(await response.json()).toEqual({ ok: true, url: '/v1/chat?x=1&y=%20' })
    const headers = Object.fromEntries(response.headers)
    expect(headers).toMatchObject({
      'access-control-allow-origin': page,
      'content-type': 'application/json',
      vary: 'Origin',
      'x-request-id': 'req-1',
    })
    expect(headers['access-control-expose-headers']).toContain('x-request-id')
    for (const name of ['set-cookie', 'x-internal', 'access-control-allow-credentials'])
      expect(headers[name]).toBeUndefined()
    const [seen] = upstream.asked
    expect(seen).toMatchObject({ method: 'POST', body: '{"model":"m"}' })
    expect(seen!.headers['content-length']).toBe('13')
    expect(seen!.headers).toMatchObject({ authorization: `Bearer ${key}`, 'openai-beta': 'x', host: upstream.host })
    for (const name of ['cookie', 'x-other', 'origin', 'referer', 'x-forwarded-for', 'sec-fetch-mode']) {
      expect(seen!.headers[name], name).toBeUndefined()
    }
  })

  test('a stream arrives as it is sent', async () => {
    const response = await ask(`${upstream.origin}/stream`)
    const now = () => performance.timeOrigin + performance.now()
    const events: { readonly sentAt: number; readonly cameAt: number }[] = []
    let text = ''
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      text += piece
      for (const [, sentAt] of piece.matchAll(/data: \d (\S+)/g)) events.push({ sentAt: Number(sentAt), cameAt: now() })
    }
    expect(text).toMatch(/data: 0 [\s\S]*data: 4 [\s\S]*\[DONE\]/)
    // What is held back comes with the last, or after it.
    const last = events.at(-1)!
    expect(events.filter(({ cameAt }) => cameAt < last.sentAt).length).toBeGreaterThanOrEqual(2)
  })

  test('failures and empty answers of the upstream come as they are', async () => {
    const refused = await ask(`${upstream.origin}/refuses`)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7'])
    expect(refused.headers.get('access-control-expose-headers')).toContain('retry-after')
    expect((await ask(`${upstream.origin}/none`, { method: 'GET' })).status).toBe(204)
  })

  test('an answer that breaks off does not look whole', async () => {
    const response = await ask(`${upstream.origin}/cut`)
    await expect(response.text()).rejects.toThrow()
  })

  test('who leaves stops the upstream, before it answers and after', async () => {
    const leave = new AbortController()
    const response = await ask(`${upstream.origin}/forever`, { signal: leave.signal })
    await response.body!.getReader().read()
    leave.abort()
    await expect.poll(upstream.aborted).toBe(1)
    const early = new AbortController()
    const silent = ask(`${upstream.origin}/silent`, { signal: early.signal }).catch(() => {})
    await expect.poll(() => upstream.asked.length).toBe(2)
    early.abort()
    await silent
    await expect.poll(upstream.aborted).toBe(2)
  })

  test('nothing is on record but method, host, status and time', async () => {
    const printed: unknown[] = []
    const kept = { log: console.log, error: console.error, warn: console.warn }
    for (const name of ['log', 'error', 'warn'] as const)
      console[name] = (...words: unknown[]) => void printed.push(words)
    try {
      await (await ask(`${upstream.origin}/v1/secret-path?key=${key}`, { body: 'secret prompt' })).text()
      await (await ask(`${upstream.origin}/cut`)).text().catch(() => {})
      await (await ask(`https://${key}.example/`)).text()
    } finally {
      Object.assign(console, kept)
    }
    expect(lines).toHaveLength(3)
    expect(lines[0]).toEqual({ method: 'POST', host: upstream.host, status: 200, ms: expect.any(Number) })
    expect(JSON.stringify([lines, printed])).not.toMatch(/secret/)
    expect(printed).toEqual([])
  })
})

describe('what is refused', () => {
  test('pages of other origins: without a word a page could read', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      `${page}.evil.example`,
      'http://chat.example.com',
      undefined,
    ]) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const response = await ask(`${upstream.origin}/v1/models`, { method, origin })
        expect(await errorOf(response)).toEqual([403, 'forbidden'])
        expect(response.headers.get('access-control-allow-origin')).toBeNull()
      }
    }
    expect(upstream.asked).toEqual([])
    expect(
      (
        await ask(`${upstream.origin}/`, {
          method: 'GET',
          origin: undefined,
          headers: { 'sec-fetch-site': 'same-origin' },
        })
      ).status,
    ).toBe(200)
  })

  test('everything else as a typed error the page can read', async () => {
    const small = await start({ allowHosts: [upstream.host, '*.example.com', 'api.other.example'] })
    const cases: [string, string, number, string][] = [
      ['DELETE', `${upstream.origin}/`, 405, 'method_not_allowed'],
      ['PUT', `${upstream.origin}/`, 405, 'method_not_allowed'],
      ['GET', '', 400, 'invalid_request'],
      ['GET', 'v1/models', 400, 'invalid_request'],
      ['GET', 'ftp://api.other.example/', 400, 'invalid_request'],
      ['GET', 'https%3A%2F%2Fapi.other.example/', 400, 'invalid_request'],
      ['GET', 'https://example.com/', 403, 'forbidden'],
      ['GET', 'https://evil-example.com/', 403, 'forbidden'],
      ['GET', 'https://a.example.com:8443/', 403, 'forbidden'],
      ['GET', 'https://api.other.example.evil.example/', 403, 'forbidden'],
      ['GET', 'https://api.other.example@evil.example/', 403, 'forbidden'],
      ['GET', 'https://evil.example#@api.other.example/', 403, 'forbidden'],
      ['GET', 'https://api.other.example./', 403, 'forbidden'],
      ['GET', 'http://api.other.example/', 403, 'forbidden'],
      ['GET', `${upstream.origin}/moved`, 502, 'backend_failed'],
      ['GET', 'https://api.other.example/../../http://127.0.0.1:1/', 403, 'forbidden'],
    ]
    for (const [method, target, status, code] of cases) {
      const response = await ask(target, { method, through: small })
      expect(await errorOf(response), `${method} ${target}`).toEqual([status, code])
      expect(response.headers.get('access-control-allow-origin')).toBe(page)
    }
    expect(upstream.asked.map(({ url }) => url)).toEqual(['/moved'])
    const gone = await startUpstream()
    await gone.stop()
    const dead = await start({ allowHosts: [gone.host] })
    expect(await errorOf(await ask(`${gone.origin}/`, { through: dead }))).toEqual([502, 'backend_failed'])
  })

  test('a preflight says what may be sent, of what was asked', async () => {
    const headers = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type, X-Stainless-OS,cookie2,x-proxy-secret,x-evil',
    }
    const response = await ask(`${upstream.origin}/v1`, { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-type, x-stainless-os, x-proxy-secret',
      'access-control-max-age': '600',
    })
    expect(upstream.asked).toEqual([])
  })

  test('whoever does not know the secret', async () => {
    const guarded = await start({ secret: 'open sesame' })
    const tried = (secret?: string) =>
      ask(`${upstream.origin}/`, { through: guarded, ...(secret && { headers: { 'x-proxy-secret': secret } }) })
    expect(await errorOf(await tried())).toEqual([401, 'unauthorized'])
    expect(await errorOf(await tried('open sesamE'))).toEqual([401, 'unauthorized'])
    expect((await tried('open sesame')).status).toBe(200)
    expect(upstream.asked[0]!.headers['x-proxy-secret']).toBeUndefined()
  })

  test('who asks too often, by their key and by their address', async () => {
    const slow = await start({ limits: { perSecond: 0.1, burst: 2 } })
    const statuses = async (authorization: string) => {
      const response = await ask(`${upstream.origin}/`, { through: slow, headers: { authorization } })
      if (response.status !== 429) return response.status
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      return await errorOf(response)
    }
    expect(await statuses('Bearer a')).toBe(200)
    expect(await statuses('Bearer b')).toBe(200)
    expect(await statuses('Bearer c')).toEqual([429, 'rate_limited'])
    const others = await start({ limits: { perSecond: 0.1, burst: 1 } })
    const from = async (address: string, authorization: string) => {
      const headers = { 'x-forwarded-for': `192.0.2.99, ${address}`, authorization }
      return (await ask(`${upstream.origin}/`, { through: others, headers })).status
    }
    expect(await from('198.51.100.1', 'Bearer a')).toBe(200)
    expect(await from('198.51.100.2', 'Bearer b')).toBe(200)
    expect(await from('198.51.100.1', 'Bearer c')).toBe(429)
    expect(await from('198.51.100.3', 'Bearer b')).toBe(429)
  })

  test('a body that is too large, whether it says so or not', async () => {
    const said = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { origin: page, 'content-length': 26 * 1024 * 1024 }
      const request = httpRequest(`${proxy.url}/${upstream.origin}/`, { method: 'POST', headers }, response => {
        resolve(response.statusCode)
        request.destroy()
      })
      request.on('error', reject)
      request.flushHeaders()
    })
    expect(said).toBe(413)
    expect(upstream.asked).toEqual([])
    let sent = 0
    const endlessBytes = 500 * 1024 * 1024
    const endless = new ReadableStream<Uint8Array>({
      pull: async controller => {
        await sleep(1)
        sent += 1 << 20
        if (sent > endlessBytes) controller.close()
        else controller.enqueue(new Uint8Array(1 << 20))
      },
    })
    const response = await ask(`${upstream.origin}/`, { body: endless }).catch(() => undefined)
    if (response !== undefined) expect(await errorOf(response)).toEqual([413, 'too_large'])
    await expect.poll(upstream.aborted).toBe(1)
    expect(sent).toBeLessThan(endlessBytes / 2)
  })

  test('every way inside', async () => {
    const secret = await startSecret()
    const open = await start({ allowHosts: ['*', ...lyingNames], allowLoopback: false, lookup: lyingLookup() })
    const targets = hostileUrls(secret.port).flatMap(url => [url, url.replace(/^http:/, 'https:')])
    const portless = lyingNames.flatMap(name => [`https://${name}/`, `https://${name}/`])
    for (const target of [...targets, ...portless]) {
      // As bytes on the wire: fetch would tidy up.
      const status = await rawStatus(open, target)
      expect([400, 403, 404, 502], target).toContain(status)
    }
    expect(secret.reached()).toBe(0)
    await secret.close()
  })
})

/** Each from an address of its own: nobody shall be refused for asking often. */
let client = 1
function rawStatus(through: HeaderProxy, target: string): Promise<number | undefined> {
  const localAddress = `127.0.${client >> 8}.${client++ & 0xff || 1}`
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(through.url)
    const path = `/${target.replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent)}`
    httpRequest({ hostname, port, path, localAddress, headers: { origin: page } }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
