import { createHash } from 'node:crypto'
import type { Config } from '../config/index.ts'
import { type Clock, type Filter, type JsonDocument, type Live, principalName, type Random } from '../core/index.ts'
import { cached, cachePool } from '../gateway/index.ts'
import type { Memory } from './memory.ts'

export interface AnswerCacheOptions {
  readonly config: Config
  readonly memory: Pick<Memory, 'shared' | 'ring'>
  readonly live: Pick<Live, 'setup'>
  readonly clock: Clock
  readonly random: Random
}

/** Keeps answers for equal calls, as the configuration and the keys of callers say. */
export function createAnswerCache({ config, memory, live, clock, random }: AnswerCacheOptions): Filter {
  const { scope, ttlSeconds, nonDeterministic, entryMaxBytes: maxEntryBytes } = config.cache
  const ground = createGround(live)
  return cached({
    ...{ cache: memory.shared.cache, clock, random, nonDeterministic, maxEntryBytes },
    ttlMs: ttlSeconds * 1_000,
    poolOf: async principal => cachePool(principal, (await memory.ring.holderOf(principal))?.key, scope),
    groundOf: (_call, principal) => ground(principalName(principal)),
  })
}

/**
 * What stands behind the names of models, the same on every node that is set up alike. Worked out once for each setup.
 * Where rules ask who calls, callers that share answers get only those of their own.
 */
function createGround({ setup }: Pick<Live, 'setup'>): (caller: string) => string {
  let known: { readonly generation: number; readonly digest: string; readonly asksWho: boolean } | undefined
  return caller => {
    const { generation, ...rest } = setup()
    if (known?.generation !== generation) {
      const digest = createHash('sha256').update(JSON.stringify(rest)).digest('base64url')
      known = { generation, digest, asksWho: rulesOf(rest.routing).some(({ when }) => when?.keys !== undefined) }
    }
    return known.asksWho ? `${known.digest} ${caller}` : known.digest
  }
}

function rulesOf({ rules }: JsonDocument): readonly { readonly when?: { readonly keys?: unknown } }[] {
  return Array.isArray(rules) ? rules : []
}
