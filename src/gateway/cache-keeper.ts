import { setImmediate as turn } from 'node:timers/promises'
import type { Call, Clock, Context, Outcome, Random, Route, SharedCache } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'
import { type CacheEntry, decodeEntry, encodeEntry } from './cache-entry.ts'
import { Gathering, GatheringRoom } from './cache-gathering.ts'
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

/** An answer that is being told, and may be kept. */
export interface Told {
  readonly went: (route: Route) => void
  /** To be called with each chunk before it goes on. */
  readonly saw: (chunk: Chunk) => void
  readonly ended: (outcome: Outcome) => void
  /** To be called when the call is over: what has not ended well is forgotten. */
  readonly left: () => void
}

/** How long a call waits for an equal one that has its whole answer and is about to keep it. */
const settleWaitMs = 100

/** Reads answers, and gathers those that are to be kept. None of it fails a call. */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #room: GatheringRoom
  /** By key of the call; resolved when its answer can be read, or there will be none. */
  readonly #gathering = new Map<string, PromiseWithResolvers<void>>()
  /** Those of them whose callers have the whole answer. */
  readonly #settling = new Set<string>()

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#room = new GatheringRoom(options.maxGatheredBytes)
  }

  /** The answer to a call with this key, if there is one that is not older. */
  async find(key: string, maxAgeMs = Number.POSITIVE_INFINITY): Promise<CacheEntry | undefined> {
    const { cache, clock } = this.#options
    try {
      // Also who wants none of them: what it gets itself is to be kept after it.
      if (this.#settling.has(key)) await settled(this.#gathering.get(key)?.promise)
      if (maxAgeMs <= 0) return undefined
      const stored = await cache.get(key)
      const entry = stored === undefined ? undefined : decodeEntry(stored, key)
      return entry !== undefined && clock.now() - entry.head.keptAt <= maxAgeMs ? entry : undefined
    } catch {
      return undefined
    }
  }

  /** Undefined where an answer to the same call is being gathered already. */
  gather(key: string, call: Call, context: Context): Told | undefined {
    if (this.#gathering.has(key)) return undefined
    const gathering = new Gathering(this.#room, this.#options.maxEntryBytes)
    this.#gathering.set(key, Promise.withResolvers())
    let isPut = false
    const over = () => this.#over(key, gathering)
    return {
      went: route => gathering.went(route),
      saw: chunk => {
        if (gathering.add(chunk)) this.#settling.add(key)
      },
      ended: outcome => {
        const chunks = gathering.whole(outcome)
        if (chunks === undefined) return
        isPut = true
        this.#settling.add(key)
        void this.#put(key, tagsOf(call, context), chunks, outcome).catch(mayFail).then(over)
      },
      left: () => {
        if (!isPut) over()
      },
    }
  }

  async #put(key: string, tags: readonly string[], chunks: readonly Chunk[], outcome: Outcome): Promise<void> {
    const { cache, clock, random, ttlMs, maxEntryBytes } = this.#options
    const keptAt = clock.now()
    // The caller has what it waited for first.
    await turn()
    const entry = encodeEntry({ key, keptAt, chunks, outcome, uuid: hexOf(random) })
    if (entry.length <= maxEntryBytes) await cache.set(key, entry, { ttlMs, tags })
  }

  #over(key: string, gathering: Gathering): void {
    gathering.drop()
    this.#gathering.get(key)?.resolve()
    this.#gathering.delete(key)
    this.#settling.delete(key)
  }
}

function tagsOf({ body: { model } }: Call, { principal }: Context): string[] {
  return [cacheTags.all, cacheTags.caller(principal), cacheTags.model(model)]
}

/** Bounded: whoever waits can still ask for itself. */
async function settled(promise: Promise<void> | undefined): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, settleWaitMs)
  await Promise.race([promise, late.promise])
  clearTimeout(timer)
}

/** The caller has its answer, and whoever asks next gets one from a model. */
function mayFail(): void {}

/** 32 digits that are nowhere else. */
export function hexOf(random: Random): string {
  return random.uuid().replaceAll('-', '')
}
