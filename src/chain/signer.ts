import { isPrivate, pointFromScalar, signRecoverable } from 'tiny-secp256k1'
import { type Hex, ParleyError, type Signer } from '../core/index.ts'
import { addressOfPublicKey, toHex } from './address.ts'

/** A signer that can forget its key. */
export interface KeySigner extends Signer {
  /** Overwrites the key; signing is `wallet_locked` from then on. */
  readonly lock: () => void
}

/**
 * A signer over 32 bytes of private key. It keeps a copy of its own, in bytes rather than in a string, because bytes can
 * be overwritten. Nonces are RFC 6979: the same digest gets the same signature.
 */
export function createSigner(privateKey: Hex | Uint8Array): KeySigner {
  const key = privateKeyBytes(privateKey)
  let isLocked = false
  return {
    address: addressOfPublicKey(pointFromScalar(key, false)!),
    sign: digest => {
      if (isLocked) throw new ParleyError('wallet_locked', 'this key was locked; unlock the wallet again')
      return signDigest(key, digest)
    },
    lock: () => {
      isLocked = true
      key.fill(0)
    },
  }
}

/** EIP-2098: the two words the escrow takes instead of 65 bytes; the top bit of `vs` says which v it was. */
export function compactSignature(signature: Hex): { r: Hex; vs: Hex } {
  if (!/^0x[0-9a-fA-F]{128}1[bcBC]$/.test(signature)) {
    throw new ParleyError('payment_invalid', 'the signature is not 65 bytes r‖s‖v with v of 27 or 28')
  }
  const bytes = Buffer.from(signature.slice(2), 'hex')
  if (bytes[32]! & 0x80) throw new ParleyError('payment_invalid', 'the signature has a high s and no compact form')
  if (bytes[64] === 28) bytes[32]! |= 0x80
  return { r: toHex(bytes.subarray(0, 32)), vs: toHex(bytes.subarray(32, 64)) }
}

/** A copy of the key's bytes, checked to be a scalar of the curve. The message never repeats the key. */
export function privateKeyBytes(privateKey: Hex | Uint8Array): Uint8Array {
  const isText = typeof privateKey === 'string'
  if (isText && !/^0x[0-9a-fA-F]{64}$/.test(privateKey)) {
    throw new ParleyError('wallet_invalid', 'a private key is 0x and 64 hex digits')
  }
  const key = isText ? new Uint8Array(Buffer.from(privateKey.slice(2), 'hex')) : new Uint8Array(privateKey)
  if (key.length !== 32 || !isPrivate(key)) {
    throw new ParleyError('wallet_invalid', 'the private key is not a number of the curve; check where it came from')
  }
  return key
}

function signDigest(key: Uint8Array, digest: Hex): Hex {
  if (!/^0x[0-9a-fA-F]{64}$/.test(digest)) throw new ParleyError('payment_invalid', 'a digest is 32 bytes of hex')
  const { signature, recoveryId } = signRecoverable(Buffer.from(digest.slice(2), 'hex'), key)
  const bytes = new Uint8Array(65)
  bytes.set(signature)
  bytes[64] = 27 + recoveryId
  return toHex(bytes)
}
