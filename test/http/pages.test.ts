import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { LocalFrontOptions } from '../../src/http/index.ts'
import { serveLocally } from '../local-server.ts'
import { createScripted } from '../scripted.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const script = `console.log(${JSON.stringify('a'.repeat(200_000))})`

function build(directory: string, mark = 'first'): void {
  mkdirSync(join(directory, 'assets'), { recursive: true })
  const html = `<!doctype html>\n<html lang="en" data-home="static"><head></head><body>${mark}</body></html>`
  const files: Record<string, string | Buffer> = {
    'index.html': html,
    'index.html.br': brotliCompressSync(html),
    'sw.js': 'self.oninstall = null',
    'manifest.webmanifest': '{}',
    'icon.svg': '<svg/>',
    'assets/app-abc123.js': script,
    'assets/app-abc123.js.br': brotliCompressSync(script),
    'assets/app-abc123.js.gz': gzipSync(script),
    'assets/font-abc123.woff2': 'font',
    'assets/empty-abc123.css': '',
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
}

async function start(isBuilt = true, options: Partial<LocalFrontOptions> = {}) {
  const home = mkdtempSync(join(tmpdir(), 'parley-pages-'))
  closing.push(() => rmSync(home, { recursive: true, force: true }))
  const uiDirectory = join(home, 'ui')
  writeFileSync(join(home, 'secret.txt'), 'secret')
  if (isBuilt) build(uiDirectory)
  const server = await serveLocally(createScripted(), { uiDirectory, ...options })
  closing.push(server.stop)
  const origin = new URL(server.url).origin
  return {
    origin,
    uiDirectory,
    home,
    get: (path: string, headers = {}, method = 'GET') => ask(origin, path, headers, method),
  }
}

interface Said {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

/** As it stands: `fetch` would tidy up the path and open what was pressed. */
function ask(origin: string, path: string, headers: Record<string, string>, method: string): Promise<Said> {
  const { promise, resolve, reject } = Promise.withResolvers<Said>()
  const { hostname, port } = new URL(origin)
  const request = httpRequest({ hostname, port, path, method, headers }, response => {
    response.toArray().then(pieces => {
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(pieces) })
    }, reject)
  })
  request.on('error', reject).end()
  return promise
}

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('the page of the node', () => {
  test('is there without a token, says that the node is at home, and is asked for again each time', async () => {
    const { get } = await start()
    for (const path of [
      '/',
      '/index.html',
      '/chat/0198a000-0000-7000-8000-000000000001',
      '/models/qwen2.5',
      '/settings/',
    ]) {
      const { status, headers, body } = await get(path, { ...html, 'accept-encoding': 'br' })
      expect([path, status, headers['content-type']]).toEqual([path, 200, 'text/html; charset=utf-8'])
      expect(String(body)).toContain('<html data-home="node" lang="en">')
      expect(headers).toMatchObject({ 'cache-control': 'no-cache', 'content-length': String(body.length) })
      expect(headers['content-encoding']).toBeUndefined()
    }
    const { headers } = await get('/')
    const known = await get('/', { 'if-none-match': String(headers.etag) })
    expect([known.status, known.body.length]).toEqual([304, 0])
  })

  test('has its headers on everything that belongs to it', async () => {
    const { get } = await start()
    for (const path of ['/', '/assets/app-abc123.js', '/sw.js', '/assets/missing.js']) {
      const { headers } = await get(path)
      expect(headers).toMatchObject({
        'content-security-policy':
          "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; font-src 'self' data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-src 'none'; frame-ancestors 'none'",
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'permissions-policy': 'microphone=(self), camera=()',
      })
      expect(headers['set-cookie']).toBeUndefined()
    }
  })

  test('sends files in the form the browser takes, and those with a hash for good', async () => {
    const { get } = await start()
    const path = '/assets/app-abc123.js'
    const forms = [
      ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
      ['gzip, br;q=0', 'gzip', gunzipSync],
      ['gzip;q=0.5', 'gzip', gunzipSync],
      ['identity', undefined, (bytes: Buffer) => bytes],
      ['', undefined, (bytes: Buffer) => bytes],
    ] as const
    for (const [accepted, encoding, open] of forms) {
      const { headers, body } = await get(path, { 'accept-encoding': accepted })
      expect(headers['content-encoding']).toBe(encoding)
      expect(open(body).toString()).toBe(script)
      expect(headers).toMatchObject({
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=31536000, immutable',
        vary: 'accept-encoding',
      })
    }
    const types = {
      '/assets/font-abc123.woff2': ['font/woff2', /immutable/],
      '/assets/empty-abc123.css': ['text/css; charset=utf-8', /immutable/],
      '/icon.svg': ['image/svg+xml', /^no-cache$/],
      '/sw.js': ['text/javascript; charset=utf-8', /^no-cache$/],
      '/manifest.webmanifest': ['application/manifest+json; charset=utf-8', /^no-cache$/],
    } as const
    for (const [path, [type, cache]] of Object.entries(types)) {
      const { status, headers } = await get(path, html)
      expect([path, status, headers['content-type']]).toEqual([path, 200, type])
      expect(headers['cache-control']).toMatch(cache)
      expect((await get(path, { 'if-none-match': String(headers.etag) })).status).toBe(304)
    }
  })

  test('answers HEAD without a body, and nothing but GET and HEAD', async () => {
    const { get } = await start()
    const { status, headers, body } = await get('/assets/app-abc123.js', {}, 'HEAD')
    expect([status, headers['content-length'], body.length]).toEqual([200, String(script.length), 0])
    expect((await get('/', {}, 'HEAD')).body).toHaveLength(0)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, body } = await get('/', html, method)
      expect([401, 404]).toContain(status)
      expect(String(body)).not.toContain('<html')
    }
  })

  test('leads nowhere but to what was built', async () => {
    const { get, uiDirectory, home } = await start()
    symlinkSync(join(home, 'secret.txt'), join(uiDirectory, 'assets', 'link.txt'))
    const paths = [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/%2e%2e/secret.txt',
      '/assets/%2e%2e%2f%2e%2e%2fsecret.txt',
      '/assets/..%5c..%5csecret.txt',
      '/assets/link.txt',
      '/assets/app-abc123.js%00.css',
      '/assets/',
      '/assets',
      '//secret.txt',
      '/index.html.br',
      '/assets/app-abc123.js.br',
      '/constructor',
      '/__proto__',
    ]
    for (const path of paths) {
      const { status, body } = await get(path)
      expect([path, [400, 404].includes(status)]).toEqual([path, true])
      expect(String(body)).not.toContain('secret\n')
      expect(String(body)).not.toBe('secret')
    }
    expect((await get('/assets/gone-abc123.js', html)).headers['content-type']).toContain('json')
  })

  test('stands in front of no route of apps and programs', async () => {
    const { get } = await start()
    for (const path of ['/v1', '/v1/models', '/v1/x', '/api', '/api/x', '/api/status', '/metrics']) {
      const { status, headers } = await get(path, html)
      expect([path, [401, 404].includes(status), headers['content-type']]).toEqual([
        ...[path, true, 'application/json; charset=utf-8'],
      ])
    }
    expect((await get('/rerank', html)).status).toBe(401)
    expect((await get('/healthz/live', html)).status).toBe(200)
  })

  test('says what to do where it is not built, and is there once it is, and is the new one when built again', async () => {
    const { get, uiDirectory } = await start(false)
    const missing = await get('/', html)
    expect([missing.status, String(missing.body)]).toEqual([404, expect.stringContaining('npm run build:ui')])
    expect(missing.headers['content-security-policy']).toContain("default-src 'self'")
    build(uiDirectory)
    expect(String((await get('/')).body)).toContain('first')
    rmSync(uiDirectory, { recursive: true })
    build(uiDirectory, 'second one')
    writeFileSync(join(uiDirectory, 'assets', 'new-1.js'), 'new')
    expect(String((await get('/')).body)).toContain('second one')
    expect(String((await get('/assets/new-1.js')).body)).toBe('new')
    rmSync(join(uiDirectory, 'assets', 'new-1.js'))
    expect((await get('/assets/new-1.js')).status).toBe(404)
  })

  test('is come to by a link on any other page, and is framed and fetched by none', async () => {
    const { get, origin } = await start()
    const cross = { ...html, 'sec-fetch-site': 'cross-site' }
    const link = { ...cross, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect((await get('/', link)).status).toBe(200)
    expect((await get('/chat/x', { ...link, 'sec-fetch-site': 'same-site' })).status).toBe(200)
    const refused: [string, Record<string, string>][] = [
      ['/', { ...cross, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
      ['/', { ...cross, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
      ['/', { ...cross, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
      ['/assets/app-abc123.js', { ...cross, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }],
      ['/assets/app-abc123.js', link],
      ['/', { ...link, origin: 'http://evil.example' }],
      ['/', { ...link, host: 'evil.example' }],
      ['/', { host: 'localhost.evil.example' }],
      ['/v1/models', link],
      ['/api/status', link],
    ]
    for (const [path, headers] of refused) expect([path, (await get(path, headers)).status]).toEqual([path, 403])
    expect((await get('/', { ...link, origin })).status).toBe(200)
  })

  test('breaks off where a reader takes nothing any more', async () => {
    const { origin, uiDirectory } = await start(true, { stallMs: 300 })
    const size = 40_000_000
    writeFileSync(join(uiDirectory, 'assets', 'large-1.txt'), 'x'.repeat(size))
    const { hostname, port } = new URL(origin)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined).write('GET /assets/large-1.txt HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await new Promise(resolve => socket.once('data', resolve))
    socket.pause()
    await sleep(2_000)
    let read = 0
    socket.on('data', piece => (read += piece.length)).resume()
    await new Promise(resolve => socket.once('close', resolve))
    expect(read).toBeLessThan(size)
  })

  test('lets go of a reader that leaves in the middle', async () => {
    const { origin, uiDirectory, get } = await start()
    writeFileSync(join(uiDirectory, 'assets', 'large-1.txt'), 'x'.repeat(20_000_000))
    const { hostname, port } = new URL(origin)
    const socket = connect(Number(port), hostname)
    socket.write('GET /assets/large-1.txt HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await new Promise(resolve => socket.once('data', resolve))
    socket.destroy()
    expect((await get('/')).status).toBe(200)
  })
})
