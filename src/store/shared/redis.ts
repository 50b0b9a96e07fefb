import type { Shared } from '../../core/index.ts'
import { ParleyError } from '../../core/index.ts'
import type { CacheLimits } from './bounded-cache.ts'
import { createMemoryShared, defaultCacheLimits } from './memory.ts'
import { createRedisCache } from './redis-cache.ts'
import { createRedisCooldowns, createRedisCounters } from './redis-counters.ts'
import { createRedisLeases } from './redis-leases.ts'
import { RedisLink, type RedisLinkOptions } from './redis-link.ts'
import { createRedisMessages, messageChannel } from './redis-messages.ts'

export interface RedisSharedOptions extends RedisLinkOptions {
  /** Stands before every key, so that several services can use one Redis; `parley:` when missing. */
  readonly prefix?: string
  readonly cache?: Partial<CacheLimits>
  /** After so long what a dead node held is free; 30 s when missing. */
  readonly leaseMs?: number
}

const defaultPrefix = 'parley:'
const defaultLeaseMs = 30_000

/** Nodes that share through Redis. It is asked for a moment at most: without it each goes by what it knows itself. */
export function createRedisShared(options: RedisSharedOptions): Shared {
  checkUrl(options.url)
  const { prefix = defaultPrefix, random, leaseMs = defaultLeaseMs } = options
  const limits = { ...defaultCacheLimits, ...options.cache }
  const memory = createMemoryShared(options)
  const messages = createRedisMessages({ prefix, random }, () => link)
  const onJoined = () => {
    leases.renew()
    void cache.catchUp()
    messages.joined()
  }
  const link = new RedisLink({ ...options, channel: messageChannel(prefix), onMessage: messages.hear, onJoined })
  const parts = { link, memory, prefix, random }
  const leases = createRedisLeases(parts, leaseMs)
  const cache = createRedisCache(parts, limits)
  return {
    name: 'redis',
    start: () => link.start(),
    stop: async () => {
      leases.stop()
      await link.stop()
      await memory.stop()
    },
    counters: createRedisCounters(parts),
    leases,
    cache,
    cooldowns: createRedisCooldowns(parts),
    messages,
    reach: () => link.reach,
  }
}

function checkUrl(url: string): void {
  const protocol = URL.parse(url)?.protocol
  if (protocol === 'redis:' || protocol === 'rediss:') return
  throw new ParleyError('config_invalid', 'the address of Redis is no redis:// or rediss:// URL; correct it')
}
