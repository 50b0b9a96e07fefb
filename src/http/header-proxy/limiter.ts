/** Bounds how often each of many may ask. */
export interface Limiter {
  /** Seconds to wait before all of these may ask again; 0 when they may now, which then counts. */
  readonly take: (keys: readonly string[]) => number
}

export interface LimiterOptions {
  readonly perSecond?: number
  readonly burst?: number
  /** Those that asked longest ago are forgotten first. */
  readonly keysMax?: number
  /** Milliseconds, from any beginning. */
  readonly now?: () => number
}

interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** A token bucket for each key. */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  const { perSecond = 10, burst = 20, keysMax = 10_000, now = () => performance.now() } = options
  const buckets = new Map<string, Bucket>()
  const tokensOf = (key: string, at: number) => {
    const bucket = buckets.get(key) ?? { tokens: burst, at }
    return Math.min(burst, bucket.tokens + ((at - bucket.at) / 1_000) * perSecond)
  }
  const put = (key: string, bucket: Bucket) => {
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size <= keysMax) return
    for (const oldest of buckets.keys()) return void buckets.delete(oldest)
  }
  return {
    take: keys => {
      const at = now()
      const least = Math.min(...keys.map(key => tokensOf(key, at)))
      const isTaken = least >= 1
      for (const key of keys) put(key, { tokens: tokensOf(key, at) - (isTaken ? 1 : 0), at })
      return isTaken ? 0 : Math.max(1, Math.ceil((1 - least) / perSecond))
    },
  }
}
