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

/** A UUID of version 7: those of one node sort by the time they were made at (Unix milliseconds). */
export function uuid7(atMs: number, random: Pick<Random, 'bytes'>): string {
  const bytes = Buffer.from(random.bytes(16))
  bytes.writeUIntBE(atMs, 0, 6)
  bytes[6] = 0x70 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

export const systemRandom: Random = {
  bytes: length => randomBytes(length),
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
}
