import * as Base58 from 'ox/Base58'
import { type Hex, ParleyError } from '../core/index.ts'
import { toHex } from './address.ts'

/**
 * The registry keeps the 32-byte Ed25519 key behind a libp2p peer id, the rest of the node the peer id as text: base58 of
 * the key in libp2p's protobuf frame, inside an identity multihash. Zero stands for a provider reached by https.
 */
export function peerIdOfKey(key: Hex): string {
  if (key === noKey) return ''
  return Base58.fromBytes(Buffer.concat([frame, Buffer.from(key.slice(2), 'hex')]))
}

/** The inverse. Throws `invalid_request` for an id that is not made of an Ed25519 key. */
export function keyOfPeerId(peerId: string): Hex {
  if (peerId === '') return noKey
  const bytes = decoded(peerId)
  if (bytes.length !== 38 || Buffer.compare(bytes.subarray(0, 6), frame) !== 0) {
    throw new ParleyError('invalid_request', `'${peerId.slice(0, 64)}' is no Ed25519 peer id; it starts with 12D3Koo`)
  }
  return toHex(bytes.subarray(6))
}

const noKey: Hex = `0x${'0'.repeat(64)}`
const frame = Buffer.from('002408011220', 'hex')

function decoded(peerId: string): Uint8Array {
  try {
    return peerId.length <= 64 ? Base58.toBytes(peerId) : new Uint8Array()
  } catch (cause) {
    throw new ParleyError('invalid_request', `'${peerId.slice(0, 64)}' is no peer id`, { cause })
  }
}
