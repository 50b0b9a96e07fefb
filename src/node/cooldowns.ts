import type { Service, Shared } from '../core/index.ts'
import type { Ranking } from '../gateway/index.ts'

export interface CooldownsOptions {
  readonly shared: Pick<Shared, 'cooldowns' | 'messages' | 'reach'>
  readonly ranking: Pick<Ranking, 'rest'>
  /** Those that are the same for every node: what a machine or a purse of its own cannot do says nothing of the others’. */
  readonly names: () => readonly string[]
}

/** What one node finds out of an upstream holds for all: no other has to run into it. */
export interface SharedCooldowns extends Service {
  /** It failed here and rests for so long. */
  readonly tell: (name: string, ms: number) => void
}

const channel = 'cooldown'
const namesMax = 1_000
/** No node lets an upstream rest for longer, whatever a message says. */
const restMaxMs = 300_000

export function createCooldowns({ shared, ranking, names }: CooldownsOptions): SharedCooldowns {
  const { cooldowns, messages } = shared
  let leave = () => {}
  const rest = (name: string, ms: number) => {
    if (ms > 0 && names().includes(name)) ranking.rest(name, Math.min(restMaxMs, ms))
  }
  const catchUp = async () => {
    const asked = names().slice(0, namesMax)
    if (asked.length === 0) return
    const left = await cooldowns.left(asked)
    for (const [index, name] of asked.entries()) rest(name, left[index] ?? 0)
  }
  return {
    name: 'cooldowns',
    start: async () => {
      if (shared.reach() === 'alone') return
      leave = messages.subscribe(channel, text => {
        if (text === undefined) return void catchUp()
        const { name, ms } = JSON.parse(text) as { name: string; ms: number }
        rest(name, ms)
      })
      await catchUp()
    },
    stop: async () => leave(),
    tell: (name, ms) => {
      if (shared.reach() === 'alone' || !names().includes(name)) return
      void cooldowns.set(name, ms)
      messages.publish(channel, JSON.stringify({ name, ms: Math.ceil(ms) }))
    },
  }
}
