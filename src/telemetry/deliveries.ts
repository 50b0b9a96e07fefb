import { type AlertRow, type EventLog, ParleyError, sleep } from '../core/index.ts'

/** One way to tell people of alerts. Rejects when it did not arrive. */
export interface AlertSink {
  /** How it is called in events. */
  readonly name: string
  readonly send: (alert: AlertRow, signal: AbortSignal) => Promise<void>
}

export interface DeliveriesOptions {
  readonly sink: AlertSink
  readonly log: Pick<EventLog, 'emit'>
  /** How often a notice is sent before it is given up. */
  readonly attemptsMax?: number
  /** Before the second attempt; twice as long before each further one, up to a minute. */
  readonly firstWaitMs?: number
}

export interface Deliveries {
  /** Takes a notice; those before it go first. */
  readonly push: (alert: AlertRow) => void
  /** Notices that were given up, or for which there was no room. */
  readonly lost: () => number
  /** Gives what waits a last moment. Never throws. */
  readonly stop: () => Promise<void>
}

const waitingMax = 100
const waitMaxMs = 60_000
const sendTimeoutMs = 10_000
const lastMomentMs = 2_000

/** Sends notices one after the other, in their order, and again while the other side is away: for some minutes, then not. */
export function createDeliveries({ sink, log, attemptsMax = 10, firstWaitMs = 1_000 }: DeliveriesOptions): Deliveries {
  const waiting: AlertRow[] = []
  const stopping = new AbortController()
  let working: Promise<void> | undefined
  let isFailing = false
  let lost = 0
  const attempt = async (alert: AlertRow): Promise<boolean> => {
    try {
      await sink.send(alert, AbortSignal.any([stopping.signal, AbortSignal.timeout(sendTimeoutMs)]))
      if (isFailing) log.emit({ type: 'service.recovered', service: sink.name })
      isFailing = false
      return true
    } catch (cause) {
      if (stopping.signal.aborted) return false
      const { code, message } = ParleyError.from(cause, undefined, 'backend_failed')
      log.emit({ type: 'service.failed', service: sink.name, code, message })
      isFailing = true
      return false
    }
  }
  const deliver = async (alert: AlertRow): Promise<void> => {
    for (let tries = 1; !(await attempt(alert)); tries++) {
      if (tries >= attemptsMax || stopping.signal.aborted) {
        lost++
        return
      }
      await sleep(Math.min(waitMaxMs, firstWaitMs * 2 ** (tries - 1)), stopping.signal).catch(() => undefined)
    }
  }
  const work = async () => {
    for (let alert = waiting.shift(); alert !== undefined; alert = waiting.shift()) await deliver(alert)
    working = undefined
  }
  return {
    push: alert => {
      if (waiting.length >= waitingMax || stopping.signal.aborted) lost++
      else waiting.push(alert)
      working ??= work()
    },
    lost: () => lost,
    stop: async () => {
      const end = setTimeout(() => stopping.abort(), lastMomentMs)
      await working
      clearTimeout(end)
      stopping.abort()
    },
  }
}
