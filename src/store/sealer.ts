import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { ParleyError, type Random, type Sealer } from '../core/index.ts'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const version = 'v1'
const algorithm = 'aes-256-gcm'

/**
 * Seals with AES-256-GCM under a master key. A sealed text is `v1.<key id>.<nonce, secret and tag in base64url>`; version,
 * key id and purpose are authenticated too.
 */
export function createSealer(masterKey: Uint8Array, random: Pick<Random, 'bytes'>): Sealer {
  if (masterKey.length !== keyBytes) throw notAKey()
  const derived = (use: string, length: number) => Buffer.from(hkdfSync('sha256', masterKey, '', use, length))
  const key = derived('parley sealer', keyBytes)
  const keyId = derived('parley sealer id', 4).toString('hex')
  const prefix = `${version}.${keyId}.`
  return {
    keyId,
    seal: (secret, purpose) => {
      const nonce = random.bytes(nonceBytes)
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(prefix + purpose))
      const parts = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return prefix + Buffer.concat(parts).toString('base64url')
    },
    open: (sealed, purpose) => {
      if (!sealed.startsWith(prefix)) throw unreadable(sealed, keyId)
      const bytes = Buffer.from(sealed.slice(prefix.length), 'base64url')
      const [nonce, tag] = [bytes.subarray(0, nonceBytes), bytes.subarray(-tagBytes)]
      // Two spellings of the same bytes are two texts: only the one that was written is taken.
      const isWhole = bytes.length >= nonceBytes + tagBytes && sealed === prefix + bytes.toString('base64url')
      if (!isWhole) throw unreadable(sealed, keyId)
      try {
        const decipher = createDecipheriv(algorithm, key, nonce)
          .setAAD(Buffer.from(prefix + purpose))
          .setAuthTag(tag)
        const secret = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
        return Buffer.concat([secret, decipher.final()]).toString('utf8')
      } catch {
        throw unreadable(sealed, keyId)
      }
    },
  }
}

/** A master key as people write it: 32 bytes in hexadecimal or base64. */
export function parseMasterKey(text: string): Uint8Array {
  const trimmed = text.trim()
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return Buffer.from(trimmed, 'hex')
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return Buffer.from(trimmed, 'base64')
  throw notAKey()
}

/** The master key as it was given, or as the node keeps it in a file of its own. */
export function openMasterKey(given: string | undefined, path: string, random: Pick<Random, 'bytes'>): Uint8Array {
  return given === undefined ? readOrMakeMasterKey(path, random) : parseMasterKey(given)
}

/** The master key in a file that only its owner may read; made there at the first time, once however many ask at once. */
export function readOrMakeMasterKey(path: string, random: Pick<Random, 'bytes'>): Uint8Array {
  const known = readKeyFile(path)
  if (known !== undefined) return known
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${Buffer.from(random.bytes(keyBytes)).toString('hex')}\n`)
    fsyncSync(file)
    linkSync(draft, path)
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw ParleyError.from(cause)
  } finally {
    closeSync(file)
    unlinkSync(draft)
  }
  return readKeyFile(path)!
}

function readKeyFile(path: string): Uint8Array | undefined {
  try {
    return parseMasterKey(readFileSync(path, 'utf8'))
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw ParleyError.from(cause)
  }
}

function hasCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code
}

function notAKey(): ParleyError {
  const message =
    'the master key is not 32 bytes in hexadecimal or base64; make one with `openssl rand -hex 32` if there is none yet'
  return new ParleyError('config_invalid', message)
}

function unreadable(sealed: string, keyId: string): ParleyError {
  const other = /^v1\.([0-9a-f]{8})\./.exec(sealed)?.[1]
  if (other !== undefined && other !== keyId) {
    const message = `a secret is sealed by master key ${other} and this one is ${keyId}; start with that one`
    return new ParleyError('secret_unreadable', message)
  }
  return new ParleyError('secret_unreadable', 'a sealed secret was changed; enter it anew')
}
