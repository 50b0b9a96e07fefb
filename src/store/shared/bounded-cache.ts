import type { CacheEntryOptions, Clock } from '../../core/index.ts'

export interface CacheLimits {
  readonly maxEntryBytes: number
  readonly maxBytes: number
}

/** Beside its bytes, an entry takes about as much as this. */
const entryOverheadBytes = 512

interface Entry {
  readonly value: Uint8Array
  readonly tags: readonly string[]
  readonly expiresAt: number
  readonly sizeBytes: number
}

/** Entries in memory: the one unused for longest goes when the bytes run out. */
export class BoundedCache {
  readonly #clock: Clock
  readonly #limits: CacheLimits
  readonly #entries = new Map<string, Entry>()
  readonly #byTag = new Map<string, Set<string>>()
  #bytes = 0

  constructor(clock: Clock, limits: CacheLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Uint8Array | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresAt <= this.#clock.monotonic()) {
      this.#drop(key)
      return undefined
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: Uint8Array, { ttlMs, tags }: CacheEntryOptions): boolean {
    this.#drop(key)
    const { maxBytes, maxEntryBytes } = this.#limits
    const sizeBytes = value.length + 2 * key.length + entryOverheadBytes
    if (value.length > maxEntryBytes || sizeBytes > maxBytes || ttlMs <= 0) return false
    while (this.#bytes + sizeBytes > maxBytes) this.#drop(this.#entries.keys().next().value as string)
    this.#entries.set(key, { value, tags, sizeBytes, expiresAt: this.#clock.monotonic() + ttlMs })
    this.#bytes += sizeBytes
    for (const tag of tags) this.#tagged(tag).add(key)
    return true
  }

  purge(tag: string): void {
    for (const key of this.#byTag.get(tag) ?? []) this.#drop(key)
  }

  clear(): void {
    this.#entries.clear()
    this.#byTag.clear()
    this.#bytes = 0
  }

  #tagged(tag: string): Set<string> {
    const keys = this.#byTag.get(tag) ?? new Set<string>()
    this.#byTag.set(tag, keys)
    return keys
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.sizeBytes
    for (const tag of entry.tags) {
      const keys = this.#byTag.get(tag)
      keys?.delete(key)
      if (keys?.size === 0) this.#byTag.delete(tag)
    }
  }
}
