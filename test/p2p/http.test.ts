import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, Pool } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { createIdentity, type PeerNode } from '../../src/p2p/index.ts'
import { never, serveHttp, startProvider, startUser, targetOf, until } from './nodes.ts'

const mebibyte = 1024 * 1024

/** An HTTP client whose sockets are streams to the provider. */
function poolTo(user: PeerNode, provider: PeerNode, connections = 8): Pool {
  const pool = new Pool('http://peer.invalid', {
    connections,
    connect: (_options, callback) => {
      user.open(targetOf(provider), { signal: never }).then(
        socket => callback(null, socket as never),
        error => callback(error, null),
      )
    },
  })
  pool.on('disconnect', () => undefined)
  onTestFinished(() => pool.destroy().catch(() => undefined))
  return pool
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function nodes(listener: (request: IncomingMessage, response: ServerResponse) => void) {
  const provider = await startProvider()
  const user = await startUser()
  const server = await serveHttp(provider, listener)
  return { provider, user, server, pool: poolTo(user, provider) }
}

test('requests share kept-alive streams and one connection', async () => {
  const { pool, provider, user } = await nodes((request, response) => response.end(`you asked ${request.url}`))
  const answers = await Promise.all(
    Array.from({ length: 32 }, async (_, i) => {
      const { statusCode, body } = await pool.request({ path: `/${i}`, method: 'GET' })
      return [statusCode, await body.text()]
    }),
  )
  expect(answers).toEqual(Array.from({ length: 32 }, (_, i) => [200, `you asked /${i}`]))
  expect(provider.stats().streamsIn).toBeLessThanOrEqual(8)
  expect(provider.stats()).toMatchObject({ connectionsIn: 1, connectionsInOpen: 1 })
  expect(user.stats()).toMatchObject({ connectionsOut: 1, streamsOut: provider.stats().streamsIn })
})

test('32 requests run at the same time, each on its own stream', async () => {
  let running = 0
  const all = Promise.withResolvers<void>()
  const { user, provider } = await nodes((_, response) => {
    if (++running === 32) all.resolve()
    void all.promise.then(() => response.end('together'))
  })
  const pool = poolTo(user, provider, 32)
  const answers = Array.from({ length: 32 }, async () => {
    const { body } = await pool.request({ path: '/', method: 'GET' })
    return await body.text()
  })
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['together']))
})

test('events arrive as they are sent', async () => {
  let next: (() => void) | undefined
  const { pool } = await nodes(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < 5; i++) {
      const asked = Promise.withResolvers<void>()
      next = asked.resolve
      response.write(`data: ${i}\n\n`)
      await asked.promise
    }
    response.end('data: [DONE]\n\n')
  })
  const { body } = await pool.request({ path: '/', method: 'POST', body: 'go' })
  const seen: string[] = []
  for await (const chunk of body) {
    seen.push(String(chunk))
    next?.()
  }
  expect(seen).toEqual([...Array.from({ length: 5 }, (_, i) => `data: ${i}\n\n`), 'data: [DONE]\n\n'])
})

test('a client that aborts is noticed by the server, also while it is silent', async () => {
  const closed: number[] = []
  const { pool } = await nodes((request, response) => {
    if (request.url === '/silent') response.on('close', () => closed.push(performance.now()))
    else {
      response.write('data: 1\n\n')
      request.on('close', () => closed.push(performance.now()))
    }
  })
  for (const path of ['/silent', '/speaking']) {
    const controller = new AbortController()
    const asked = pool.request({ path, method: 'GET', signal: controller.signal }).then(({ body }) => body.text())
    const failed = expect(asked).rejects.toThrow()
    await delay(100)
    controller.abort()
    await failed
    await until(() => closed.length > 0, 'the server hears of it', 5_000)
    closed.length = 0
  }
})

for (const framing of ['chunked', 'content-length', 'until-close']) {
  test(`a server that dies in the middle of a ${framing} body gives an error, never an end`, async () => {
    const { provider, user } = await nodes((_, response) => {
      if (framing === 'content-length') response.setHeader('content-length', 1_000_000)
      if (framing === 'until-close') {
        response.removeHeader('transfer-encoding')
        response.shouldKeepAlive = false
        response.useChunkedEncodingByDefault = false
      }
      response.write('the beginning')
    })
    const client = new Client('http://peer.invalid', {
      connect: (_options, callback) => {
        void user.open(targetOf(provider), { signal: never }).then(socket => callback(null, socket as never))
      },
    })
    onTestFinished(() => client.destroy().catch(() => undefined))
    const { body } = await client.request({ path: '/', method: 'GET' })
    const failed = expect(bodyOf(body)).rejects.toThrow()
    await delay(50)
    await provider.stop()
    await failed
  })
}

test('20 MiB go up and come down whole', async () => {
  const { pool } = await nodes((request, response) => request.pipe(response))
  const sent = randomBytes(20 * mebibyte)
  const { body } = await pool.request({ path: '/', method: 'POST', body: Readable.from(cut(sent, 50_000)) })
  expect((await bodyOf(body)).equals(sent)).toBe(true)
}, 60_000)

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('a client that reads slowly slows the server', async () => {
  let written = 0
  const block = Buffer.alloc(64 * 1024)
  function* blocks() {
    for (; written < 200 * mebibyte; written += block.length) yield block
  }
  const { pool } = await nodes((_, response) => Readable.from(blocks()).pipe(response))
  const { body } = await pool.request({ path: '/', method: 'GET' })
  await delay(500)
  expect(written).toBeLessThan(8 * mebibyte)
  body.on('error', () => undefined)
  body.destroy()
})

test('a peer with another key is refused', async () => {
  const provider = await startProvider()
  const user = await startUser()
  await serveHttp(provider, (_, response) => response.end())
  const { peerId } = await createIdentity()
  const addresses = provider.addresses().map(address => address.replace(/\/p2p\/.*$/, ''))
  await expect(user.open({ peerId, addresses }, { signal: never })).rejects.toMatchObject({ code: 'peer_unreachable' })
  const socket = await user.open({ peerId: provider.peerId, addresses }, { signal: never })
  socket.destroy()
})

test('an address that names another peer than the registry is refused before dialling', async () => {
  const provider = await startProvider()
  const user = await startUser()
  const { peerId } = await createIdentity()
  const opening = user.open({ peerId, addresses: provider.addresses() }, { signal: never })
  await expect(opening).rejects.toMatchObject({ code: 'invalid_request' })
})

test('nobody there, nobody speaking HTTP, and no time are told apart', async () => {
  const provider = await startProvider()
  const user = await startUser()
  const { peerId } = await createIdentity()
  const nobody = user.open({ peerId, addresses: ['/ip4/127.0.0.1/tcp/1'] }, { signal: never })
  await expect(nobody).rejects.toMatchObject({ code: 'peer_unreachable' })
  const mute = user.open(targetOf(provider), { signal: never })
  await expect(mute).rejects.toMatchObject({ code: 'peer_unreachable' })
  const cancelled = user.open(targetOf(provider), { signal: AbortSignal.abort() })
  await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' })
})

test('a node told not to dial its own network does not', async () => {
  const provider = await startProvider()
  await provider.serve(socket => socket.resume())
  const user = await startUser({ dialPrivate: false })
  const [address = ''] = provider.addresses()
  for (const host of ['/ip4/127.0.0.1', '/ip4/10.0.0.1', '/ip6/::1', '/dns4/localhost']) {
    const target = { peerId: provider.peerId, addresses: [address.replace('/ip4/127.0.0.1', host)] }
    await expect(user.open(target, { signal: never })).rejects.toMatchObject({ code: 'peer_unreachable' })
  }
  expect(provider.stats().connectionsIn).toBe(0)
})

test('opens that happen at once share one dial', async () => {
  const provider = await startProvider()
  const user = await startUser()
  await provider.serve(socket => socket.resume())
  const sockets = await Promise.all(Array.from({ length: 20 }, () => user.open(targetOf(provider), { signal: never })))
  expect(provider.stats()).toMatchObject({ connectionsIn: 1, connectionsInOpen: 1 })
  for (const socket of sockets) socket.destroy()
  await until(() => user.stats().streamsOpen === 0 && provider.stats().streamsOpen === 0, 'all streams are forgotten')
})

test('a provider that restarts is reached again at once', async () => {
  const identity = await createIdentity()
  const first = await startProvider({ key: identity.key })
  const user = await startUser()
  await serveHttp(first, (_, response) => response.end('first'))
  const target = targetOf(first)
  const ask = async () => {
    const client = new Client('http://peer.invalid', {
      connect: (_options, callback) => {
        user.open(target, { signal: never }).then(
          socket => callback(null, socket as never),
          error => callback(error, null),
        )
      },
    })
    const { body } = await client.request({ path: '/', method: 'GET' })
    const text = await body.text()
    await client.destroy()
    return text
  }
  expect(await ask()).toBe('first')
  await first.stop()
  await expect(ask()).rejects.toThrow()
  const port = /tcp\/(\d+)/.exec(target.addresses[0]!)![1]
  const second = await startProvider({ key: identity.key, listen: [`/ip4/127.0.0.1/tcp/${port}`] })
  await serveHttp(second, (_, response) => response.end('second'))
  expect(await ask()).toBe('second')
})

test('a peer with too many streams is told so, and others are served', async () => {
  const provider = await startProvider({ limits: { streamsPerPeerMax: 4 } })
  const greedy = await startUser()
  const modest = await startUser()
  await serveHttp(provider, (request, response) => {
    if (request.url === '/hold') response.write('holding')
    else response.end('served')
  })
  const pool = poolTo(greedy, provider, 5)
  for (let i = 0; i < 4; i++) {
    const { body } = await pool.request({ path: '/hold', method: 'GET' })
    body.on('error', () => undefined)
  }
  const refused = await pool.request({ path: '/', method: 'GET' })
  expect(refused.statusCode).toBe(503)
  expect(await refused.body.json()).toMatchObject({ error: { code: 'overloaded' } })
  const served = await poolTo(modest, provider).request({ path: '/', method: 'GET' })
  expect(await served.body.text()).toBe('served')
  expect(provider.stats().rejected.streams_per_peer).toBe(1)
})

test('malformed HTTP is answered 400 and the stream closed', async () => {
  const { user, provider } = await nodes((_, response) => response.end('fine'))
  for (const nonsense of ['\x16\x03\x01 nonsense\r\n\r\n', 'GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n']) {
    const socket = await user.open(targetOf(provider), { signal: never })
    socket.write(nonsense)
    const answer = String(await bodyOf(socket))
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  }
  const { body } = await poolTo(user, provider).request({ path: '/', method: 'GET' })
  expect(await body.text()).toBe('fine')
})
