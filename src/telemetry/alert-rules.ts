import type { AlertMetric } from '../core/index.ts'

/** When to raise an alarm, and when it is over. */
export interface AlertRule {
  /** How it is called in notices; one of each name. */
  readonly name: string
  readonly metric: AlertMetric
  /** Raised when the value is this high. */
  readonly threshold: number
  /** Over when the value is this low or there is nothing to measure any more, for `clearMs` without a break. */
  readonly clear: number
  readonly clearMs: number
  readonly windowMs: number
  /** Nothing is raised on fewer calls than this. */
  readonly minimum: number
}

/** A rule as somebody writes it: what is missing is as usual. */
export interface GivenAlertRule {
  readonly name?: string | undefined
  readonly metric: AlertMetric
  readonly threshold: number
  readonly clear?: number | undefined
  readonly clearSeconds?: number | undefined
  readonly windowSeconds?: number | undefined
  readonly minimum?: number | undefined
}

const usualClearSeconds = 60
const usualWindowSeconds = 300
const usualMinimum = 20
/** Of the threshold. */
const usualClear = 0.8

/** What a node watches whose operator said nothing about it. */
const usualRules: readonly GivenAlertRule[] = [
  { metric: 'error_rate', threshold: 10, clear: 5 },
  { metric: 'provider_error_rate', threshold: 50, clear: 20 },
  { metric: 'first_chunk_p95', threshold: 20_000, clear: 10_000 },
  { metric: 'provider_failures', threshold: 3 },
  { metric: 'memory', threshold: 90, clear: 80 },
  { metric: 'event_loop_delay', threshold: 200, clear: 100, windowSeconds: 60 },
  { metric: 'budget', threshold: 80 },
]

/** The rules that were given, complete; the usual ones where there are none. */
export function alertRules(given: readonly GivenAlertRule[]): AlertRule[] {
  return (given.length === 0 ? usualRules : given).map(rule => {
    const { metric, threshold, minimum = usualMinimum } = rule
    const { clearSeconds = usualClearSeconds, windowSeconds = usualWindowSeconds } = rule
    // One success ends what failed in a row.
    const clear = rule.clear ?? (metric === 'provider_failures' ? 0 : threshold * usualClear)
    const times = { clearMs: clearSeconds * 1_000, windowMs: windowSeconds * 1_000 }
    return { name: rule.name ?? metric, metric, threshold, clear, minimum, ...times }
  })
}
