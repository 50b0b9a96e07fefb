import { type Clock, ParleyError, type Service, type Store, sleep, tombstoneDays } from '../core/index.ts'

/** How long things are kept; what is left out is kept for ever. */
export interface Retention {
  readonly archiveDays?: number
  readonly requestDays?: number
  readonly logDays?: number
}

export interface SweeperOptions {
  readonly store: Pick<Store, 'archive' | 'requests' | 'logs' | 'sessions' | 'chats'>
  readonly clock: Clock
  /** Asked at each sweep, so that a changed setting counts at once. */
  readonly retention: () => Retention
  readonly everyMs?: number
  /** Rows of one statement: whoever writes at the same time waits for no more than these. */
  readonly batchRows?: number
  readonly pauseMs?: number
  readonly failed?: (error: ParleyError) => void
}

export interface Swept {
  readonly archive: number
  readonly requests: number
  readonly logs: number
  readonly sessions: number
  readonly chats: number
}

const dayMs = 24 * 3_600_000
const defaultEveryMs = 3_600_000
const defaultBatchRows = 500
const defaultPauseMs = 50

/**
 * Deletes what is older than it may get, in small batches; how much went. Login sessions go a day after they expired, chats
 * that were deleted once every device had time to hear of it.
 */
export async function sweep(options: SweeperOptions, signal: AbortSignal): Promise<Swept> {
  const { store, clock, retention, batchRows = defaultBatchRows, pauseMs = defaultPauseMs } = options
  const { archiveDays, requestDays, logDays } = retention()
  const removeAll = async (days: number | undefined, remove: (time: number, limit: number) => Promise<number>) => {
    if (days === undefined) return 0
    const time = clock.now() - days * dayMs
    let total = 0
    for (let some = batchRows; some >= batchRows; total += some) {
      signal.throwIfAborted()
      if (total > 0) await sleep(pauseMs, signal)
      some = await remove(time, batchRows)
    }
    return total
  }
  return {
    archive: await removeAll(archiveDays, store.archive.removeBefore),
    requests: await removeAll(requestDays, store.requests.removeBefore),
    logs: await removeAll(logDays, store.logs.removeBefore),
    sessions: await removeAll(1, store.sessions.removeExpired),
    chats: await removeAll(tombstoneDays, store.chats.removeDeleted),
  }
}

/** Sweeps at the start and then from time to time; one that fails is told, and tried again at the next time. */
export function createSweeper(options: SweeperOptions): Service {
  const stopped = new AbortController()
  let running: Promise<void> | undefined
  const run = async () => {
    while (!stopped.signal.aborted) {
      try {
        await sweep(options, stopped.signal)
      } catch (cause) {
        if (!stopped.signal.aborted) options.failed?.(ParleyError.from(cause))
      }
      await sleep(options.everyMs ?? defaultEveryMs, stopped.signal).catch(() => undefined)
    }
  }
  return {
    name: 'sweeper',
    start: async () => {
      running ??= run()
    },
    stop: async () => {
      stopped.abort()
      await running
    },
  }
}
