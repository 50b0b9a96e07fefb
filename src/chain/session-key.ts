import { createHmac } from 'node:crypto'
import { isPrivate } from 'tiny-secp256k1'
import { type Address, type Domain, ParleyError } from '../core/index.ts'
import { toAddress } from './address.ts'

/** One account of the escrow in one of its epochs: each has a session key of its own. */
export interface SessionKeyOf extends Domain {
  readonly epoch: bigint
}

/** A session key and the account it signs vouchers for. */
export interface SessionKeyName extends SessionKeyOf {
  readonly payer: Address
}

/**
 * The key that signs vouchers, out of the wallet's key: whoever has the wallet has all its session keys, and a session
 * key tells nothing about the wallet. HMAC-SHA256 of the words below under the wallet's key; should the result be no
 * number of the curve, the last byte counts on.
 */
export function deriveSessionKey(walletKey: Uint8Array, { chainId, escrow, epoch }: SessionKeyOf): Uint8Array {
  const words = Buffer.concat([
    Buffer.from('parley session key'),
    bigEndian(chainId, 32, 'chain id'),
    Buffer.from(toAddress(escrow).slice(2), 'hex'),
    bigEndian(epoch, 8, 'epoch'),
  ])
  for (let attempt = 0; attempt < 256; attempt++) {
    const key = createHmac('sha256', walletKey).update(words).update(Uint8Array.of(attempt)).digest()
    if (isPrivate(key)) return new Uint8Array(key)
  }
  throw new ParleyError('internal', 'no session key could be derived in 256 attempts')
}

function bigEndian(value: bigint, bytes: number, what: string): Buffer {
  if (value < 0n || value >> BigInt(8 * bytes) !== 0n) {
    throw new ParleyError('invalid_request', `the ${what} ${value} does not fit ${bytes} bytes`)
  }
  return Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex')
}
