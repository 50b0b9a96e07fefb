import { type Backend, type Clock, type EventLog, ParleyError } from '../core/index.ts'
import type { Model } from '../openai/index.ts'

export interface ListingOptions {
  readonly clock: Clock
  readonly log: EventLog
  /** What it is taken to have until it has said so itself. */
  readonly expected?: readonly Model[]
}

/** The models of a backend as it listed them last. */
export interface Listing {
  readonly models: () => readonly Model[]
  /** Why it could not be listed the last time. */
  readonly error: () => ParleyError | undefined
  /** Lists it now, or joins who does; never throws. */
  readonly refresh: () => Promise<void>
  readonly isDue: () => boolean
  /** What comes after this changes nothing and is told to nobody. */
  readonly stop: () => void
}

const relistMs = 20_000
/** Who cannot be listed is asked again after this, then after twice as long and so on: a server that starts is soon found. */
const firstRelistMs = 1_000
const listTimeoutMs = 10_000

export function createListing(backend: Backend, { clock, log, expected = [] }: ListingOptions): Listing {
  let models = expected
  let error: ParleyError | undefined
  let failures = 0
  let nextAt = 0
  let running: Promise<void> | undefined
  let isStopped = false
  const failed = (cause: unknown) => {
    models = []
    error = ParleyError.from(cause)
    failures++
    const { code, message } = error
    log.emit({ type: 'service.failed', service: backend.name, code, message })
  }
  const list = async () => {
    try {
      const listed = await backend.models(AbortSignal.timeout(listTimeoutMs))
      if (isStopped) return
      models = listed
      error = undefined
      if (failures > 0) log.emit({ type: 'service.recovered', service: backend.name })
      failures = 0
    } catch (cause) {
      if (!isStopped) failed(cause)
    }
    const waitMs = failures === 0 ? relistMs : Math.min(relistMs, firstRelistMs * 2 ** (failures - 1))
    nextAt = clock.monotonic() + waitMs
  }
  return {
    models: () => models,
    error: () => error,
    refresh: () => {
      running ??= list().finally(() => (running = undefined))
      return running
    },
    isDue: () => !isStopped && running === undefined && clock.monotonic() >= nextAt,
    stop: () => {
      isStopped = true
    },
  }
}
