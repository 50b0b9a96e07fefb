import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  CODE_DNS4,
  CODE_DNS6,
  CODE_IP4,
  CODE_IP6,
  CODE_P2P,
  CODE_TCP,
  type Multiaddr,
  multiaddr,
} from '@multiformats/multiaddr'
import { ParleyError } from '../core/index.ts'

/** A peer to reach: who it must be, and where it may be. */
export interface PeerTarget {
  readonly peerId: string
  /** Multiaddrs, with or without `/p2p/<peer id>`. */
  readonly addresses: readonly string[]
}

const addressLengthMax = 512
const hostCodes = new Set([CODE_IP4, CODE_IP6, CODE_DNS4, CODE_DNS6])

/**
 * Reads an address a registry or a configuration names: `/ip4/…/tcp/…`, `/ip6/…/tcp/…`, `/dns4/…/tcp/…` or
 * `/dns6/…/tcp/…`, optionally with `/p2p/<peer id>`, which must be the expected one. Returns it with the peer id.
 */
export function parseAddress(text: string, peerId: PeerId): Multiaddr {
  if (text.length > addressLengthMax) throw badAddress(text.slice(0, 40), `it is longer than ${addressLengthMax}`)
  let address: Multiaddr
  try {
    address = multiaddr(text)
  } catch (cause) {
    throw badAddress(text, 'it is not a multiaddr', cause)
  }
  const [host, port, peer, ...rest] = address.getComponents()
  if (!host || !hostCodes.has(host.code)) throw badAddress(text, 'it must begin with /ip4, /ip6, /dns4 or /dns6')
  if (port?.code !== CODE_TCP || Number(port.value) === 0) throw badAddress(text, 'it needs /tcp/<port>')
  if (rest.length > 0 || (peer && peer.code !== CODE_P2P))
    throw badAddress(text, 'only /p2p/<peer id> may follow the port')
  if (!peer) return address.encapsulate(`/p2p/${peerId.toString()}`)
  if (!peerIdFromString(peer.value!).equals(peerId)) throw badAddress(text, `it names another peer than ${peerId}`)
  return address
}

/** The peer id in a text, or `invalid_request`. */
export function parsePeerId(text: string): PeerId {
  try {
    return peerIdFromString(text)
  } catch (cause) {
    throw new ParleyError('invalid_request', `'${text.slice(0, 80)}' is not a peer id`, { cause })
  }
}

/** Splits `/ip4/…/tcp/…/p2p/<peer id>` into a target. */
export function parseTarget(text: string): PeerTarget {
  const peerId = /\/p2p\/([^/]+)$/.exec(text.slice(0, addressLengthMax))?.[1]
  if (!peerId) throw badAddress(text.slice(0, addressLengthMax), 'it needs /p2p/<peer id> at the end')
  return { peerId, addresses: [parseAddress(text, parsePeerId(peerId)).toString()] }
}

function badAddress(text: string, why: string, cause?: unknown): ParleyError {
  return new ParleyError('invalid_request', `'${text}' cannot be used as a peer address: ${why}`, { cause })
}
