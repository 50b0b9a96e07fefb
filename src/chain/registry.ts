import { type EventLog, ParleyError, type ProviderDirectory, type Service, sleep, within } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { loadSnapshot, saveSnapshot } from './registry-cache.ts'
import { followRegistry, readRegistry } from './registry-follow.ts'
import { RegistryState } from './registry-state.ts'
import { createTurns } from './turns.ts'

export interface ProviderDirectoryOptions {
  readonly chain: Chain
  readonly log: EventLog
  /** Where the registry is kept between runs. */
  readonly cachePath: string
  /** Between two looks for events. */
  readonly pollMs?: number
  /** Between two readings of everything. */
  readonly rereadMs?: number
  readonly providersMax?: number
  /** How long a start without a cache waits for the first reading. */
  readonly firstReadMs?: number
}

/**
 * The registry in memory, followed in the background. Starts from the disk, so a node starts without its chain; while
 * the chain cannot be read it goes on with what it knows, and says so.
 */
export function createProviderDirectory(options: ProviderDirectoryOptions): ProviderDirectory & Service {
  const { chain, log, cachePath, pollMs = 4_000, firstReadMs = 2_000 } = options
  const state = new RegistryState(log)
  const stopping = new AbortController()
  const read = createReader(options, state)
  let following: Promise<void> | undefined

  const follow = async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      await pause(Math.min(pollMs * 2 ** failures, Math.max(pollMs, retryMsMax)), stopping.signal)
      if (stopping.signal.aborted) return
      const isRead = await settled(read(stopping.signal, false))
      failures = isRead ? 0 : Math.min(failures + 1, 16)
    }
  }
  return {
    name: 'provider directory',
    list: () => state.list(),
    byPeerId: peerId => state.byPeerId(peerId),
    freshness: () => state.freshness(chain.clock.now(), Math.max(60_000, pollMs * 3)),
    refresh: signal => read(AbortSignal.any([signal, stopping.signal]), true),
    onChange: listener => state.onChange(listener),
    start: async signal => {
      const cached = await loadSnapshot(cachePath, chain.settings)
      if (cached) state.remember(cached)
      const first = read(AbortSignal.any([signal, stopping.signal]), true)
      // With a cache nobody waits: the state notes how the reading ends.
      if (cached) void settled(first)
      else await firstReading(first, firstReadMs)
      following = follow()
    },
    stop: async () => {
      stopping.abort(new ParleyError('stopping', 'the node is shutting down'))
      await following
      if (state.view) await save(options, state.view)
    },
  }
}

const retryMsMax = 60_000
const offersMax = 64

/** Reads the chain into the state, one reading at a time. Throws after the state has noted why. */
function createReader(options: ProviderDirectoryOptions, state: RegistryState) {
  const { chain, rereadMs = 600_000, providersMax = 10_000 } = options
  const bounds = { providersMax, offersMax }
  const inTurn = createTurns(16)
  return (signal: AbortSignal, isWhole: boolean): Promise<void> =>
    inTurn(signal, async () => {
      const known = isWhole || chain.clock.now() - state.wholeAt >= rereadMs ? undefined : state.view
      try {
        const next = known
          ? await followRegistry(chain, known, bounds, signal)
          : await readRegistry(chain, bounds, signal)
        const hasChanged = state.accept(next, known === undefined)
        if (hasChanged || known === undefined) await save(options, next)
      } catch (cause) {
        if (!signal.aborted) state.reject(ParleyError.from(cause))
        throw cause
      }
    })
}

/** A cache that cannot be written is worth telling and no reason to stop. */
async function save(
  { chain, log, cachePath }: ProviderDirectoryOptions,
  view: Parameters<typeof saveSnapshot>[2],
): Promise<void> {
  try {
    await saveSnapshot(cachePath, chain.settings, view)
  } catch (cause) {
    const { code, message } = ParleyError.from(cause)
    log.emit({ type: 'service.failed', service: 'provider directory', code, message })
  }
}

/** A node starts without its chain, but not with the wrong one. */
async function firstReading(first: Promise<void>, firstReadMs: number): Promise<void> {
  try {
    await within(first, firstReadMs, 'the first reading of the registry')
  } catch (cause) {
    void settled(first)
    if (cause instanceof ParleyError && cause.code === 'chain_mismatch') throw cause
  }
}

/** Whether it worked. For readings nobody waits for: the state has noted what went wrong. */
async function settled(reading: Promise<void>): Promise<boolean> {
  return reading.then(
    () => true,
    () => false,
  )
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, signal).catch(() => undefined)
}
