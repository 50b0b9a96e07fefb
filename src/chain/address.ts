import * as Hash from 'ox/Hash'
import { type Address, type Hex, ParleyError } from '../core/index.ts'

/**
 * The one way an address is written here: EIP-55, with the checksum in the case of its letters. Everything this folder
 * returns is written like that, so addresses compare with `===` once whatever came from outside went through here.
 */
export function toAddress(text: string): Address {
  if (!addressPattern.test(text)) {
    throw new ParleyError('invalid_request', `'${text.slice(0, 64)}' is no address; write 0x and 40 hex digits`)
  }
  const lower = text.slice(2).toLowerCase()
  const checked = checksum(lower)
  const hasCase = lower !== text.slice(2) && text.slice(2) !== lower.toUpperCase()
  if (hasCase && checked !== text) {
    throw new ParleyError('invalid_request', `the checksum of address ${text} does not hold; copy it again`)
  }
  return checked
}

export const zeroAddress: Address = '0x0000000000000000000000000000000000000000'

/** The last 20 bytes of the hash of an uncompressed public key (65 bytes, the first of them 4). */
export function addressOfPublicKey(publicKey: Uint8Array): Address {
  return checksum(Buffer.from(keccak(publicKey.subarray(1)).subarray(12)).toString('hex'))
}

export function keccak(bytes: Uint8Array): Uint8Array {
  return Hash.keccak256(bytes, { as: 'Bytes' })
}

export function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

const addressPattern = /^0x[0-9a-fA-F]{40}$/

/** EIP-55 of 40 lower-case digits: a letter is upper case where the hash of the text has a nibble of 8 or more. */
function checksum(lower: string): Address {
  const hash = keccak(Buffer.from(lower, 'latin1'))
  let text = ''
  for (let index = 0; index < 40; index++) {
    const byte = hash[index >> 1]!
    const nibble = index % 2 === 0 ? byte >> 4 : byte & 15
    text += nibble >= 8 ? lower[index]!.toUpperCase() : lower[index]!
  }
  return `0x${text}`
}
