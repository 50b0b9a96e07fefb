import type { Call, Clock, Context } from '../core/index.ts'
import type { Candidate, CandidateFacts } from './candidate.ts'
import { isFitting, needsOf } from './needs.ts'
import { createRace, type Race } from './race.ts'
import type { FailureListeners } from './tell-failure.ts'
import type { Turn, Turns } from './turns.ts'

export interface HedgingOptions extends FailureListeners {
  readonly clock: Clock
  /** Of all calls that could have one, how many may get a second target, in per cent. */
  readonly maxPercent: number
}

/** What a turn asks for, and on whose behalf. */
export interface Heat {
  readonly turn: Turn
  readonly turns: Turns
  /** The call, under the name its model has for apps. */
  readonly call: Call
  readonly context: Context
  /** Words of the answer are out. */
  readonly isBegun: boolean
}

/** Why a second target would not be asked, or who it is and after how many milliseconds of silence. */
export type HedgePlan = { readonly backend: string; readonly afterMs: number } | { readonly why: string }

/**
 * Second targets for calls whose first is late: later with its first word than with 95 of 100. The first of the two that
 * says a word answers, the other is stopped at once. One for all calls of a node, as they share the bound.
 */
export interface Hedging {
  /** Undefined where nobody but the target of the turn may be asked. */
  race: (heat: Heat) => Race | undefined
  /** Measures who answered without a race. */
  answered: (call: Call, name: string, firstChunkMs: number) => void
  /** For people: what would become of a call that these may answer, in this order. */
  plan: (candidates: readonly Candidate[], call: Call) => HedgePlan
}

export function createHedging(options: HedgingOptions): Hedging {
  const { ranking, maxPercent } = options
  const budget = createBudget(maxPercent)
  const isOther = (first: Candidate, call: Call) => (other: Candidate) =>
    other.name !== first.name &&
    (other.priority ?? 1) === (first.priority ?? 1) &&
    ranking.isWell(other.name) &&
    isFitting(other, needsOf(call))
  return {
    race: heat => {
      const { turn, turns, call, context, isBegun } = heat
      if (isBegun || !isHedgeable(call) || context.principal.kind === 'peer') return undefined
      if (turn.attempt === 1) budget.earn()
      const afterMs = ranking.lateAfterMs(turn.candidate.name)
      const other = afterMs === undefined ? undefined : turns.spare(isOther(turn.candidate, call))
      const limits = other && limitsOf(turn.candidate, other, call, context.maxPrice)
      if (afterMs === undefined || other === undefined || limits === undefined) return undefined
      const second = () => (ranking.isWell(other.name) && budget.take() ? turns.take(other) : undefined)
      return createRace({ ...options, turn, turns, afterMs: Math.max(afterMs, leastMs), second, ...limits })
    },
    answered: (call, name, firstChunkMs) => {
      if (isHedgeable(call)) ranking.spoke(name, firstChunkMs)
    },
    plan: (candidates, call) => {
      const [first] = candidates
      if (first === undefined || !isHedgeable(call)) return { why: 'only chats and completions have one' }
      const afterMs = ranking.lateAfterMs(first.name)
      if (afterMs === undefined) return { why: `too few answers of ${first.name} were measured` }
      const other = candidates.find(isOther(first, call))
      if (other === undefined) return { why: `nobody of the same priority as ${first.name} is well and suits` }
      if (isPaid(first) || isPaid(other)) return { why: 'only calls whose price limit covers two answers have one' }
      return { backend: other.name, afterMs: Math.round(Math.max(afterMs, leastMs)) }
    },
  }
}

/** Sooner than this nobody is late: a second connection takes as long. */
const leastMs = 20

/** What is not told word by word has no first word; a picture would be paid for twice. */
function isHedgeable({ task }: Call): boolean {
  return task === 'chat' || task === 'completion'
}

const hedgePrice = 100
/** Second targets that may be asked in a row after a time without any. */
const burst = 10

/** Each call earns a part of a second target: whatever goes wrong with all first ones, there are never more than that. */
function createBudget(percent: number) {
  let saved = 0
  return {
    earn: () => {
      saved = Math.min(burst * hedgePrice, saved + percent)
    },
    take: (): boolean => {
      if (saved < hedgePrice) return false
      saved -= hedgePrice
      return true
    },
  }
}

export interface Limits {
  /** The most each of the two may cost; undefined for who may cost what it will. */
  readonly firstMax: bigint | undefined
  readonly secondMax: bigint | undefined
}

/** Undefined unless the caller's limit covers two whole answers, or both are free. */
function limitsOf(first: CandidateFacts, other: CandidateFacts, call: Call, maxPrice?: bigint): Limits | undefined {
  if (!isPaid(first) && !isPaid(other)) return { firstMax: maxPrice, secondMax: maxPrice }
  const [firstPrice, otherPrice] = [mostFor(first, call), mostFor(other, call)]
  if (maxPrice === undefined || firstPrice === undefined || otherPrice === undefined) return undefined
  if (firstPrice + otherPrice > maxPrice) return undefined
  return { firstMax: maxPrice - otherPrice, secondMax: otherPrice }
}

function isPaid({ priceIn = 0n, priceOut = 0n }: CandidateFacts): boolean {
  return priceIn > 0n || priceOut > 0n
}

/** Tokens that a template may put around a message. */
const aroundMessage = 64
const perMillion = 1_000_000n

/** No tokenizer makes more tokens of a request than it has bytes. Undefined for an answer without a bound. */
function mostFor({ priceIn = 0n, priceOut = 0n }: CandidateFacts, { body }: Call): bigint | undefined {
  const { messages, max_completion_tokens, max_tokens, n } = body as Readonly<Record<string, unknown>>
  const tokensOut = Number(max_completion_tokens ?? max_tokens) * Number(n ?? 1)
  if (!Number.isSafeInteger(tokensOut) || tokensOut < 0) return undefined
  const around = aroundMessage * (Array.isArray(messages) ? messages.length : 1)
  const tokensIn = Buffer.byteLength(JSON.stringify(body)) + around
  return (BigInt(tokensIn) * priceIn + BigInt(tokensOut) * priceOut + perMillion - 1n) / perMillion
}
