import type { Clock, Cooldowns, Lease, Leases, Shared } from '../../core/index.ts'
import { BoundedCache, type CacheLimits } from './bounded-cache.ts'
import { Listeners } from './listeners.ts'
import { createWindows } from './windows.ts'

export interface MemorySharedOptions {
  readonly clock: Clock
  readonly cache?: Partial<CacheLimits>
}

export const defaultCacheLimits: CacheLimits = { maxEntryBytes: 1024 * 1024, maxBytes: 128 * 1024 * 1024 }

/** For a node that is alone, and for one that does not hear the others. */
export function createMemoryShared({ clock, cache = {} }: MemorySharedOptions): Shared {
  const entries = new BoundedCache(clock, { ...defaultCacheLimits, ...cache })
  const listeners = new Listeners()
  return {
    name: 'shared memory',
    start: async () => {},
    stop: async () => entries.clear(),
    counters: createWindows(clock),
    leases: createLeases(),
    cooldowns: createCooldowns(clock),
    cache: {
      get: async key => entries.get(key),
      set: async (key, value, options) => entries.set(key, value, options),
      purge: async tag => entries.purge(tag),
    },
    messages: {
      publish: (channel, text) => listeners.tell(channel, text),
      subscribe: (channel, listener) => listeners.add(channel, listener),
    },
    reach: () => 'alone',
  }
}

function createLeases(): Leases {
  const running = new Map<string, number>()
  return {
    acquire: async (key, limit) => {
      const others = running.get(key) ?? 0
      if (others >= limit) return undefined
      running.set(key, others + 1)
      return once(() => {
        const left = (running.get(key) ?? 1) - 1
        if (left === 0) running.delete(key)
        else running.set(key, left)
      })
    },
  }
}

export function once(release: () => void): Lease {
  let isHeld = true
  return {
    release: () => {
      if (isHeld) release()
      isHeld = false
    },
  }
}

const cooldownsMax = 10_000

function createCooldowns(clock: Clock): Cooldowns {
  const until = new Map<string, number>()
  return {
    set: async (name, ms) => {
      until.delete(name)
      until.set(name, clock.monotonic() + ms)
      if (until.size > cooldownsMax) until.delete(until.keys().next().value as string)
    },
    left: async names => names.map(name => Math.max(0, (until.get(name) ?? 0) - clock.monotonic())),
  }
}
