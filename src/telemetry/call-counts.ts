import { type CallTask, type ErrorCode, errorTable, type LoggedEvent } from '../core/index.ts'
import { BoundedTable, labelOf, otherLabel } from './bounded-table.ts'
import { createDistribution, type Distribution, measure } from './distribution.ts'

/** What came of calls that one provider answered with one model. */
export interface AnsweredCalls {
  readonly labels: CallLabels
  requests: number
  tokensIn: number
  tokensOut: number
  /** Smallest units of the escrow's token. */
  cost: bigint
  readonly times: CallTimes
}

/** `caller` tells apps of this node from peers that buy from it. */
export interface CallLabels {
  readonly task: string
  readonly caller: string
  readonly provider: string
  readonly model: string
}

/** In seconds; shared by those that come late where there are too many. */
export interface CallTimes {
  readonly labels: CallLabels
  readonly total: Distribution
  readonly firstChunk: Distribution
}

export interface FailedCalls {
  readonly labels: Omit<CallLabels, 'provider'> & { readonly code: ErrorCode }
  readonly statusClass: string
  requests: number
  tokensIn: number
  tokensOut: number
}

export interface FailedAttempts {
  readonly labels: { readonly provider: string; readonly code: ErrorCode }
  attempts: number
}

type Ended = Extract<LoggedEvent, { type: 'call.ended' }>
type Failed = Extract<LoggedEvent, { type: 'call.failed' }>
type Attempted = Extract<LoggedEvent, { type: 'call.attempted' }>
type Hedged = Extract<LoggedEvent, { type: 'call.hedged' }>

/** Together with what `metric-families.ts` adds, fewer than 5,000 series. */
const answeredMax = 300
const timesMax = 60
const failedMax = 200
const attemptsMax = 250
const modelsMax = 300

const durationBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600]
const firstChunkBounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
const overheadBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
const perTokenBounds = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1]

/**
 * Counts of calls, bounded however many providers, models and callers there are. An event costs a lookup and a few
 * additions: it is counted in the midst of calls.
 */
export class CallCounts {
  readonly answered = new BoundedTable<AnsweredCalls>(answeredMax)
  readonly times = new BoundedTable<CallTimes>(timesMax)
  readonly failed = new BoundedTable<FailedCalls>(failedMax)
  readonly attempts = new BoundedTable<FailedAttempts>(attemptsMax)
  readonly running = new Map<CallTask, number>()
  readonly overhead = createDistribution(overheadBounds)
  readonly perToken = createDistribution(perTokenBounds)
  /** Second targets that were asked, by whose answer it was: the first one's, the second one's or nobody's. */
  readonly hedges = { first: 0, second: 0, none: 0 }
  /** Attempts after the first of a call. */
  retries = 0
  /** Calls that a fallback model answered. */
  fallbacks = 0
  readonly #models = new Set<string>()

  watch(event: LoggedEvent): void {
    if (event.type === 'call.started') this.running.set(event.task, (this.running.get(event.task) ?? 0) + 1)
    else if (event.type === 'call.ended') this.#ended(event)
    else if (event.type === 'call.failed') this.#failed(event)
    else if (event.type === 'call.attempted') this.#attempted(event)
    else if (event.type === 'call.hedged') this.hedges[hedgeOutcome(event)]++
  }

  #ended(event: Ended): void {
    this.#left(event.task)
    const calls = this.#answeredOf(event)
    calls.requests++
    calls.tokensIn += event.tokensIn
    calls.tokensOut += event.tokensOut
    if (event.cost !== undefined) calls.cost += event.cost
    this.#measured(event, calls.times)
    if (event.attempts !== undefined && event.attempts > 1) this.retries++
    if (event.servedModel !== undefined && event.servedModel !== event.model) this.fallbacks++
  }

  #measured({ totalMs, firstChunkMs, overheadMs, tokensOut }: Ended, times: CallTimes): void {
    measure(times.total, totalMs / 1_000)
    if (overheadMs !== undefined) measure(this.overhead, overheadMs / 1_000)
    if (firstChunkMs === undefined) return
    measure(times.firstChunk, firstChunkMs / 1_000)
    if (tokensOut > 1) measure(this.perToken, (totalMs - firstChunkMs) / (tokensOut - 1) / 1_000)
  }

  #answeredOf({ task, principal, servedBy, servedModel, model }: Ended): AnsweredCalls {
    const caller = callerOf(principal)
    const answering = servedModel ?? model
    return this.answered.get(`${task}\n${caller}\n${servedBy}\n${answering}`, '', isOther => {
      this.#learned(answering)
      const labels = isOther ? others : { task, caller, provider: labelOf(servedBy), model: labelOf(answering) }
      return { labels, requests: 0, tokensIn: 0, tokensOut: 0, cost: 0n, times: this.#timesOf(labels) }
    })
  }

  #timesOf(labels: CallLabels): CallTimes {
    return this.times.get(Object.values(labels).join('\n'), '', isOther => ({
      labels: isOther ? others : labels,
      total: createDistribution(durationBounds),
      firstChunk: createDistribution(firstChunkBounds),
    }))
  }

  #failed({ task, principal, model: asked, code, tokensIn, tokensOut }: Failed): void {
    this.#left(task)
    const caller = callerOf(principal)
    // Only a model that somebody serves is named: callers may ask for any.
    const model = asked === '' || this.#models.has(asked) ? labelOf(asked) : 'unknown'
    const calls = this.failed.get(`${task}\n${caller}\n${model}\n${code}`, code, isOther => ({
      labels: isOther
        ? { task: otherLabel, caller: otherLabel, model: otherLabel, code }
        : { task, caller, model, code },
      statusClass: `${Math.floor(errorTable[code].http / 100)}xx`,
      ...{ requests: 0, tokensIn: 0, tokensOut: 0 },
    }))
    calls.requests++
    calls.tokensIn += tokensIn
    calls.tokensOut += tokensOut
  }

  #attempted({ backend, model, code, attempt }: Attempted): void {
    this.#learned(model)
    if (attempt > 1) this.retries++
    this.attempts.get(`${backend}\n${code}`, code, isOther => ({
      labels: { provider: isOther ? otherLabel : labelOf(backend), code },
      attempts: 0,
    })).attempts++
  }

  #left(task: CallTask): void {
    this.running.set(task, Math.max(0, (this.running.get(task) ?? 0) - 1))
  }

  #learned(model: string): void {
    if (this.#models.size < modelsMax) this.#models.add(model)
  }
}

const others: CallLabels = { task: otherLabel, caller: otherLabel, provider: otherLabel, model: otherLabel }

function callerOf(principal: string): string {
  return principal.startsWith('peer:') ? 'peer' : 'app'
}

function hedgeOutcome({ servedBy, first }: Hedged): 'first' | 'second' | 'none' {
  if (servedBy === undefined) return 'none'
  return servedBy === first ? 'first' : 'second'
}
