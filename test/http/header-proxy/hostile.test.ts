import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HeaderProxy, type HeaderProxyOptions, startHeaderProxy } from '../../../src/http/index.ts'
import { closed } from '../../ssrf-corpus.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const page = 'https://chat.example.com'
const stops: (() => Promise<void>)[] = []
let upstream: Upstream
let proxy: HeaderProxy

async function start(more: Partial<HeaderProxyOptions> = {}): Promise<HeaderProxy> {
  const options = { host: '127.0.0.1', port: 0, allowHosts: [upstream.host], allowOrigins: [page], allowLoopback: true }
  const started = await startHeaderProxy({ ...options, ...more })
  stops.push(() => started.stop(100))
  return started
}

/** What a server says that was asked byte by byte, up to the end of its connection. */
function raw(through: HeaderProxy, request: string): Promise<string> {
  const socket = connect(Number(new URL(through.url).port), '127.0.0.1', () => socket.write(request))
  return text(socket)
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => closed(server))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeEach(async () => {
  upstream = await startUpstream()
  stops.push(upstream.stop)
  proxy = await start()
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const head = (target: string, more: readonly string[] = [], method = 'GET') =>
  [`${method} ${target} HTTP/1.1`, 'host: proxy', `origin: ${page}`, 'connection: close', ...more, '', ''].join('\r\n')

describe('what comes byte by byte', () => {
  test('a target in any writing leads to its host or nowhere', async () => {
    const { host } = upstream
    const cases: [string, number][] = [
      [`/HTTP://${host}/a`, 200],
      [`/http:/${host}/b`, 200],
      [`http://${host}/c`, 200],
      [`/http://${host}/..%2f..%2fd`, 200],
      [`//${host}/`, 400],
      [`///http://${host}/`, 400],
      [`/http:%2F%2F${host}/`, 400],
      [`/http://${host}%2F@evil.example/`, 403],
      [`/http://user:pw@${host}/`, 403],
      [`/http://evil.example:80@${host}/`, 403],
      [`/http://${host}@evil.example/`, 403],
      [`/http://evil.example%00.${host}/`, 400],
      [`/http://${host}:1/`, 400],
      [`/http://127.0.0.1/`, 403],
      [`/https:///\\evil.example/`, 400],
      ['*', 400],
    ]
    for (const [target, status] of cases) expect(await raw(proxy, head(target)), target).toMatch(`HTTP/1.1 ${status} `)
    expect(upstream.asked.map(({ url }) => url)).toEqual(['/a', '/b', '/c', '/..%2f..%2fd'])
  })

  test('the upstream hears its own name, and nothing that was for the proxy', async () => {
    const target = `/http://${upstream.host}/v1`
    const more = [
      'x-forwarded-host: evil.example',
      'upgrade: websocket',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      'te: trailers',
      'proxy-authorization: Basic x',
      'content-encoding: gzip',
      'content-length: 5',
    ]
    const said = await raw(proxy, `${head(target, more, 'POST')}hello`)
    expect(said).toMatch(/^HTTP\/1\.1 200 /)
    const [{ headers, body } = { headers: {}, body: '' }] = upstream.asked
    expect(body).toBe('hello')
    expect(Object.keys(headers).sort()).toEqual(['accept-encoding', 'connection', 'content-length', 'host'])
    expect(headers.host).toBe(upstream.host)
  })

  test('a body that comes with a GET is no second request, and neither is one in two lengths', async () => {
    const inner = `GET /http://${upstream.host}/inner HTTP/1.1\r\nhost: x\r\norigin: ${page}\r\n\r\n`
    const target = `/http://${upstream.host}/outer`
    await raw(proxy, head(target, [`content-length: ${inner.length}`]) + inner)
    const both = ['content-length: 3', 'transfer-encoding: chunked']
    expect(await raw(proxy, `${head(target, both, 'POST')}0\r\n\r\n${inner}`)).toMatch(/^HTTP\/1\.1 400 /)
    const lengths = ['content-length: 3', 'content-length: 4']
    expect(await raw(proxy, `${head(target, lengths, 'POST')}abcd`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(upstream.asked.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /outer'])
  })

  test('methods of no page are answered too', async () => {
    expect(await raw(proxy, head(`/http://${upstream.host}/`, [], 'TRACE'))).toMatch(/^HTTP\/1\.1 400 /)
    expect(await raw(proxy, head(`/http://${upstream.host}/`, [], 'HEAD'))).toMatch(/^HTTP\/1\.1 405 /)
    expect(upstream.asked).toEqual([])
  })

  test('a body shorter than it says is not made longer, and ends the request there', async () => {
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1')
    socket.write(`${head(`/http://${upstream.host}/short`, ['content-length: 100'], 'POST')}half`)
    await expect.poll(() => upstream.asked.length).toBe(1)
    socket.destroy()
    await expect.poll(upstream.aborted).toBe(1)
  })
})

describe('upstreams that misbehave', () => {
  test('a status that is none, or words that cannot be read, are a failure, and nothing more is fetched', async () => {
    const sockets = new Set<Socket>()
    const server = createServer((request, response) => {
      sockets.add(request.socket)
      request.socket.on('close', () => sockets.delete(request.socket))
      if (request.url === '/999') response.writeHead(999).write('x')
      else request.socket.write('HTTP/1.1 200 OK\r\nx-a: b\rset-cookie: c\r\n\r\n')
    })
    const host = await listening(server)
    const through = await start({ allowHosts: [host] })
    for (const path of ['999', 'split']) {
      expect(await raw(through, head(`/http://${host}/${path}`)), path).toMatch(/^HTTP\/1\.1 502 /)
    }
    await expect.poll(() => sockets.size).toBe(0)
  })

  test('a reader who does not read holds neither memory nor a connection', async () => {
    let sentBytes = 0
    let isOver = false
    const piece = Buffer.alloc(1 << 16)
    const server = createServer((_request, response) => {
      response.on('close', () => {
        isOver = true
      })
      const more = () => {
        do sentBytes += piece.length
        while (!response.destroyed && sentBytes < 1 << 30 && response.write(piece))
      }
      response.on('drain', more)
      more()
    })
    const host = await listening(server)
    const through = await start({ allowHosts: [host], stallMs: 1_000 })
    const socket = connect(Number(new URL(through.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write(head(`/http://${host}/flood`))
    await expect.poll(() => sentBytes).toBeGreaterThan(0)
    await expect.poll(() => isOver, { timeout: 4_000 }).toBe(true)
    // What lies between are the buffers of four sockets.
    expect(sentBytes).toBeLessThan(64 << 20)
    socket.destroy()
  })

  test('one that is silent to very many is not waited for by others', async () => {
    const through = await start({ limits: { perSecond: 1_000, burst: 1_000 } })
    const leave = new AbortController()
    const held = Array.from({ length: 80 }, () =>
      fetch(`${through.url}/${upstream.origin}/silent`, { headers: { origin: page }, signal: leave.signal }).catch(
        () => {},
      ),
    )
    await expect.poll(() => upstream.asked.length).toBe(80)
    leave.abort()
    await Promise.all(held)
  })
})

test('addresses of one network of IPv6 are one client', async () => {
  const slow = await start({ limits: { perSecond: 0.01, burst: 1 } })
  const from = async (address: string) => {
    const headers = { origin: page, 'x-forwarded-for': address }
    return (await fetch(`${slow.url}/${upstream.origin}/`, { headers })).status
  }
  expect(await from('2001:db8::1')).toBe(200)
  expect(await from('2001:DB8:0:0:ffff::2')).toBe(429)
  expect(await from('2001:db8:0:1::1')).toBe(200)
  expect(await from('2001:0db8:0000:0001:a:b:c:d')).toBe(429)
  expect(await from('::ffff:192.0.2.1')).toBe(200)
  expect(await from('192.0.2.1')).toBe(429)
})
