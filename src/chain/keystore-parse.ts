import type { Keystore } from 'ox/Keystore'
import { type Address, ParleyError } from '../core/index.ts'
import { toAddress } from './address.ts'

/**
 * A V3 file as any wallet wrote it: `Crypto` or `crypto`, with or without `address`, hex with or without `0x`. The cost
 * a file may ask for is bounded, since it is paid before the password is known to be right.
 */
export function parseKeystore(text: string): { keystore: Keystore; address: Address | undefined } {
  const file = record(parseJson(text), 'the file')
  if (Number(file.version) !== 3) invalid(`it is version ${String(file.version).slice(0, 20)}, and only 3 is known`)
  const crypto = record(file.crypto ?? file.Crypto, 'crypto')
  if (crypto.cipher !== 'aes-128-ctr') invalid(`its cipher is ${String(crypto.cipher).slice(0, 40)}, not aes-128-ctr`)
  const cipherparams = record(crypto.cipherparams, 'crypto.cipherparams')
  const keystore = {
    crypto: {
      cipher: 'aes-128-ctr',
      ciphertext: hex(crypto.ciphertext, 'crypto.ciphertext', 1, 32),
      cipherparams: { iv: hex(cipherparams.iv, 'crypto.cipherparams.iv', 16, 16) },
      mac: hex(crypto.mac, 'crypto.mac', 32, 32),
      ...derivation(crypto),
    },
    id: typeof file.id === 'string' ? file.id : '',
    version: 3,
  } satisfies Keystore
  return { keystore, address: addressOf(file.address) }
}

function derivation(crypto: Fields): Pick<Keystore['crypto'], 'kdf' | 'kdfparams'> {
  const params = record(crypto.kdfparams, 'crypto.kdfparams')
  const salt = hex(params.salt, 'crypto.kdfparams.salt', 1, 256)
  const dklen = integer(params.dklen, 'crypto.kdfparams.dklen', 32, 32)
  if (crypto.kdf === 'pbkdf2') {
    if (params.prf !== 'hmac-sha256') invalid(`its prf is ${String(params.prf).slice(0, 40)}, not hmac-sha256`)
    return { kdf: 'pbkdf2', kdfparams: { dklen, salt, prf: 'hmac-sha256', c: integer(params.c, 'c', 1, 10_000_000) } }
  }
  if (crypto.kdf !== 'scrypt') invalid(`its kdf is ${String(crypto.kdf).slice(0, 40)}, not scrypt or pbkdf2`)
  const n = integer(params.n, 'crypto.kdfparams.n', 2, 2 ** 20)
  const r = integer(params.r, 'crypto.kdfparams.r', 1, 16)
  const p = integer(params.p, 'crypto.kdfparams.p', 1, 16)
  if ((n & (n - 1)) !== 0) invalid('crypto.kdfparams.n is no power of two')
  if (128 * n * r > memoryBytesMax) invalid(`opening it would take ${(128 * n * r) / 2 ** 20} MiB of memory`)
  return { kdf: 'scrypt', kdfparams: { dklen, salt, n, p, r } }
}

const memoryBytesMax = 2 ** 30

type Fields = Record<string, unknown>

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ParleyError('wallet_invalid', 'the wallet file is not JSON; restore it from a backup', { cause })
  }
}

function record(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) invalid(`${name} is no object`)
  return value as Fields
}

function hex(value: unknown, name: string, bytesMin: number, bytesMax: number): string {
  const digits = typeof value === 'string' ? value.replace(/^0x/, '').toLowerCase() : ''
  const isHex = /^(?:[0-9a-f]{2})*$/.test(digits)
  const bytes = digits.length / 2
  if (!isHex || bytes < bytesMin || bytes > bytesMax) invalid(`${name} is not ${bytesMin} to ${bytesMax} bytes of hex`)
  return digits
}

function integer(value: unknown, name: string, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    invalid(`${name} is not a whole number from ${min} to ${max}`)
  }
  return value as number
}

function addressOf(value: unknown): Address | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const digits = typeof value === 'string' ? value.replace(/^0x/, '').toLowerCase() : ''
  if (!/^[0-9a-f]{40}$/.test(digits)) invalid('its address is no address')
  return toAddress(`0x${digits}`)
}

function invalid(why: string): never {
  throw new ParleyError('wallet_invalid', `the wallet file cannot be used: ${why}; restore it from a backup`)
}
