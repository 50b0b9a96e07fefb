import type { Clock } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

export interface HelloRateOptions {
  readonly clock: Clock
  /** Hellos a peer may say at once. */
  readonly burst: number
  /** Milliseconds after which it may say one more. */
  readonly everyMs: number
}

interface Bucket {
  hellos: number
  filledAt: number
}

const peersMax = 10_000

/** A hello costs a signature check and reads of the chain, and proves nothing before: each peer may say only so many. */
export class HelloRate {
  readonly #options: HelloRateOptions
  /** Least recently heard first. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: HelloRateOptions) {
    this.#options = options
  }

  /** Counts a hello. Throws `rate_limited`. */
  take(peerId: string): void {
    const { clock, burst, everyMs } = this.#options
    const now = clock.monotonic()
    const known = this.#buckets.get(peerId) ?? { hellos: burst, filledAt: now }
    const hellos = Math.min(burst, known.hellos + (now - known.filledAt) / everyMs)
    const isAllowed = hellos >= 1
    this.#buckets.delete(peerId)
    this.#buckets.set(peerId, { hellos: isAllowed ? hellos - 1 : hellos, filledAt: now })
    if (this.#buckets.size > peersMax) this.#buckets.delete(this.#buckets.keys().next().value!)
    if (isAllowed) return
    throw new ParleyError('rate_limited', 'this peer opens sessions too often; keep the one that is open', {
      retryAfterSeconds: Math.max(1, Math.ceil(((1 - hellos) * everyMs) / 1_000)),
    })
  }
}
