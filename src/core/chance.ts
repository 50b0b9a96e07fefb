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

const timeDigits = 12

/** A UUID of version 7: those of one node sort by the time they were made at (Unix milliseconds). */
export function uuid7(atMs: number, { uuid }: Pick<Random, 'uuid'>): string {
  const time = atMs.toString(16).padStart(timeDigits, '0')
  const chance = uuid()
  return `${time.slice(0, 8)}-${time.slice(8)}-7${chance.slice(15)}`
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

export const systemRandom: Random = {
  bytes: length => randomBytes(length),
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
}
