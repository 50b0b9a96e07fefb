import type {
  Backend,
  CacheUse,
  Call,
  Clock,
  Context,
  Filter,
  Principal,
  Random,
  Reply,
  Route,
  SharedCache,
} from '../core/index.ts'
import { filter } from '../core/index.ts'
import { hexOf, Keeper } from './cache-keeper.ts'
import { cacheKey, isKept } from './cache-key.ts'
import { createReplay, replayed } from './cache-replay.ts'

export interface CachedOptions {
  readonly cache: SharedCache
  readonly clock: Clock
  readonly random: Random
  /** Whose answers a caller may get, as `cachePool` names it; undefined for one without a cache. */
  readonly poolOf: (principal: Principal) => Promise<string | undefined> | string | undefined
  readonly ttlMs: number
  /** Whether answers are kept that a model would say otherwise the next time; true when missing. */
  readonly nonDeterministic?: boolean
  /** Longer answers are not kept; 1 MiB when missing. */
  readonly maxEntryBytes?: number
  /** Of all answers together that are gathered at one time; 64 MiB when missing. */
  readonly maxGatheredBytes?: number
  /**
   * What decides beside the request who answers it: what its model's name stands for, the rules for its caller. Where it
   * has changed, an answer is not given again. Goes into JSON.
   */
  readonly groundOf?: (call: Call, principal: Principal) => unknown
}

const defaultEntryBytes = 1024 * 1024
const defaultGatheredBytes = 64 * 1024 * 1024

/**
 * Answers a call as an equal one of the same pool was answered, as long as that is kept. Only whole, good answers are kept,
 * once their caller has them. A cache that is away costs a moment and nothing else.
 */
export function cached(options: CachedOptions): Filter {
  const { maxEntryBytes = defaultEntryBytes, maxGatheredBytes = defaultGatheredBytes, random } = options
  const keeper = new Keeper({ ...options, maxEntryBytes, maxGatheredBytes })
  return filter(async function* (inner, call, context) {
    const key = await keyOf(options, call, context)
    if (key === undefined) {
      tell(context, 'off')
      return yield* inner.run(call, context)
    }
    const entry = await keeper.find(key, context.cacheControl?.maxAgeMs)
    const { takesRuns = false } = context
    const replay = entry && createReplay(entry, { uuid: hexOf(random), model: call.body.model, takesRuns })
    tell(context, replay === undefined ? 'miss' : 'hit')
    if (replay !== undefined) return yield* replayed(replay, context)
    return yield* gathered(keeper, key, inner, call, context)
  })
}

/** Undefined for a call that has nothing to do with the cache. Whose it is may be unknown while the store is away. */
async function keyOf(options: CachedOptions, call: Call, context: Context): Promise<string | undefined> {
  const { poolOf, nonDeterministic = true, groundOf } = options
  const { principal, cacheControl } = context
  if (cacheControl?.isNoStore === true || !isKept(call, nonDeterministic)) return undefined
  try {
    const pool = await poolOf(principal)
    return pool === undefined ? undefined : cacheKey(call, context, pool, groundOf?.(call, principal))
  } catch {
    return undefined
  }
}

function tell({ record, onCache }: Context, use: CacheUse): void {
  if (record !== undefined) record.cache = use
  onCache?.(use)
}

async function* gathered(keeper: Keeper, key: string, inner: Backend, call: Call, context: Context): Reply {
  const told = keeper.gather(key, call, context)
  if (told === undefined) return yield* inner.run(call, context)
  const onRoute = (route: Route) => {
    told.went(route)
    context.onRoute?.(route)
  }
  const reply = inner.run(call, { ...context, onRoute })
  try {
    for (;;) {
      const step = await reply.next()
      if (step.done === true) {
        told.ended(step.value)
        return step.value
      }
      told.saw(step.value)
      yield step.value
    }
  } finally {
    told.left()
    await reply.return(undefined as never)
  }
}
