import { isIPv6 } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PrivateKey, StreamMuxerFactory } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { BoundedStore } from './bounded-store.ts'
import type { P2pLimits } from './limits.ts'
import { joiningFrames, swift } from './wire-speed.ts'

/** The project's own DHT, apart from every other network's. */
export const dhtProtocol = '/parley/kad/1.0.0'

/** Where the DHT keeps who provides what: this, the content, the peer id. */
const providerRecords = '/dht/provider/'

/** More would let one stream outgrow libp2p's own read buffer, which resets it. */
const windowBytesMax = 1024 * 1024
/** Streams of identify, ping and the DHT beside those of HTTP. */
const otherStreams = 64

export type ParleyLibp2p = Libp2p<{ dht: KadDHT; identify: object; ping: Ping }>

export interface Libp2pOptions {
  /** Absent: a fresh one, so that runs of a user node cannot be linked. */
  readonly privateKey?: PrivateKey
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly isDhtServer: boolean
  readonly gate: ConnectionGater
  readonly limits: P2pLimits
  readonly trusted: readonly string[]
  /** Whose provider records are kept. */
  readonly believed: (peerId: string) => boolean
}

/** libp2p with the transports of the project and every limit set; not started. */
export async function buildLibp2p(options: Libp2pOptions): Promise<ParleyLibp2p> {
  const { limits, listen, announce } = options
  const privateKey = options.privateKey ?? (await generateKeyPair('Ed25519'))
  return await createLibp2p({
    start: false,
    privateKey,
    datastore: memory(options, peerIdFromPrivateKey(privateKey).toString()),
    nodeInfo: { name: 'parley', version: '1', userAgent: 'parley' },
    addresses: {
      listen: [...listen],
      announce: [...announce],
      ...(listen.length === 0 && { announceFilter: () => [] }),
    },
    transports: [
      tcp({
        inboundSocketInactivityTimeout: limits.silenceTimeoutMs,
        outboundSocketInactivityTimeout: limits.silenceTimeoutMs,
        backlog: limits.pendingMax,
      }),
    ],
    connectionEncrypters: [components => swift(noise()(components))],
    streamMuxers: [() => joiningFrames(muxer(limits))],
    connectionGater: options.gate,
    connectionManager: connectionManager(limits, options.trusted),
    // A busy event loop is not a dead peer: the defaults would cut running answers.
    connectionMonitor: { pingInterval: 15_000, pingTimeout: { minTimeout: 15_000, maxTimeout: 30_000 } },
    services: services(options),
  })
}

function services({ limits, isDhtServer }: Libp2pOptions) {
  return {
    identify: identify({ timeout: limits.handshakeTimeoutMs, maxInboundStreams: 2, maxOutboundStreams: 2 }),
    ping: ping({ maxInboundStreams: 4, maxOutboundStreams: 4 }),
    dht: kadDHT({
      protocol: dhtProtocol,
      clientMode: !isDhtServer,
      peerInfoMapper: passthroughMapper,
      allowQueryWithZeroPeers: true,
      routingTableUpdateMaxQueueSize: 1_024,
      maxInboundStreams: 16,
      maxOutboundStreams: 32,
    }),
  }
}

/** Anybody may offer a provider record; only those of believed peers and of this node are kept. */
function memory({ limits, believed }: Libp2pOptions, self: string): BoundedStore {
  const accepts = (key: string) => {
    if (!key.startsWith(providerRecords)) return true
    const peerId = key.slice(key.lastIndexOf('/') + 1)
    return peerId === self || believed(peerId)
  }
  return new BoundedStore({ entriesMax: limits.rememberedMax, accepts })
}

function muxer(limits: P2pLimits): StreamMuxerFactory {
  const streamsMax = limits.streamsPerPeerMax * 2 + otherStreams
  const streamOptions = { maxStreamWindowSize: windowBytesMax }
  return yamux({
    maxInboundStreams: streamsMax,
    maxOutboundStreams: streamsMax,
    // A peer may open all its streams in the packet that ends the handshake; beyond this bound libp2p cuts the connection.
    maxEarlyStreams: streamsMax,
    streamOptions,
  })()
}

/** libp2p's own bounds stand behind the connection gate's, which know the reason and count it. */
function connectionManager(limits: P2pLimits, trusted: readonly string[]) {
  return {
    maxConnections: limits.connectionsMax * 2,
    maxIncomingPendingConnections: limits.pendingMax * 2,
    inboundConnectionThreshold: Math.max(limits.pendingMax, limits.connectionsPerIpPerSecondMax * 2),
    inboundUpgradeTimeout: limits.handshakeTimeoutMs,
    inboundStreamProtocolNegotiationTimeout: limits.handshakeTimeoutMs,
    outboundStreamProtocolNegotiationTimeout: limits.dialTimeoutMs,
    dialTimeout: limits.dialTimeoutMs,
    addressDialTimeout: limits.dialTimeoutMs / 2,
    maxParallelDials: 32,
    maxDialQueueLength: 256,
    maxPeerAddrsToDial: 16,
    connectionCloseTimeout: 1_000,
    reconnectRetries: 0,
    allow: trusted.map(networkAddress),
  }
}

/** `127.0.0.0/8` in the form libp2p reads. */
function networkAddress(network: string): string {
  const [address = '', bits] = network.split('/')
  const [family, all] = isIPv6(address) ? ['ip6', '128'] : ['ip4', '32']
  return `/${family}/${address}/ipcidr/${bits ?? all}`
}
