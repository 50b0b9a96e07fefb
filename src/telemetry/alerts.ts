import type { AlertMetric, AlertRow, EventLog, LoggedEvent, Random } from '../core/index.ts'
import { createMeter, type Meter, type Reading, type Resources } from './alert-meters.ts'
import type { AlertRule } from './alert-rules.ts'

export interface AlertsOptions {
  readonly rules: readonly AlertRule[]
  readonly resources: Resources
  readonly isProvider: (service: string) => boolean
  readonly random: Random
  readonly log: Pick<EventLog, 'emit'>
}

/** Raises each alert once, and says once that it is over. */
export interface Alerts {
  readonly watch: (event: LoggedEvent) => void
  /** Compares what was seen with the rules; to be called every second or so. */
  readonly evaluate: (now: number) => void
  readonly firing: () => readonly AlertRow[]
  /** Told of every alert that is raised or over; one that throws is told no more. Returns what ends it. */
  readonly onChange: (listener: (alert: AlertRow) => void) => () => void
}

interface Incident {
  alert: AlertRow
  /** Since when it has been well again. */
  calmSince: number | undefined
}

interface Guard {
  readonly rule: AlertRule
  readonly meter: Meter
  readonly incidents: Map<string, Incident>
}

/** What each value is counted in. */
const units: Readonly<Record<AlertMetric, string>> = {
  error_rate: ' % of calls fail',
  provider_error_rate: ' % of attempts fail',
  latency_p95: ' ms for 95 of 100 answers',
  first_chunk_p95: ' ms to the first chunk for 95 of 100 answers',
  provider_failures: ' failures in a row',
  memory: ' % of the memory is used',
  event_loop_delay: ' ms late is the event loop',
  budget: ' % of the budget is spent',
}

export function createAlerts({ rules, log, random, ...rest }: AlertsOptions): Alerts {
  const listeners = new Set<(alert: AlertRow) => void>()
  const guards = rules.map((rule): Guard => {
    const { metric, windowMs } = rule
    return { rule, meter: createMeter({ metric, windowMs, ...rest }), incidents: new Map() }
  })
  const tell = (alert: AlertRow) => {
    const { id, rule, subject, value, threshold, message, state } = alert
    const type = state === 'firing' ? 'alert.raised' : 'alert.resolved'
    log.emit({ type, alert: id, rule, subject, value, threshold, message })
    for (const listener of listeners) {
      try {
        listener(alert)
      } catch {
        listeners.delete(listener)
      }
    }
  }
  const raise = ({ rule, incidents }: Guard, { subject, value }: Reading, now: number) => {
    const { name, threshold } = rule
    const row = { id: random.uuid(), rule: name, subject, state: 'firing', value: rounded(value), threshold } as const
    const alert = { ...row, startedAt: now, endedAt: null, message: messageOf(rule, subject, value) }
    incidents.set(subject, { alert, calmSince: undefined })
    tell(alert)
  }
  const resolve = ({ incidents }: Guard, { alert }: Incident, value: number, now: number) => {
    incidents.delete(alert.subject)
    const message = `over after ${Math.round((now - alert.startedAt) / 1_000)} s: ${alert.message}`
    tell({ ...alert, state: 'resolved', value: rounded(value), endedAt: now, message })
  }
  const judge = (guard: Guard, now: number) => {
    const { rule, meter, incidents } = guard
    const readings = new Map(meter.read(now).map(reading => [reading.subject, reading]))
    for (const reading of readings.values()) {
      const isHigh = reading.value >= rule.threshold && reading.samples >= rule.minimum
      if (isHigh && !incidents.has(reading.subject)) raise(guard, reading, now)
    }
    for (const [subject, incident] of incidents) {
      const { value, samples } = readings.get(subject) ?? { value: 0, samples: 0 }
      if (samples > 0 && value > rule.clear) incident.calmSince = undefined
      else if (now - (incident.calmSince ??= now) >= rule.clearMs) resolve(guard, incident, value, now)
    }
  }
  return {
    watch: event => {
      for (const { meter } of guards) meter.watch?.(event)
    },
    evaluate: now => {
      for (const guard of guards) judge(guard, now)
    },
    firing: () => guards.flatMap(({ incidents }) => [...incidents.values()].map(({ alert }) => alert)),
    onChange: listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function messageOf({ name, metric, threshold }: AlertRule, subject: string, value: number): string {
  const about = subject === '' ? name : `${name} (${subject})`
  return `${about}: ${rounded(value)}${units[metric]}, the limit is ${threshold}`
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
