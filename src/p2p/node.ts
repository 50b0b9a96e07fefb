import type { Duplex } from 'node:stream'
import type { Connection } from '@libp2p/interface'
import {
  abortError,
  type Clock,
  ParleyError,
  type Random,
  type Service,
  systemClock,
  systemRandom,
  within,
} from '../core/index.ts'
import { Discovery } from './discovery.ts'
import { connectionGate } from './gate.ts'
import { HttpStreams, type OnConnection } from './http.ts'
import { readKey } from './identity.ts'
import { KeepWarm } from './keep-warm.ts'
import { buildLibp2p, type ParleyLibp2p } from './libp2p.ts'
import { type P2pLimits, resolveLimits } from './limits.ts'
import { type PeerEvent, Peers } from './peers.ts'
import { type Counters, createCounters, type P2pStats } from './stats.ts'
import type { PeerTarget } from './target.ts'

/** A user node listens on nothing, announces nothing and is somebody else at every start. */
export interface UserRole {
  readonly role: 'user'
}

/** A provider is the same peer at every start and can be dialled. */
export interface ProviderRole {
  readonly role: 'provider'
  /** From `createIdentity`. */
  readonly key: Uint8Array
  /** Multiaddrs to listen on. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others instead of those listened on, as behind a NAT or a load balancer. */
  readonly announce?: readonly string[]
}

export interface PeerNodeSettings {
  /** Peers to ask first; there is no fixed bootstrap server. */
  readonly bootstrap?: readonly PeerTarget[]
  /** Whose word counts in discovery: peers with stake. */
  readonly believed?: (peerId: string) => boolean
  readonly limits?: Partial<P2pLimits>
  /** Networks (CIDR) to which the limits per address do not apply. */
  readonly trusted?: readonly string[]
  /** Whether peers of the own network may be dialled; yes unless told otherwise. */
  readonly dialPrivate?: boolean
  readonly warmMax?: number
  readonly announceIntervalMs?: number
  readonly announceRetryMs?: number
  readonly lookupTimeoutMs?: number
  readonly clock?: Clock
  readonly random?: Random
}

export type PeerNodeOptions = (UserRole | ProviderRole) & PeerNodeSettings

/** A node among peers: serves HTTP to them, opens HTTP to them, finds them. */
export interface PeerNode extends Service {
  readonly peerId: string
  readonly discovery: PeerDiscovery
  /** Multiaddrs others can dial, each with the peer id; empty for a user node and before the start. */
  addresses: () => string[]
  /** Hands every stream of a peer to `onConnection`, as a socket for an HTTP server; once, before or after the start. */
  serve: (onConnection: OnConnection) => Promise<void>
  /**
   * A socket to exactly this peer, for an HTTP client. Callers that ask at once share one dial; a peer with another key is
   * refused. Throws `peer_unreachable`, `overloaded`, `invalid_request`, or what the signal stands for.
   */
  open: (target: PeerTarget, options: { signal: AbortSignal }) => Promise<Duplex>
  stats: () => P2pStats
}

/** Who is there: the DHT's answers, and connections held open ahead of need. */
export interface PeerDiscovery {
  /** Tells the DHT that this node serves these models and no others, now and at every interval. */
  announce: Discovery['announce']
  /** Believed peers that serve the model, as they are found. */
  find: Discovery['find']
  /** Keeps connections to the first of these open; a later call replaces the list. */
  keepWarm: (targets: readonly PeerTarget[]) => void
  /** Peers to ask first, from the registry and the configuration; a later call replaces the list. */
  bootstrap: (targets: readonly PeerTarget[]) => void
  connected: () => string[]
  /** Calls back when the first connection to a peer opens and when its last one closes; returns the function that ends it. */
  onPeer: (listener: (event: PeerEvent) => void) => () => void
}

const bootstrapMax = 4
const stopTimeoutMs = 4_000
const shedIntervalMs = 1_000

/** A node, ready to start. */
export async function createPeerNode(options: PeerNodeOptions): Promise<PeerNode> {
  const limits = resolveLimits(options.limits)
  const counters = createCounters()
  const trusted = options.trusted ?? []
  const { clock = systemClock, dialPrivate = true, believed = () => true } = options
  const gate = connectionGate({ limits, counters, trusted, clock, dialPrivate })
  const libp2p = await buildLibp2p({ ...roleOf(options), gate, limits, trusted, believed })
  return assemble(libp2p, options, limits, counters)
}

function roleOf(options: PeerNodeOptions) {
  if (options.role === 'user') return { listen: [], announce: [], isDhtServer: false }
  if (options.listen.length === 0) {
    throw new ParleyError('config_invalid', 'a provider needs an address to listen on, like /ip4/0.0.0.0/tcp/4001')
  }
  const { listen, announce = [] } = options
  return { listen, announce, isDhtServer: true, privateKey: readKey(options.key) }
}

function assemble(libp2p: ParleyLibp2p, options: PeerNodeOptions, limits: P2pLimits, counters: Counters): PeerNode {
  const streams = new HttpStreams({ libp2p, limits, counters })
  const peers = new Peers(libp2p)
  const { discovery, face } = discoveryOf(libp2p, options, peers, limits)
  let shedding: NodeJS.Timeout | undefined
  libp2p.addEventListener('connection:open', ({ detail }) => countConnection(detail, counters))

  return {
    name: 'p2p',
    peerId: libp2p.peerId.toString(),
    discovery: face,
    addresses: () => libp2p.getMultiaddrs().map(String),
    serve: onConnection => streams.serve(onConnection),
    open: (target, { signal }) => streams.open(target, signal),
    stats: () => statsOf(libp2p, counters, streams.size),
    start: async signal => {
      try {
        signal.throwIfAborted()
        await libp2p.start()
      } catch (cause) {
        throw startError(cause, signal)
      }
      shedding = setInterval(() => streams.shed(), shedIntervalMs).unref()
      face.bootstrap(options.bootstrap ?? [])
    },
    stop: async () => {
      clearInterval(shedding)
      discovery.stop()
      face.keepWarm([])
      face.bootstrap([])
      streams.cutAll()
      await within(Promise.resolve(libp2p.stop()), stopTimeoutMs, 'stopping p2p')
    },
  }
}

function discoveryOf(libp2p: ParleyLibp2p, options: PeerNodeOptions, peers: Peers, limits: P2pLimits) {
  const discovery = new Discovery({
    dht: libp2p.services.dht,
    peerId: libp2p.peerId.toString(),
    believed: options.believed ?? (() => true),
    lookupTimeoutMs: options.lookupTimeoutMs ?? 10_000,
    announceIntervalMs: options.announceIntervalMs ?? 10 * 60_000,
    announceRetryMs: options.announceRetryMs ?? 5_000,
  })
  const keeper = (max: number) =>
    new KeepWarm({
      connect: (target, signal) => peers.connect(target, signal, limits.dialTimeoutMs),
      disconnected: (peerId, signal) => peers.disconnected(peerId, signal),
      random: options.random ?? systemRandom,
      max,
    })
  const warm = keeper(options.warmMax ?? 16)
  const first = keeper(bootstrapMax)
  const face: PeerDiscovery = {
    announce: modelIds => discovery.announce(modelIds),
    find: (modelId, bounds) => discovery.find(modelId, bounds),
    keepWarm: targets => warm.set(targets),
    bootstrap: targets => first.set(targets.filter(target => target.peerId !== libp2p.peerId.toString())),
    connected: () => peers.connected(),
    onPeer: listener => peers.onPeer(listener),
  }
  return { discovery, face }
}

function countConnection(connection: Connection, counters: Counters): void {
  if (connection.direction === 'inbound') counters.connectionsIn++
  else counters.connectionsOut++
}

function statsOf(libp2p: ParleyLibp2p, counters: Counters, streamsOpen: number): P2pStats {
  const connections = libp2p.getConnections()
  const connectionsInOpen = connections.filter(({ direction }) => direction === 'inbound').length
  return {
    ...counters,
    rejected: { ...counters.rejected },
    connectionsInOpen,
    connectionsOutOpen: connections.length - connectionsInOpen,
    streamsOpen,
  }
}

function startError(cause: unknown, signal: AbortSignal): ParleyError {
  if (signal.aborted) return abortError(signal, cause)
  const message = cause instanceof Error ? cause.message : String(cause)
  if (message.includes('EADDRINUSE')) {
    return new ParleyError('conflict', `a p2p address is in use; choose another port: ${message}`, { cause })
  }
  return new ParleyError('config_invalid', `cannot listen for peers: ${message}`, { cause })
}
