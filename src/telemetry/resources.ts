import { totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Resources } from './alert-meters.ts'

/** Between two looks at the clock. */
const delayLookMs = 50
const nanosecondsPerMs = 1_000_000

/** The resources of this process; the event loop is watched from now until `stop`. */
export function createResources(): Resources & { readonly stop: () => void } {
  const delays = monitorEventLoopDelay({ resolution: delayLookMs })
  delays.enable()
  return {
    memoryPercent: () => (100 * process.memoryUsage.rss()) / memoryLimitBytes(),
    eventLoopDelayMs: () => {
      const late = delays.percentile(99) / nanosecondsPerMs - delayLookMs
      delays.reset()
      return Math.max(0, late)
    },
    stop: () => void delays.disable(),
  }
}

/** What a container or the machine has for this process. */
function memoryLimitBytes(): number {
  const limit = process.constrainedMemory() ?? 0
  const machine = totalmem()
  return limit > 0 && limit < machine ? limit : machine
}
