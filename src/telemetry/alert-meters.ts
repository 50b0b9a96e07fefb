import { type AlertMetric, type ErrorCode, errorTable, type LoggedEvent } from '../core/index.ts'
import { Durations } from './percentile.ts'
import { SlidingWindow } from './sliding-window.ts'

/** What a rule compares with its threshold: one value for each thing it is about. */
export interface Reading {
  /** Empty for the node itself. */
  readonly subject: string
  readonly value: number
  /** How many calls it rests on; unlimited where it rests on none. */
  readonly samples: number
}

export interface Meter {
  readonly watch?: (event: LoggedEvent) => void
  readonly read: (now: number) => readonly Reading[]
}

/** How the process does right now. */
export interface Resources {
  /** Of the memory it may have, in percent. */
  readonly memoryPercent: () => number
  /** By how much the event loop was late since the last time it was asked, in milliseconds: the 99th percentile. */
  readonly eventLoopDelayMs: () => number
}

export interface MeterOptions {
  readonly metric: AlertMetric
  readonly windowMs: number
  readonly resources: Resources
  /** Whether a service that fails is one that answers calls. */
  readonly isProvider: (service: string) => boolean
}

export function createMeter(options: MeterOptions): Meter {
  const { metric, windowMs, resources } = options
  switch (metric) {
    case 'error_rate':
      return errorRate(windowMs)
    case 'provider_error_rate':
      return providerErrorRate(windowMs)
    case 'latency_p95':
      return durations(windowMs, ({ totalMs }) => totalMs)
    case 'first_chunk_p95':
      return durations(windowMs, ({ firstChunkMs }) => firstChunkMs)
    case 'provider_failures':
      return providerFailures(options)
    case 'memory':
      return average(windowMs, resources.memoryPercent)
    case 'event_loop_delay':
      return average(windowMs, resources.eventLoopDelayMs)
    case 'budget':
      return budgets()
  }
}

const unlimited = Number.POSITIVE_INFINITY

type Ended = Extract<LoggedEvent, { type: 'call.ended' }>

interface Tally {
  all: number
  failed: number
}

const newTally = (): Tally => ({ all: 0, failed: 0 })

/** Failures that are the node's to mend: its own, its providers' and its purse's, not its callers'. */
function isOurs(code: ErrorCode): boolean {
  return errorTable[code].http >= 500 || code === 'insufficient_funds' || code === 'payment_required'
}

/** What an attempt may fail with although the provider is well. */
const notOfProvider: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cancelled',
  'context_length_exceeded',
  'model_not_found',
  'unsupported',
  'spending_cap',
  'wallet_locked',
  'chain_unavailable',
])

function isOfProvider(code: ErrorCode): boolean {
  const { http } = errorTable[code]
  return !notOfProvider.has(code) && (http >= 500 || http === 429)
}

function errorRate(windowMs: number): Meter {
  const window = new SlidingWindow(windowMs, newTally)
  return {
    watch: event => {
      if (event.type !== 'call.ended' && (event.type !== 'call.failed' || !isOurs(event.code))) return
      const tally = window.now(event.at)
      tally.all++
      if (event.type === 'call.failed') tally.failed++
    },
    read: now => [rateOf('', window.recent(now))],
  }
}

function rateOf(subject: string, tallies: readonly Tally[]): Reading {
  const all = tallies.reduce((sum, tally) => sum + tally.all, 0)
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0)
  return { subject, value: all === 0 ? 0 : (100 * failed) / all, samples: all }
}

const subjectsMax = 200

/** The thing of this subject, in place of the oldest when there are too many. */
function ofSubject<T>(known: Map<string, T>, subject: string, make: () => T): T {
  const found = known.get(subject)
  if (found !== undefined) return found
  if (known.size >= subjectsMax) known.delete(known.keys().next().value!)
  const fresh = make()
  known.set(subject, fresh)
  return fresh
}

function providerErrorRate(windowMs: number): Meter {
  const windows = new Map<string, SlidingWindow<Tally>>()
  const tallyOf = (provider: string, at: number) =>
    ofSubject(windows, provider, () => new SlidingWindow(windowMs, newTally)).now(at)
  return {
    watch: event => {
      if (event.type === 'call.ended') tallyOf(event.servedBy, event.at).all++
      if (event.type !== 'call.attempted' || !isOfProvider(event.code)) return
      const tally = tallyOf(event.backend, event.at)
      tally.all++
      tally.failed++
    },
    read: now => [...windows].map(([provider, window]) => rateOf(provider, window.recent(now))),
  }
}

function durations(windowMs: number, of: (event: Ended) => number | undefined): Meter {
  const window = new SlidingWindow(windowMs, () => new Durations())
  return {
    watch: event => {
      const ms = event.type === 'call.ended' ? of(event) : undefined
      if (ms !== undefined) window.now(event.at).add(ms)
    },
    read: now => {
      const recent = window.recent(now)
      const samples = recent.reduce((sum, { count }) => sum + count, 0)
      return [{ subject: '', value: Durations.percentile(recent, 95), samples }]
    },
  }
}

/** How often in a row a provider has failed; the next success ends it. */
function providerFailures({ isProvider }: MeterOptions): Meter {
  const inARow = new Map<string, number>()
  const failed = (provider: string) => {
    inARow.set(provider, ofSubject(inARow, provider, () => 0) + 1)
  }
  return {
    watch: event => {
      if (event.type === 'call.ended') inARow.delete(event.servedBy)
      else if (event.type === 'call.attempted' && isOfProvider(event.code)) failed(event.backend)
      else if (event.type === 'service.failed' && isProvider(event.service)) failed(event.service)
      else if (event.type === 'service.recovered') inARow.delete(event.service)
      else if (event.type === 'setup.changed') for (const provider of event.closed) inARow.delete(provider)
    },
    read: () => [...inARow].map(([subject, value]) => ({ subject, value, samples: unlimited })),
  }
}

/** A process that starts has other things to do than to be even. */
const settlingMs = 30_000

/** The average of what was looked at over the window: one bad moment is none, nor is the start. */
function average(windowMs: number, look: () => number): Meter {
  const window = new SlidingWindow(windowMs, () => ({ sum: 0, count: 0 }))
  let from: number | undefined
  return {
    read: now => {
      from ??= now
      const piece = window.now(now)
      piece.sum += look()
      piece.count++
      const recent = window.recent(now)
      const looks = recent.reduce((all, { count }) => all + count, 0)
      const isSettled = now - from >= Math.min(settlingMs, windowMs / 2)
      const value = recent.reduce((all, { sum }) => all + sum, 0) / looks
      return [{ subject: '', value, samples: isSettled ? unlimited : 0 }]
    },
  }
}

interface Spending {
  readonly percent: number
  readonly resetsAt: number | undefined
}

function budgets(): Meter {
  const known = new Map<string, Spending>()
  return {
    watch: event => {
      if (event.type !== 'budget.crossed') return
      const { scope, scopeId, percent, resetsAt } = event
      const subject = scopeId === '' ? scope : `${scope} ${scopeId}`
      ofSubject(known, subject, () => ({ percent, resetsAt }))
      known.set(subject, { percent, resetsAt })
    },
    read: now => {
      for (const [subject, { resetsAt }] of known) if (resetsAt !== undefined && resetsAt <= now) known.delete(subject)
      return [...known].map(([subject, { percent }]) => ({ subject, value: percent, samples: unlimited }))
    },
  }
}
