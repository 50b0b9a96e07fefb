import { randomBytes, randomUUID } from 'node:crypto'

/** Time is given, so that a test can hold it. */
export interface Clock {
  /** Unix milliseconds. */
  now: () => number
  /** Milliseconds that never jump; for durations. */
  monotonic: () => number
}

/** Chance is given, so that a test can repeat it. */
export interface Random {
  bytes: (length: number) => Uint8Array
  uuid: () => string
  /** In [0, 1). */
  fraction: () => number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

export const systemRandom: Random = {
  bytes: length => randomBytes(length),
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
}
