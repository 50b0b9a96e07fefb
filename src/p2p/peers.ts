import { once } from 'node:events'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { type PeerTarget, parseAddress, parsePeerId } from './target.ts'

export interface PeerEvent {
  readonly type: 'connected' | 'disconnected'
  readonly peerId: string
}

/** The peers this node is connected with. */
export class Peers {
  readonly #libp2p: Libp2p

  constructor(libp2p: Libp2p) {
    this.#libp2p = libp2p
  }

  connected(): string[] {
    return this.#libp2p.getPeers().map(String)
  }

  onPeer(listener: (event: PeerEvent) => void): () => void {
    const opened = ({ detail }: CustomEvent<PeerId>) => listener({ type: 'connected', peerId: detail.toString() })
    const closed = ({ detail }: CustomEvent<PeerId>) => listener({ type: 'disconnected', peerId: detail.toString() })
    this.#libp2p.addEventListener('peer:connect', opened)
    this.#libp2p.addEventListener('peer:disconnect', closed)
    return () => {
      this.#libp2p.removeEventListener('peer:connect', opened)
      this.#libp2p.removeEventListener('peer:disconnect', closed)
    }
  }

  async connect(target: PeerTarget, signal: AbortSignal, timeoutMs: number): Promise<void> {
    const peerId = parsePeerId(target.peerId)
    const addresses = target.addresses.map(address => parseAddress(address, peerId))
    const bound = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    await this.#libp2p.dial(addresses.length > 0 ? addresses : peerId, { signal: bound })
  }

  /** Resolves when no connection to the peer is left; throws when the signal is aborted first. */
  async disconnected(peerId: string, signal: AbortSignal): Promise<void> {
    while (this.#libp2p.getConnections(parsePeerId(peerId)).length > 0) {
      await once(this.#libp2p, 'peer:disconnect', { signal })
    }
  }
}
