import { recover } from 'tiny-secp256k1'
import { type Address, type Hex, ParleyError } from '../core/index.ts'
import { addressOfPublicKey } from './address.ts'

/**
 * The address that signed `digest`: the one place where signatures are checked, seven times faster in WebAssembly than
 * in JavaScript. Takes exactly one spelling of a signature, 65 bytes r‖s‖v with low s and v of 27 or 28, so that a
 * signature cannot be rewritten into a second one that also holds. Throws `payment_invalid`.
 */
export function recoverAddress(digest: Hex, signature: Hex): Address {
  if (!digestPattern.test(digest)) throw new ParleyError('payment_invalid', 'the digest is not 32 bytes of hex')
  if (!signaturePattern.test(signature)) {
    throw new ParleyError('payment_invalid', 'the signature is not 65 bytes of hex')
  }
  const bytes = Buffer.from(signature.slice(2), 'hex')
  const v = bytes[64]
  if (v !== 27 && v !== 28) throw new ParleyError('payment_invalid', `the signature ends in ${v}, not in 27 or 28`)
  if (!hasLowS(bytes)) {
    throw new ParleyError('payment_invalid', 'the signature has a high s; sign again with low s')
  }
  return recovered(Buffer.from(digest.slice(2), 'hex'), bytes.subarray(0, 64), v === 27 ? 0 : 1)
}

/** Whether s of r‖s is in the lower half of the group's order. */
export function hasLowS(signature: Uint8Array): boolean {
  return Buffer.compare(signature.subarray(32, 64), halfOrder) <= 0
}

const digestPattern = /^0x[0-9a-fA-F]{64}$/
const signaturePattern = /^0x[0-9a-fA-F]{130}$/
const halfOrder = Buffer.from('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0', 'hex')

/** The library returns null for some numbers that are on no curve point and throws for others. */
function recovered(digest: Uint8Array, signature: Uint8Array, recoveryId: 0 | 1): Address {
  let publicKey: Uint8Array | null
  try {
    publicKey = recover(digest, signature, recoveryId, false)
  } catch (cause) {
    throw new ParleyError('payment_invalid', 'the signature is no point of the curve', { cause })
  }
  if (publicKey === null) throw new ParleyError('payment_invalid', 'the signature belongs to no key')
  return addressOfPublicKey(publicKey)
}
