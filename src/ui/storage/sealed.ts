/** Secrets under a passphrase: AES-GCM with a key of PBKDF2-SHA-256. All texts are base64. */
export interface Sealed {
  readonly rounds: number
  readonly salt: string
  readonly iv: string
  readonly data: string
}

export const usualRounds = 600_000
/** What somebody else's file may ask this machine to do. */
const roundsMost = 5_000_000
const saltBytes = 16
const ivBytes = 12

/** A key no script can read out. */
export async function keyOf(
  passphrase: string,
  salt: Uint8Array<ArrayBuffer>,
  count = usualRounds,
): Promise<CryptoKey> {
  const given = new TextEncoder().encode(passphrase.normalize('NFKC'))
  const base = await crypto.subtle.importKey('raw', given, 'PBKDF2', false, ['deriveKey'])
  return crypto.subtle.deriveKey(
    { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: count },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  )
}

export function newSalt(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(saltBytes))
}

export async function sealWith(
  key: CryptoKey,
  salt: Uint8Array<ArrayBuffer>,
  value: unknown,
  rounds = usualRounds,
): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes))
  const data = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv },
    key,
    new TextEncoder().encode(JSON.stringify(value)),
  )
  return { rounds, salt: base64(salt), iv: base64(iv), data: base64(new Uint8Array(data)) }
}

export async function seal(passphrase: string, value: unknown): Promise<Sealed> {
  const salt = newSalt()
  return sealWith(await keyOf(passphrase, salt), salt, value)
}

/** The key with what it opened; undefined for a wrong passphrase or a torn text. */
export async function unseal(
  passphrase: string,
  { rounds: count, salt, iv, data }: Sealed,
): Promise<{ readonly key: CryptoKey; readonly value: unknown } | undefined> {
  try {
    const key = await keyOf(passphrase, bytesOf(salt), count)
    const value = await openWith(key, { iv, data })
    return value === undefined ? undefined : { key, value }
  } catch {
    return undefined
  }
}

/** Undefined where another key has sealed it. */
export async function openWith(key: CryptoKey, { iv, data }: Pick<Sealed, 'iv' | 'data'>): Promise<unknown> {
  try {
    const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: bytesOf(iv) }, key, bytesOf(data))
    return JSON.parse(new TextDecoder().decode(plain))
  } catch {
    return undefined
  }
}

export function isSealed(value: unknown): value is Sealed {
  if (typeof value !== 'object' || value === null) return false
  const { rounds: count, salt, iv, data } = value as Record<string, unknown>
  const isCount = typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= roundsMost
  return isCount && [salt, iv, data].every(part => typeof part === 'string')
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
}
