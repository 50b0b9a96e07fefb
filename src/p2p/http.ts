import type { Duplex } from 'node:stream'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { abortError, ParleyError } from '../core/index.ts'
import type { P2pLimits } from './limits.ts'
import type { Counters } from './stats.ts'
import { StreamDuplex } from './stream-duplex.ts'
import { Tally } from './tally.ts'
import { type PeerTarget, parseAddress, parsePeerId } from './target.ts'

/** HTTP/1.1 on a libp2p stream, as the libp2p HTTP specification names it. */
export const httpProtocol = '/http/1.1'

/** Gets every stream a peer opens, as a socket: hand it to `httpServer.emit('connection', socket)`. */
export type OnConnection = (socket: Duplex, remote: { peerId: string }) => void

export interface HttpStreamsOptions {
  readonly libp2p: Libp2p
  readonly limits: P2pLimits
  readonly counters: Counters
}

/** The HTTP streams of a node in both directions: opened, accepted, bounded, and cut together at the end. */
export class HttpStreams {
  readonly #libp2p: Libp2p
  readonly #limits: P2pLimits
  readonly #counters: Counters
  readonly #open = new Set<StreamDuplex>()
  readonly #inboundByPeer = new Tally()

  constructor(options: HttpStreamsOptions) {
    this.#libp2p = options.libp2p
    this.#limits = options.limits
    this.#counters = options.counters
  }

  get size(): number {
    return this.#open.size
  }

  /** Accepts streams of peers; libp2p allows twice the bound so that one too many can be answered before it is closed. */
  async serve(onConnection: OnConnection): Promise<void> {
    const { streamsPerPeerMax } = this.#limits
    await this.#libp2p.handle(httpProtocol, (stream, connection) => this.#accept(stream, connection, onConnection), {
      maxInboundStreams: streamsPerPeerMax * 2,
      maxOutboundStreams: streamsPerPeerMax,
    })
  }

  /** A new stream to exactly this peer; callers that ask at once share one dial. */
  async open(target: PeerTarget, signal: AbortSignal): Promise<StreamDuplex> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(this.#limits.dialTimeoutMs)])
    const peerId = parsePeerId(target.peerId)
    const addresses = target.addresses.map(address => parseAddress(address, peerId))
    try {
      bound.throwIfAborted()
      const dial = () => this.#libp2p.dial(addresses.length > 0 ? addresses : peerId, { signal: bound })
      const connection = await dial()
      try {
        return await this.#openOn(connection, bound)
      } catch (cause) {
        // A connection that was kept may have died unnoticed; one fresh dial tells.
        if (connection.status === 'open' || bound.aborted) throw cause
        return await this.#openOn(await dial(), bound)
      }
    } catch (cause) {
      if (signal.aborted) throw abortError(signal, cause)
      throw openError(target, cause)
    }
  }

  /** Cuts the streams that hold most until what is left fits the bound. */
  shed(): void {
    let total = 0
    for (const socket of this.#open) total += socket.bufferedBytes
    if (total <= this.#limits.bufferedBytesMax) return
    for (const socket of [...this.#open].sort((a, b) => b.bufferedBytes - a.bufferedBytes)) {
      total -= socket.bufferedBytes
      this.#counters.rejected.buffered_bytes++
      socket.destroy(new ParleyError('overloaded', 'the node buffers too much; this stream held most'))
      if (total <= this.#limits.bufferedBytesMax) return
    }
  }

  /** Resets every stream, so that nobody takes a cut answer for a whole one. */
  cutAll(): void {
    for (const socket of this.#open) socket.destroy(new ParleyError('stopping', 'the node is shutting down'))
  }

  async #openOn(connection: Connection, signal: AbortSignal): Promise<StreamDuplex> {
    const { streamsPerPeerMax } = this.#limits
    const stream = await connection.newStream(httpProtocol, { signal, maxOutboundStreams: streamsPerPeerMax })
    this.#counters.streamsOut++
    return this.#adopt(stream, connection)
  }

  #accept(stream: Stream, connection: Connection, onConnection: OnConnection): void {
    const peerId = connection.remotePeer.toString()
    const socket = this.#adopt(stream, connection)
    this.#counters.streamsIn++
    socket.once('close', () => this.#inboundByPeer.remove(peerId))
    if (this.#inboundByPeer.add(peerId) <= this.#limits.streamsPerPeerMax) {
      onConnection(socket, { peerId })
    } else {
      this.#counters.rejected.streams_per_peer++
      refuse(socket, this.#limits)
    }
  }

  #adopt(stream: Stream, connection: Connection): StreamDuplex {
    const [host, port] = connection.remoteAddr.getComponents()
    const socket = new StreamDuplex(stream, {
      ...(host?.value !== undefined && { remoteAddress: host.value }),
      ...(port?.value !== undefined && { remotePort: Number(port.value) }),
      stallTimeoutMs: this.#limits.stallTimeoutMs,
      onBytes: (read, written) => {
        this.#counters.bytesIn += read
        this.#counters.bytesOut += written
      },
    })
    this.#open.add(socket)
    // Whoever uses the socket hears of its end by 'close'; an 'error' nobody listens to must not end the process.
    socket.on('error', () => undefined)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }
}

/** Answers the first request of a stream too many, then closes it. */
function refuse(socket: StreamDuplex, limits: P2pLimits): void {
  const message = `a peer may have ${limits.streamsPerPeerMax} streams open here; close one and try again`
  const body = JSON.stringify(new ParleyError('overloaded', message, { retryAfterSeconds: 1 }).toBody())
  const head = [
    'HTTP/1.1 503 Service Unavailable',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'retry-after: 1',
    'connection: close',
  ]
  socket.setTimeout(limits.handshakeTimeoutMs, () => socket.destroy())
  socket.once('data', () => socket.end(`${head.join('\r\n')}\r\n\r\n${body}`))
  socket.once('end', () => socket.end())
}

function openError(target: PeerTarget, cause: unknown): ParleyError {
  const name = cause instanceof Error ? cause.name : ''
  if (name === 'TooManyOutboundProtocolStreamsError') {
    return new ParleyError('overloaded', `too many streams to peer ${target.peerId} are open`, { cause })
  }
  const where = target.addresses.length > 0 ? target.addresses.join(', ') : 'no known address'
  return new ParleyError('peer_unreachable', `cannot reach peer ${target.peerId} at ${where}: ${reasonOf(cause)}`, {
    cause,
  })
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join('; ')
  return cause instanceof Error ? cause.message : String(cause)
}
