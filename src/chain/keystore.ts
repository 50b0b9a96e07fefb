import { pbkdf2, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import type { Keystore, Pbkdf2DeriveOpts, ScryptDeriveOpts } from 'ox/Keystore'
import { type Address, ParleyError, type Random } from '../core/index.ts'
import { toHex } from './address.ts'
import { parseKeystore } from './keystore-parse.ts'
import { createSigner, privateKeyBytes } from './signer.ts'

/**
 * Web3 Secret Storage V3, the file geth, foundry and every wallet reads. The password is stretched in the thread pool
 * of the process, so an unlocking node goes on answering.
 */
export async function encryptKey(privateKey: Uint8Array, password: string, options: EncryptOptions): Promise<string> {
  const { random, scryptN = defaultScryptN, extra = {} } = options
  const salt = random.bytes(32)
  const kdfparams = { dklen: 32, n: scryptN, p: 1, r: 8, salt: bare(salt) }
  const key = await scryptInPool(password, salt, kdfparams.n, kdfparams.r, kdfparams.p)
  const { encrypt } = await import('ox/Keystore')
  const keystore = encrypt(privateKey, toHex(key), {
    id: random.uuid(),
    iv: random.bytes(16),
    kdf: 'scrypt',
    kdfparams,
  })
  const address = createSigner(privateKey).address.slice(2).toLowerCase()
  return `${JSON.stringify({ address, ...keystore, ...extra }, undefined, 2)}\n`
}

/** The private key in a keystore. Throws `wallet_locked` for a wrong password, `wallet_invalid` for a broken file. */
export async function decryptKey(text: string, password: string): Promise<Uint8Array> {
  const { keystore, address } = parseKeystore(text)
  const key = await stretch(keystore, password)
  const { decrypt } = await import('ox/Keystore')
  const privateKey = privateKeyBytes(padded(opened(() => decrypt(keystore, toHex(key), { as: 'Bytes' }))))
  const actual = createSigner(privateKey).address
  if (address !== undefined && address !== actual) {
    throw new ParleyError('wallet_invalid', `the wallet file says ${address} and holds the key of ${actual}`)
  }
  return privateKey
}

/** The address a keystore claims to hold, without a password; undefined when it does not say. */
export function addressOfKeystore(text: string): Address | undefined {
  return parseKeystore(text).address
}

/** What geth calls standard: about half a second and 256 MiB for whoever guesses, once per guess. */
export const defaultScryptN = 2 ** 18

/** What geth calls light, for tests and for keys that guard nothing. */
export const lightScryptN = 2 ** 12

export interface EncryptOptions {
  readonly random: Random
  /** The cost factor, a power of two. */
  readonly scryptN?: number | undefined
  /** Further fields of the file; other readers ignore them. */
  readonly extra?: Record<string, unknown>
}

const pbkdf2InPool = promisify(pbkdf2)

async function stretch(keystore: Keystore, password: string): Promise<Uint8Array> {
  const derivation = keystore.crypto as Derivation
  const salt = Buffer.from(derivation.kdfparams.salt, 'hex')
  if (derivation.kdf === 'pbkdf2') return pbkdf2InPool(password, salt, derivation.kdfparams.c, 32, 'sha256')
  const { n, r, p } = derivation.kdfparams
  // OpenSSL keeps to RFC 7914, which forbids N of 2^(16r) and more; the specification's own example does not.
  if (n >= 2 ** (16 * r)) return Buffer.from((await slowKey(keystore, password, p)).slice(2), 'hex')
  return scryptInPool(password, salt, n, r, p)
}

/** The two kinds told apart: the library's own type allows mixtures of them. */
type Derivation = Pick<Pbkdf2DeriveOpts, 'kdf' | 'kdfparams'> | Pick<ScryptDeriveOpts, 'kdf' | 'kdfparams'>

/** The library's asynchronous form knows p of 8 alone, which is what such files have; it leaves the loop free. */
async function slowKey(keystore: Keystore, password: string, p: number): Promise<string> {
  const { toKey, toKeyAsync } = await import('ox/Keystore')
  const key = p === 8 ? await toKeyAsync(keystore, { password }) : toKey(keystore, { password })
  return typeof key === 'function' ? key() : key
}

async function scryptInPool(password: string, salt: Uint8Array, N: number, r: number, p: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const maxmem = 128 * r * (N + p + 8) + 65_536
  scrypt(password, salt, 32, { N, r, p, maxmem }, (error, key) => (error ? reject(error) : resolve(key)))
  return promise
}

function opened(decrypt: () => Uint8Array): Uint8Array {
  try {
    return decrypt()
  } catch (cause) {
    throw new ParleyError('wallet_locked', 'the password does not open this wallet; try again', { cause })
  }
}

/** Some old writers dropped the leading zeros of a key. */
function padded(key: Uint8Array): Uint8Array {
  if (key.length >= 32) return key
  const full = new Uint8Array(32)
  full.set(key, 32 - key.length)
  return full
}

function bare(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}
