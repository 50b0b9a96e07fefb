import { hash, timingSafeEqual } from 'node:crypto'
import type { ApiKeyStore, Clock, KeyRow, Principal, Service, UserRow, UserStore } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Revisions } from './revisions.ts'

/** A key that may be used now, and the user it belongs to. */
export interface Holder {
  readonly key: KeyRow
  readonly user: UserRow | undefined
}

export interface KeyRingParts {
  readonly keys: Pick<ApiKeyStore, 'find' | 'touch' | 'get'>
  readonly users: Pick<UserStore, 'get'>
  readonly revisions: Pick<Revisions, 'current'>
  readonly clock: Clock
}

/** Whose API key it is, from memory. */
export interface KeyRing extends Service {
  /**
   * Undefined for a key that is unknown, revoked, expired or whose user is disabled. A promise only where the store has to
   * be asked.
   */
  readonly verify: (secret: string) => Holder | undefined | Promise<Holder | undefined>
  /** Whose calls a principal's are; undefined for one that is no key (nor, with `withPeople`, a person), or may not call any more. */
  readonly holderOf: (principal: Principal) => Promise<Holder | undefined>
}

const heldMax = 100_000
/** What is not known is told to many who guess; they must not push out what is known. */
const unknownMax = 10_000
const secretMaxLength = 512
const lookupsMax = 1_000
/** While the store is away, those who were let in before are let in. */
const staleMaxMs = 3_600_000
const staleRetryMs = 5_000
/** However quiet the store: what was looked up once is looked up again. */
const freshMs = 300_000
/** A new key works at once also where nobody told of it. */
const unknownMs = 500
const touchEveryMs = 10_000

interface Entry {
  readonly holder: Holder | undefined
  readonly revision: number
  readonly readAt: number
  readonly validUntil: number
}

/** Verification by hash: the store is asked once for a key, and again when something in it has changed. */
export function createKeyRing(parts: KeyRingParts): KeyRing {
  const ring = new Ring(parts)
  let timer: NodeJS.Timeout | undefined
  return {
    name: 'API keys',
    start: async () => {
      timer = setInterval(() => void ring.flush().catch(() => {}), touchEveryMs).unref()
    },
    stop: async () => {
      clearInterval(timer)
      await ring.flush()
    },
    verify: secret => ring.verify(secret),
    holderOf: principal => ring.holderOf(principal),
  }
}

class Ring {
  readonly #parts: KeyRingParts
  readonly #held = new BoundedMap<string, Entry>(heldMax)
  readonly #unknown = new BoundedMap<string, Entry>(unknownMax)
  readonly #hashes = new BoundedMap<string, string>(heldMax)
  readonly #lookups = new Map<string, Promise<Entry>>()
  #usedAt = new Map<string, number>()

  constructor(parts: KeyRingParts) {
    this.#parts = parts
  }

  verify(secret: string): Holder | undefined | Promise<Holder | undefined> {
    if (secret.length > secretMaxLength) return undefined
    const digest = hash('sha256', secret, 'hex')
    const entry = this.#current(digest)
    if (entry !== undefined) return this.#usable(entry, digest)
    return this.#lookUp(digest).then(found => this.#usable(found, digest))
  }

  async holderOf({ kind, id }: Principal): Promise<Holder | undefined> {
    if (kind !== 'key') return undefined
    const digest = this.#hashes.get(id) ?? (await this.#parts.keys.get(id))?.hash
    if (digest === undefined) return undefined
    return this.#usable(this.#current(digest) ?? (await this.#lookUp(digest)), digest)
  }

  /** Nothing is lost when it fails: the times go with the next one. */
  async flush(): Promise<void> {
    const used = this.#usedAt
    if (used.size === 0) return
    this.#usedAt = new Map()
    try {
      await this.#parts.keys.touch(used)
    } catch (cause) {
      this.#usedAt = new Map([...used, ...this.#usedAt])
      throw cause
    }
  }

  #current(digest: string): Entry | undefined {
    const entry = this.#held.get(digest) ?? this.#unknown.get(digest)
    if (entry === undefined || entry.revision !== this.#parts.revisions.current()) return undefined
    return this.#parts.clock.monotonic() < entry.validUntil ? entry : undefined
  }

  /** The map is asked by hash, which nobody can steer byte by byte; the last comparison takes constant time. */
  #usable({ holder }: Entry, digest: string): Holder | undefined {
    if (holder === undefined || !timingSafeEqual(Buffer.from(holder.key.hash), Buffer.from(digest))) return undefined
    const now = this.#parts.clock.now()
    if (!isUsable(holder, now)) return undefined
    this.#usedAt.set(holder.key.id, now)
    return holder
  }

  /** Those who come with the same key meanwhile wait for the same answer. */
  #lookUp(digest: string): Promise<Entry> {
    const running = this.#lookups.get(digest)
    if (running !== undefined) return running
    if (this.#lookups.size >= lookupsMax) {
      const message = `${lookupsMax} API keys are being looked up; try again soon`
      return Promise.reject(new ParleyError('overloaded', message, { retryAfterSeconds: 1 }))
    }
    const lookup = this.#read(digest).finally(() => this.#lookups.delete(digest))
    this.#lookups.set(digest, lookup)
    return lookup
  }

  async #read(digest: string): Promise<Entry> {
    const revision = this.#parts.revisions.current()
    const readAt = this.#parts.clock.monotonic()
    try {
      const key = await this.#parts.keys.find(digest)
      const user = key?.userId == null ? undefined : await this.#parts.users.get(key.userId)
      const validUntil = readAt + (key === undefined ? unknownMs : freshMs)
      return this.#keep(digest, { holder: key && { key, user }, revision, readAt, validUntil })
    } catch (cause) {
      const old = this.#held.get(digest)
      if (old === undefined || readAt - old.readAt > staleMaxMs) throw cause
      return this.#keep(digest, { ...old, revision, validUntil: readAt + staleRetryMs })
    }
  }

  #keep(digest: string, entry: Entry): Entry {
    if (entry.holder === undefined) {
      this.#held.delete(digest)
      this.#unknown.set(digest, entry)
      return entry
    }
    this.#unknown.delete(digest)
    this.#held.set(digest, entry)
    this.#hashes.set(entry.holder.key.id, digest)
    return entry
  }
}

/** A key of a user who is gone or disabled is worth nothing. */
function isUsable({ key, user }: Holder, now: number): boolean {
  const isOver = key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now)
  return !isOver && (key.userId === null || user?.status === 'active')
}
