import { setImmediate as turn } from 'node:timers/promises'
import type { Call, Clock, Context, Outcome, Random, Route, SharedCache } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'
import { type CacheEntry, decodeEntry, encodeEntry } from './cache-entry.ts'
import { cacheTags } from './cache-key.ts'

export interface KeeperOptions {
  readonly cache: SharedCache
  readonly clock: Clock
  readonly random: Random
  readonly ttlMs: number
  /** Longer answers are not kept. */
  readonly maxEntryBytes: number
  /** Of all answers together that are gathered at one time. */
  readonly maxGatheredBytes: number
}

/** Reads answers and gathers those that are to be kept. None of it fails a call. */
export interface Keeper {
  /** The answer to a call with this key, not older than `maxAgeMs`. */
  readonly find: (key: string, maxAgeMs?: number) => Promise<CacheEntry | undefined>
  /** Undefined where an answer to the same call is being gathered already. */
  readonly gather: (key: string, call: Call, context: Context) => Gathering | undefined
}

/** One answer on its way into the cache. */
export interface Gathering {
  readonly onRoute: (route: Route) => void
  /** To be called with each chunk before it goes on. */
  readonly saw: (chunk: Chunk) => void
  readonly ended: (outcome: Outcome) => void
  /** To be called when the call is over: what has not ended well is forgotten. */
  readonly left: () => void
}

/** How long a call waits for an equal one that has its whole answer and is about to keep it. */
const settleWaitMs = 100

export function createKeeper(options: KeeperOptions): Keeper {
  const { cache, clock, random, ttlMs, maxEntryBytes, maxGatheredBytes } = options
  /** Calls whose answers are gathered; resolved when their entry can be read, or there will be none. */
  const gathering = new Map<string, PromiseWithResolvers<void>>()
  /** Those of them whose callers have the whole answer. */
  const settling = new Set<string>()
  let gatheredBytes = 0

  const put = async (key: string, { task: _task, body: { model } }: Call, { principal }: Context, kept: Kept) => {
    const { chunks, outcome } = kept
    await turn()
    const entry = encodeEntry({ key, keptAt: clock.now(), chunks, outcome, uuid: hexOf(random) })
    if (entry.length > maxEntryBytes) return
    const tags = [cacheTags.all, cacheTags.caller(principal), cacheTags.model(model)]
    await cache.set(key, entry, { ttlMs, tags })
  }
  return {
    find: async (key, maxAgeMs = Number.POSITIVE_INFINITY) => {
      if (maxAgeMs <= 0) return undefined
      try {
        if (settling.has(key)) await settled(gathering.get(key)?.promise)
        const stored = await cache.get(key)
        const entry = stored === undefined ? undefined : decodeEntry(stored, key)
        return entry === undefined || clock.now() - entry.head.keptAt > maxAgeMs ? undefined : entry
      } catch {
        return undefined
      }
    },
    gather: (key, call, context) => {
      if (gathering.has(key)) return undefined
      const settle = Promise.withResolvers<void>()
      gathering.set(key, settle)
      let chunks: Chunk[] | undefined = []
      let ownBytes = 0
      let route: Route | undefined
      let begunWith: number | undefined
      let isPut = false
      const forget = () => {
        chunks = undefined
        gatheredBytes -= ownBytes
        ownBytes = 0
      }
      const over = () => {
        forget()
        gathering.delete(key)
        settling.delete(key)
        settle.resolve()
      }
      return {
        onRoute: taken => {
          route = taken
        },
        saw: chunk => {
          if (chunks === undefined || (!chunk.isRaw && chunk.event !== undefined)) return
          begunWith ??= route?.attempts
          const { length } = chunk.bytes
          if (ownBytes + length > maxEntryBytes || gatheredBytes + length > maxGatheredBytes) return forget()
          ownBytes += length
          gatheredBytes += length
          chunks.push(chunk)
          if (chunk.meta.isLast === true) settling.add(key)
        },
        ended: outcome => {
          if (chunks === undefined || chunks.length === 0 || !isWorthKeeping(outcome, begunWith)) return
          isPut = true
          settling.add(key)
          void put(key, call, context, { chunks, outcome }).catch(mayFail).then(over)
        },
        left: () => {
          if (!isPut) over()
        },
      }
    },
  }
}

interface Kept {
  readonly chunks: readonly Chunk[]
  readonly outcome: Outcome
}

/**
 * Not what another model said in place of the one asked for, what was continued by a second one, or what a filter cut off:
 * asked again, it might be better.
 */
function isWorthKeeping({ finishReason, route }: Outcome, begunWith: number | undefined): boolean {
  if (finishReason === 'content_filter' || finishReason === 'other' || route?.isFallback === true) return false
  return begunWith === undefined || route === undefined || route.attempts === begunWith
}

/** Bounded: whoever waits can still ask for itself. */
async function settled(promise: Promise<void> | undefined): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, settleWaitMs)
  await Promise.race([promise, late.promise])
  clearTimeout(timer)
}

/** The caller has its answer, and whoever asks next gets it from a model. */
function mayFail(): void {}

export function hexOf(random: Random): string {
  return random.uuid().replaceAll('-', '')
}
