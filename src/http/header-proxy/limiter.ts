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

/** Whose address it is: who has one of IPv6 has 2^64 of them. */
export function networkOf(address: string): string {
  const [bare = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%')
  if (!bare.includes(':')) return bare
  const [head = '', tail] = bare.split('::')
  const [before, after] = [head, tail ?? ''].map(part => (part === '' ? [] : part.split(':')))
  const zeros = Array.from(
    { length: tail === undefined ? 0 : Math.max(0, 8 - before!.length - after!.length) },
    () => '0',
  )
  const groups = [...before!, ...zeros, ...after!].slice(0, 4)
  return groups.map(group => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')
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
