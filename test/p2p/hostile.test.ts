import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { expect, onTestFinished, test } from 'vitest'
import type { PeerNode } from '../../src/p2p/index.ts'
import { httpProtocol } from '../../src/p2p/index.ts'
import { never, serveHttp, startProvider, startUser, targetOf, until } from './nodes.ts'

const attacker = '127.0.0.2'
const onlyHonest = ['127.0.0.1/32']

/** A plain TCP connection to the node, from an address that is not trusted. */
function dialRaw(node: PeerNode): Socket {
  const port = Number(/tcp\/(\d+)/.exec(node.addresses()[0]!)![1])
  const socket = connect({ port, host: '127.0.0.1', localAddress: attacker })
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  return socket
}

async function askHonestly(node: PeerNode): Promise<string> {
  const user = await startUser()
  const socket = await user.open(targetOf(node), { signal: never })
  socket.end('GET / HTTP/1.1\r\nhost: peer\r\nconnection: close\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

async function serving(settings: Parameters<typeof startProvider>[0] = {}): Promise<PeerNode> {
  const provider = await startProvider(settings)
  await serveHttp(provider, (_, response) => response.end('still here'))
  return provider
}

/** A peer that speaks libp2p, for what comes after the handshake. */
async function rawPeer(afterHandshake?: (send: (bytes: Uint8Array) => void) => void): Promise<Libp2p> {
  const peer = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      () => {
        const factory = yamux()()
        return {
          protocol: factory.protocol,
          createStreamMuxer: connection => {
            const muxer = factory.createStreamMuxer(connection)
            afterHandshake?.(bytes => connection.send(bytes))
            return muxer
          },
        }
      },
    ],
  })
  onTestFinished(async () => void (await peer.stop()))
  return peer
}

const greeting = Buffer.concat([
  Buffer.from('\x13/multistream/1.0.0\n', 'latin1'),
  Buffer.from('\x07/noise\n', 'latin1'),
])

const hostileBytes: Record<string, () => Buffer> = {
  'random bytes': () => randomBytes(1 + Math.floor(Math.random() * 2_000)),
  'Noise frames that are not': () => Buffer.concat([greeting, Buffer.from([0xff, 0xff]), randomBytes(2_000)]),
  'empty Noise frames': () => Buffer.concat([greeting, Buffer.alloc(500)]),
  'an HTTP request': () => Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
}

for (const [what, bytes] of Object.entries(hostileBytes)) {
  test(`300 connections that send ${what} harm nobody`, async () => {
    const provider = await serving({ limits: { pendingMax: 400, handshakeTimeoutMs: 1_500 } })
    const sockets = Array.from({ length: 300 }, () => dialRaw(provider))
    for (const socket of sockets) socket.write(bytes())
    expect(await askHonestly(provider)).toContain('still here')
    await until(() => sockets.every(socket => socket.closed), 'all of them are closed')
    expect(provider.stats().rejected.handshake).toBe(300)
    expect(await askHonestly(provider)).toContain('still here')
  }, 40_000)
}

test('connections held half open from one address do not keep others out, and are cut', async () => {
  const provider = await serving({ trusted: onlyHonest, limits: { handshakeTimeoutMs: 1_500 } })
  const sockets = Array.from({ length: 60 }, () => dialRaw(provider))
  await until(() => sockets.filter(socket => socket.closed).length >= 44, 'those over the bound are turned away')
  expect(await askHonestly(provider)).toContain('still here')
  await until(() => sockets.every(socket => socket.closed), 'the held ones are cut')
  const { rejected } = provider.stats()
  expect(rejected.handshake).toBe(16)
  expect(rejected.connection_rate + rejected.pending_per_ip).toBe(44)
}, 40_000)

test('nonsense after the handshake cuts that peer only', async () => {
  const provider = await serving()
  for (const nonsense of [
    randomBytes(4_000),
    Buffer.alloc(4_000),
    Buffer.from([0, 1, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255]),
  ]) {
    const peer = await rawPeer(send => send(nonsense))
    await peer.dial(multiaddr(provider.addresses()[0]!)).catch(() => undefined)
    await peer.stop()
  }
  await until(() => provider.stats().connectionsInOpen === 0, 'they are gone')
  expect(await askHonestly(provider)).toContain('still here')
}, 40_000)

test('one peer may not have many connections', async () => {
  const provider = await serving()
  const peer = await rawPeer()
  const address = multiaddr(provider.addresses()[0]!)
  for (let i = 0; i < 8; i++) await peer.dial(address, { force: true }).catch(() => undefined)
  expect(provider.stats().connectionsInOpen).toBeLessThanOrEqual(4)
  expect(provider.stats().rejected.connections_per_peer).toBeGreaterThan(0)
  await peer.stop()
  await until(() => provider.stats().connectionsInOpen === 0, 'they are forgotten')
  expect(await askHonestly(provider)).toContain('still here')
}, 40_000)

test('a full node turns the next connection away and takes it when there is room', async () => {
  const provider = await serving({ limits: { connectionsMax: 2 } })
  const peers = [await rawPeer(), await rawPeer()]
  for (const peer of peers) await peer.dial(multiaddr(provider.addresses()[0]!))
  await expect(askHonestly(provider)).rejects.toMatchObject({ code: 'peer_unreachable' })
  expect(provider.stats().rejected.connections).toBeGreaterThan(0)
  await peers[0]!.stop()
  await until(() => provider.stats().connectionsInOpen === 1, 'one left')
  expect(await askHonestly(provider)).toContain('still here')
}, 40_000)

async function openStuck(provider: PeerNode, count: number): Promise<void> {
  const user = await startUser()
  for (let i = 0; i < count; i++) {
    const socket = await user.open(targetOf(provider), { signal: never })
    socket.write('GET / HTTP/1.1\r\nhost: peer\r\n\r\n')
    socket.pause()
  }
}

test('streams nobody reads are cut when they stall', async () => {
  const provider = await startProvider({ limits: { stallTimeoutMs: 300 } })
  let closed = 0
  await serveHttp(provider, (_, response) => {
    response.on('close', () => closed++)
    response.write(Buffer.alloc(2_000_000))
  })
  await openStuck(provider, 16)
  await until(() => closed === 16 && provider.stats().streamsOpen === 0, 'all stuck streams are cut')
}, 40_000)

test('what all streams buffer together is bounded', async () => {
  const bufferedBytesMax = 4_000_000
  const provider = await startProvider({ limits: { bufferedBytesMax } })
  await serveHttp(provider, (_, response) => void response.write(Buffer.alloc(2_000_000)))
  await openStuck(provider, 8)
  await until(() => provider.stats().rejected.buffered_bytes > 0, 'the largest are cut')
  await until(() => provider.stats().streamsOpen <= 3, 'what is left fits')
  expect(provider.stats().streamsOpen).toBeGreaterThan(0)
}, 40_000)

test('streams of another protocol and many at once do not reach the HTTP server', async () => {
  const provider = await serving()
  const peer = await rawPeer()
  const connection = await peer.dial(multiaddr(provider.addresses()[0]!))
  await expect(connection.newStream('/not/spoken/1.0.0')).rejects.toThrow()
  const streams = Array.from({ length: 400 }, () => connection.newStream(httpProtocol, { maxOutboundStreams: 1_000 }))
  await Promise.allSettled(streams)
  await until(() => provider.stats().streamsOpen <= 128, 'no more than allowed stay')
  expect(provider.stats().rejected.streams_per_peer).toBeGreaterThan(0)
  expect(await askHonestly(provider)).toContain('still here')
}, 40_000)

test('what is said cannot be read on the wire', async () => {
  const secret = 'the prompt nobody else may read'
  const provider = await startProvider()
  await serveHttp(provider, (request, response) => request.pipe(response))
  const port = Number(/tcp\/(\d+)/.exec(provider.addresses()[0]!)![1])
  const wire: Buffer[] = []
  const tap = createServer(near => {
    const far = connect(port, '127.0.0.1')
    near.on('data', chunk => wire.push(chunk)).pipe(far)
    far.on('data', chunk => wire.push(chunk)).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void tap.close())
  await once(tap, 'listening')
  const { port: tapPort } = tap.address() as { port: number }
  const user = await startUser()
  const addresses = [`/ip4/127.0.0.1/tcp/${tapPort}`]
  const socket = await user.open({ peerId: provider.peerId, addresses }, { signal: never })
  socket.end(`POST / HTTP/1.1\r\nhost: peer\r\nconnection: close\r\ncontent-length: ${secret.length}\r\n\r\n${secret}`)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  expect(answer).toContain(secret)
  const seen = Buffer.concat(wire)
  expect(seen.length).toBeGreaterThan(secret.length * 2)
  expect(seen.includes('prompt')).toBe(false)
  expect(seen.includes('HTTP/1.1')).toBe(false)
})
