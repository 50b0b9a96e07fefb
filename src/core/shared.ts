import type { Service } from './lifecycle.ts'

/**
 * What the nodes of one operator have in common: how much was asked, what runs, answers worth keeping, and a word to each
 * other. A node that is alone keeps it in its memory. Its being away fails no request: each node then goes by what it
 * knows itself, until the others are back.
 */
export interface Shared extends Service {
  readonly counters: Counters
  readonly leases: Leases
  readonly cache: SharedCache
  readonly cooldowns: Cooldowns
  readonly messages: Messages
  readonly reach: () => SharedReach
}

/** `alone`: there are no others; `joined`: the others are heard; `cut_off`: there are others, and they are not heard. */
export type SharedReach = 'alone' | 'joined' | 'cut_off'

/** Sliding windows: no stretch of `windowMs` ever holds more than `limit`. */
export interface Counters {
  /** Takes from all of them or from none. */
  take: (takes: readonly Take[]) => Promise<Taken>
  /** Corrects what was taken once it is known; what has left its window by then changes nothing. */
  settle: (take: Take, at: number, cost: number) => Promise<void>
}

export interface Take {
  readonly key: string
  /** Whole, at least 0. */
  readonly cost: number
  readonly limit: number
  readonly windowMs: number
}

export interface Taken {
  readonly ok: boolean
  /** When it was taken, by the clock that all share (Unix milliseconds); for `settle`. */
  readonly at: number
  /** After this take, in the order asked. */
  readonly windows: readonly WindowState[]
  /** How long to wait until all of it would fit; 0 when it was taken. */
  readonly retryMs: number
}

export interface WindowState {
  readonly limit: number
  readonly remaining: number
  /** Until nothing of what is counted now counts any more. */
  readonly resetMs: number
}

/** How many run at once. What a node that died held is free again after a while. */
export interface Leases {
  /** Undefined when `limit` run already. A lease lasts until it is released. */
  acquire: (key: string, limit: number) => Promise<Lease | undefined>
}

export interface Lease {
  /** More than once is once. */
  release: () => void
}

/** Entries that may be gone at any time. */
export interface SharedCache {
  get: (key: string) => Promise<Uint8Array | undefined>
  /** False when it is larger than an entry may be, or could not be kept. */
  set: (key: string, value: Uint8Array, options: CacheEntryOptions) => Promise<boolean>
  /** Forgets every entry with this tag, whoever stored it. */
  purge: (tag: string) => Promise<void>
}

export interface CacheEntryOptions {
  readonly ttlMs: number
  readonly tags: readonly string[]
}

/** Who is not to be asked for a while, because one node found out. */
export interface Cooldowns {
  set: (name: string, ms: number) => Promise<void>
  /** Milliseconds left, in the order asked; 0 for one that may be asked. */
  left: (names: readonly string[]) => Promise<readonly number[]>
}

/** A word to every node, this one included. Nothing is kept for who is away. */
export interface Messages {
  publish: (channel: string, text: string) => void
  /** Returns the function that ends it. */
  subscribe: (channel: string, listener: MessageListener) => () => void
}

/** Undefined instead of a text: others were not heard for a while, and what they said is lost. */
export type MessageListener = (text: string | undefined) => void
