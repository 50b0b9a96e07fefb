import type { SharedCache } from '../../core/index.ts'
import type { CacheLimits } from './bounded-cache.ts'
import { evaluate } from './redis-link.ts'
import type { RedisParts } from './redis-parts.ts'
import { readScript, writeScript } from './redis-scripts.ts'

/** Longer than any entry lives: a purge is forgotten only when nothing is left that it was about. */
const purgeMs = 8 * 86_400_000
const longestEntryMs = 7 * 86_400_000
/** Every entry has this tag. */
const everything = '*'
const purgesMax = 1_000
/** Bulk strings as bytes, in the words of the package `redis`. */
const asBytes = { typeMapping: { 36: Buffer } }

export interface RedisCache extends SharedCache {
  /** Says what was purged while Redis was away. */
  readonly catchUp: () => Promise<void>
}

/** Entries in Redis; while it is away, this node's own. How much room there is in all is Redis' `maxmemory`. */
export function createRedisCache({ link, memory, prefix, random }: RedisParts, limits: CacheLimits): RedisCache {
  const keyOf = (key: string) => `${prefix}cache:${key}`
  const tags = `${prefix}tag:`
  const unsaid = new Set<string>()
  const purge = async (tag: string) => {
    const isSaid = await link.ask(['SET', tags + tag, random.uuid(), 'PX', String(purgeMs)])
    if (isSaid !== undefined) return
    unsaid.add(unsaid.size < purgesMax ? tag : everything)
  }
  return {
    get: async key => {
      if (link.reach === 'cut_off') return await memory.cache.get(key)
      return (await evaluate<Buffer | null>(link, readScript, [keyOf(key)], [tags], asBytes)) ?? undefined
    },
    set: async (key, value, entry) => {
      if (value.length > limits.maxEntryBytes || entry.ttlMs <= 0) return false
      if (link.reach === 'cut_off') return await memory.cache.set(key, value, entry)
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      const ttl = String(Math.ceil(Math.min(longestEntryMs, entry.ttlMs)))
      const marks = JSON.stringify([everything, ...entry.tags])
      return (await evaluate(link, writeScript, [keyOf(key)], [tags, bytes, ttl, marks])) === 1
    },
    purge: async tag => {
      await memory.cache.purge(tag)
      await purge(tag)
    },
    catchUp: async () => {
      const late = [...unsaid]
      unsaid.clear()
      await Promise.all(late.map(purge))
    },
  }
}
