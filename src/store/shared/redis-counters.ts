import type { Cooldowns, Counters, Take } from '../../core/index.ts'
import { evaluate } from './redis-link.ts'
import type { RedisParts } from './redis-parts.ts'
import { cooldownsScript, settleScript, takeScript } from './redis-scripts.ts'
import { sliceMs } from './windows.ts'

/** What is taken is counted here too, so that a limit that was used up stays so when Redis goes away. */
export function createRedisCounters({ link, memory, prefix }: RedisParts): Counters {
  const keyOf = ({ key }: Take) => `${prefix}count:${key}`
  return {
    take: async takes => {
      const reply = await evaluate<number[]>(link, takeScript, takes.map(keyOf), takes.flatMap(numbersOf))
      if (reply === undefined) return await memory.counters.take(takes)
      const [ok = 0, at = 0, retryMs = 0, ...states] = reply
      if (ok === 1) await memory.counters.take(takes.map(take => ({ ...take, limit: Number.MAX_SAFE_INTEGER })))
      const windows = takes.map(({ limit }, index) => ({
        limit,
        remaining: Math.max(0, limit - (states[2 * index] ?? 0)),
        resetMs: states[2 * index + 1] ?? 0,
      }))
      return { ok: ok === 1, at, retryMs, windows }
    },
    settle: async (take, at, cost) => {
      await memory.counters.settle(take, at, cost)
      const slice = Math.floor(at / sliceMs(take.windowMs))
      await evaluate(link, settleScript, [keyOf(take)], [String(slice), String(cost - take.cost)])
    },
  }
}

function numbersOf({ cost, limit, windowMs }: Take): string[] {
  return [String(cost), String(limit), String(windowMs)]
}

export function createRedisCooldowns({ link, memory, prefix }: RedisParts): Cooldowns {
  const keyOf = (name: string) => `${prefix}cooldown:${name}`
  return {
    set: async (name, ms) => {
      await memory.cooldowns.set(name, ms)
      await link.ask(['SET', keyOf(name), '1', 'PX', String(Math.max(1, Math.ceil(ms)))])
    },
    left: async names => {
      const left = await evaluate<number[]>(link, cooldownsScript, names.map(keyOf), [])
      return left ?? (await memory.cooldowns.left(names))
    },
  }
}
