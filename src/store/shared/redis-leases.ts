import type { Lease, Leases } from '../../core/index.ts'
import { once } from './memory.ts'
import { evaluate } from './redis-link.ts'
import type { RedisParts } from './redis-parts.ts'
import { acquireScript, renewScript } from './redis-scripts.ts'

const renewBatch = 500

export interface RedisLeases extends Leases {
  /** Says again what is held, to a Redis that may have forgotten it. */
  readonly renew: () => void
  readonly stop: () => void
}

/** What is held is renewed three times in the time it lasts; while Redis is away the node counts its own. */
export function createRedisLeases({ link, memory, prefix, random }: RedisParts, leaseMs: number): RedisLeases {
  const held = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined
  const renew = () => {
    const all = [...held]
    if (all.length === 0) stop()
    for (let at = 0; at < all.length; at += renewBatch) {
      const some = all.slice(at, at + renewBatch)
      const keys = some.map(([, key]) => key)
      void evaluate(link, renewScript, keys, [String(leaseMs), ...some.map(([id]) => id)])
    }
  }
  const stop = () => {
    clearInterval(timer)
    timer = undefined
  }
  const hold = (id: string, key: string, own: Lease): Lease => {
    held.set(id, key)
    timer ??= setInterval(renew, leaseMs / 3).unref()
    return once(() => {
      own.release()
      held.delete(id)
      void link.ask(['ZREM', key, id])
    })
  }
  return {
    renew,
    stop,
    acquire: async (name, limit) => {
      const own = await memory.leases.acquire(name, limit)
      if (own === undefined) return undefined
      const key = `${prefix}lease:${name}`
      const id = random.uuid()
      const had = await evaluate<number>(link, acquireScript, [key], [id, String(limit), String(leaseMs)])
      if (had !== 0) return hold(id, key, own)
      own.release()
      return undefined
    },
  }
}
