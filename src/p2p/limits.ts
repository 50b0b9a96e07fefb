import { ParleyError } from '../core/index.ts'

/** Every bound of the peer-to-peer node. libp2p's own defaults are either missing or too low to serve many users. */
export interface P2pLimits {
  readonly connectionsMax: number
  readonly connectionsPerPeerMax: number
  readonly connectionsPerIpMax: number
  /** Connections from one address that have not finished the handshake. */
  readonly pendingPerIpMax: number
  readonly pendingMax: number
  /** New connections one address may open in a second. */
  readonly connectionsPerIpPerSecondMax: number
  readonly handshakeTimeoutMs: number
  readonly dialTimeoutMs: number
  /** HTTP streams one peer may have open. */
  readonly streamsPerPeerMax: number
  /** Bytes buffered for all streams of the node; above it the stream that holds most is cut. */
  readonly bufferedBytesMax: number
  /** Facts about peers and provider records kept in memory. */
  readonly rememberedMax: number
  /** A stream whose reader makes no room is cut after this long. */
  readonly stallTimeoutMs: number
  /** A connection silent for this long is closed; the muxer's own pings keep a healthy one alive. */
  readonly silenceTimeoutMs: number
}

export const defaultLimits: P2pLimits = {
  connectionsMax: 500,
  connectionsPerPeerMax: 4,
  connectionsPerIpMax: 64,
  pendingPerIpMax: 16,
  pendingMax: 256,
  connectionsPerIpPerSecondMax: 20,
  handshakeTimeoutMs: 3_000,
  dialTimeoutMs: 10_000,
  streamsPerPeerMax: 64,
  bufferedBytesMax: 256 * 1024 * 1024,
  rememberedMax: 10_000,
  stallTimeoutMs: 30_000,
  silenceTimeoutMs: 120_000,
}

/** The defaults with what the configuration changes; every bound is a whole number above zero. */
export function resolveLimits(given: Partial<P2pLimits> = {}): P2pLimits {
  const limits = { ...defaultLimits, ...given }
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new ParleyError('config_invalid', `p2p limit ${name} is ${value}; give a whole number above 0`)
    }
  }
  return limits
}
