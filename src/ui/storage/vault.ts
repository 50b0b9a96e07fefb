import { create } from 'zustand'
import { bytesOf, isSealed, keyOf, newSalt, openWith, type Sealed, sealWith, unseal, usualRounds } from './sealed.ts'

/** What a connection must not show to anybody: its key, and headers that may hold others. */
export interface Secret {
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
}

type Secrets = Readonly<Record<string, Secret>>

interface Vault {
  /** `none`: nothing is kept in this browser. */
  readonly state: 'none' | 'locked' | 'open'
  /** By connection. What is kept and what lives until the tab closes, once it is open. */
  readonly kept: Secrets
  readonly fleeting: Secrets
}

const place = 'parley.vault'
const minutesPlace = 'parley.vault.minutes'
const usualMinutes = 30

export const useVault = create<Vault>(() => ({
  state: read() === undefined ? 'none' : 'locked',
  kept: {},
  fleeting: {},
}))

/** The key of what is kept; no script can read it out, and it is gone with the lock or the tab. */
let open: { readonly key: CryptoKey; readonly salt: Uint8Array<ArrayBuffer>; readonly rounds: number } | undefined
let timer: ReturnType<typeof setTimeout> | undefined

function read(): Sealed | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(place) ?? 'null')
    return isSealed(kept) ? kept : undefined
  } catch {
    return undefined
  }
}

/** Begins to keep secrets under a new passphrase. */
export async function createVault(passphrase: string): Promise<void> {
  const salt = newSalt()
  open = { key: await keyOf(passphrase, salt), salt, rounds: usualRounds }
  useVault.setState({ state: 'open', kept: {} })
  try {
    await write()
  } catch (cause) {
    forgetVault()
    throw cause
  }
  used()
}

/** Whether the passphrase was right. */
export async function unlock(passphrase: string): Promise<boolean> {
  const sealed = read()
  const opened = sealed === undefined ? undefined : await unseal(passphrase, sealed)
  if (sealed === undefined || opened === undefined) return false
  open = { key: opened.key, salt: bytesOf(sealed.salt), rounds: sealed.rounds }
  useVault.setState({ state: 'open', kept: secretsOf(opened.value) })
  used()
  return true
}

/** Takes what is kept out of memory. */
export function lock(): void {
  clearTimeout(timer)
  if (useVault.getState().state !== 'open') return
  open = undefined
  useVault.setState({ state: 'locked', kept: {} })
}

/** Deletes what is kept, for who has lost the passphrase. */
export function forgetVault(): void {
  clearTimeout(timer)
  open = undefined
  useVault.setState({ state: 'none', kept: {} })
  try {
    localStorage.removeItem(place)
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}

/** Undefined takes it away. */
export async function keepSecret(id: string, secret: Secret | undefined): Promise<void> {
  if (open === undefined) throw new DOMException('locked', 'InvalidStateError')
  useVault.setState(({ kept }) => ({ kept: withSecret(kept, id, secret) }))
  await write()
  used()
}

/** Out of memory, before what it belongs to moves elsewhere; what is kept is written with the next change. */
export function dropSecret(id: string): void {
  useVault.setState(({ kept, fleeting }) => ({
    kept: withSecret(kept, id, undefined),
    fleeting: withSecret(fleeting, id, undefined),
  }))
}

/** Until the tab closes. */
export function holdSecret(id: string, secret: Secret | undefined): void {
  useVault.setState(({ fleeting }) => ({ fleeting: withSecret(fleeting, id, secret) }))
}

interface Owner {
  readonly id: string
  /** Where its secret is: what lies elsewhere under its name is of another time, and maybe for another address. */
  readonly kept: 'none' | 'memory' | 'vault'
}

export function secretOf({ id, kept: where }: Owner, { kept, fleeting } = useVault.getState()): Secret | undefined {
  if (where === 'none') return undefined
  return where === 'vault' ? kept[id] : fleeting[id]
}

function withSecret(secrets: Secrets, id: string, secret: Secret | undefined): Secrets {
  const { [id]: _, ...others } = secrets
  return secret === undefined ? others : { ...others, [id]: secret }
}

async function write(): Promise<void> {
  if (open === undefined) return
  const sealed = await sealWith(open.key, open.salt, useVault.getState().kept, open.rounds)
  localStorage.setItem(place, JSON.stringify(sealed))
}

/** What was opened may have been written by an older version, or come from a file. */
export function secretsOf(value: unknown): Secrets {
  if (typeof value !== 'object' || value === null) return {}
  const entries = Object.entries(value).flatMap(([id, secret]: [string, unknown]) => {
    const { key, headers } = (secret ?? {}) as Record<string, unknown>
    if (typeof key !== 'string' || typeof headers !== 'object' || headers === null) return []
    const texts = Object.entries(headers).filter((pair): pair is [string, string] => typeof pair[1] === 'string')
    return [[id, { key, headers: Object.fromEntries(texts) }] as const]
  })
  return Object.fromEntries(entries)
}

/** 0 is never. */
export function lockMinutes(): number {
  try {
    const kept = Number(localStorage.getItem(minutesPlace) ?? usualMinutes)
    return Number.isFinite(kept) && kept >= 0 ? kept : usualMinutes
  } catch {
    return usualMinutes
  }
}

export function setLockMinutes(minutes: number): void {
  try {
    localStorage.setItem(minutesPlace, String(minutes))
  } catch {
    // It is as usual when the page is opened again.
  }
  used()
}

/** Counts from anew until the lock. */
export function used(): void {
  clearTimeout(timer)
  const minutes = lockMinutes()
  if (minutes > 0 && open !== undefined) timer = setTimeout(lock, minutes * 60_000)
}

/** What another tab has written is what is kept; else the next one to write would undo it. */
async function follow(): Promise<void> {
  const sealed = read()
  if (sealed === undefined) return forgetVault()
  if (open === undefined) return useVault.setState({ state: 'locked', kept: {} })
  const value = await openWith(open.key, sealed)
  if (value === undefined) lock()
  else useVault.setState({ kept: secretsOf(value) })
}

addEventListener('storage', ({ key }) => {
  if (key === place || key === null) void follow()
})
