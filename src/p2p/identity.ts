import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ParleyError } from '../core/index.ts'

/** Who a node is to its peers: the key is secret and belongs in a file only the node can read. */
export interface Identity {
  /** Ed25519 private key in libp2p's protobuf form. */
  readonly key: Uint8Array
  readonly peerId: string
}

/** A new identity. */
export async function createIdentity(): Promise<Identity> {
  const privateKey = await generateKeyPair('Ed25519')
  return { key: privateKeyToProtobuf(privateKey), peerId: peerIdFromPrivateKey(privateKey).toString() }
}

/** The identity a stored key stands for. */
export function identityFromKey(key: Uint8Array): Identity {
  return { key, peerId: peerIdFromPrivateKey(readKey(key)).toString() }
}

/** The private key in the stored bytes, or `config_invalid`. */
export function readKey(key: Uint8Array): PrivateKey {
  try {
    return privateKeyFromProtobuf(key)
  } catch (cause) {
    throw new ParleyError('config_invalid', 'the identity key cannot be read; restore it or create a new identity', {
      cause,
    })
  }
}
