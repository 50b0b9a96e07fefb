import type { Clock, ErrorCode } from '../core/index.ts'
import { createFirstWords, type FirstWords } from './first-words.ts'

/** What this node has seen of one target. Counts that fade weigh the present more than the past. */
export interface Experience {
  readonly name: string
  /** All there were, for people. */
  successes: number
  failures: number
  fadingSuccesses: number
  fadingFailures: number
  /** Averages; those of an average provider until something was measured. */
  firstChunkMs: number
  tokensPerSecond: number
  isMeasured: boolean
  /** The newest first chunks, for people. */
  firstChunks: FirstWords | undefined
  /** Kept only where second targets are asked. */
  firstWords: FirstWords | undefined
  /** Calls of this node it works on. */
  running: number
  coolsDownAt: number
  failuresInARow: number
  lastErrorCode: ErrorCode | undefined
  isDistrusted: boolean
  /** Whether a first call after a cooldown is under way: until it is over, others go elsewhere if they can. */
  isProbed: boolean
}

/** `closed`: asked as usual. `open`: asked last. `half-open`: its time is over, and one call finds out whether it is well. */
export type CircuitState = 'closed' | 'open' | 'half-open'

/** One target for people and for the status route. */
export interface TargetState {
  readonly name: string
  readonly state: CircuitState
  readonly coolsDownForMs: number
  readonly successes: number
  readonly failures: number
  readonly running: number
  /** Absent until measured. */
  readonly firstChunkMs?: number
  readonly tokensPerSecond?: number
  /** Of the newest answers: the time by which half of the first chunks came, and 95 of 100 once there were enough. */
  readonly recentFirstChunks?: { readonly p50Ms: number; readonly p95Ms?: number }
  /** The time by which 95 of 100 first words come; measured only where second targets are asked. */
  readonly firstChunkP95Ms?: number
  readonly lastErrorCode?: ErrorCode
}

export interface FailureFacts {
  readonly code?: ErrorCode
  /** Another node says so of a server behind it; others of its models may be well. */
  readonly isSaid?: boolean
  /** When the target said that it can be asked again. */
  readonly retryAfterMs?: number
}

/** A newcomer is taken for an average provider until it has shown itself. */
export const prior = { firstChunkMs: 400, tokensPerSecond: 30 }
const decay = 0.8
const firstCooldownMs = 500
const maxCooldownMs = 60_000
const maxToldCooldownMs = 300_000
const distrustMs = 3_600_000

export function newExperience(name: string): Experience {
  return {
    ...{ name, ...prior, successes: 0, failures: 0, fadingSuccesses: 0, fadingFailures: 0, isMeasured: false },
    ...{
      firstChunks: undefined,
      firstWords: undefined,
      running: 0,
      coolsDownAt: 0,
      failuresInARow: 0,
      lastErrorCode: undefined,
    },
    ...{ isDistrusted: false, isProbed: false },
  }
}

export function stateOf(record: Experience, now: number): CircuitState {
  if (record.coolsDownAt > now) return 'open'
  return record.failuresInARow > 0 || record.isDistrusted ? 'half-open' : 'closed'
}

/** Whether others should be asked first. */
export function isResting(record: Experience | undefined, now: number): boolean {
  if (record === undefined) return false
  const state = stateOf(record, now)
  return state === 'open' || (state === 'half-open' && record.isProbed)
}

/** A call begins there; returns what ends it. */
export function begin(record: Experience, now: number): () => void {
  const isProbe = stateOf(record, now) === 'half-open' && !record.isProbed
  if (isProbe) record.isProbed = true
  record.running++
  let isRunning = true
  return () => {
    if (!isRunning) return
    isRunning = false
    record.running--
    if (isProbe) record.isProbed = false
  }
}

export interface SuccessFacts {
  /** Both undefined for an answer that is not counted in tokens: its time says nothing of them. */
  readonly firstChunkMs: number | undefined
  readonly tokensPerSecond: number | undefined
}

/** Ends a cooldown, but not the one of who lied about money: that has to pass. */
export function noteSuccess(record: Experience, now: number, { firstChunkMs, tokensPerSecond }: SuccessFacts): void {
  record.successes++
  record.fadingSuccesses = record.fadingSuccesses * decay + 1
  record.fadingFailures *= decay
  if (firstChunkMs !== undefined) measureFirstChunk(record, firstChunkMs)
  if (tokensPerSecond !== undefined) {
    record.tokensPerSecond = record.tokensPerSecond * decay + tokensPerSecond * (1 - decay)
  }
  record.failuresInARow = 0
  if (record.isDistrusted && record.coolsDownAt > now) return
  record.isDistrusted = false
  record.coolsDownAt = 0
}

function measureFirstChunk(record: Experience, ms: number): void {
  record.firstChunkMs = record.firstChunkMs * decay + ms * (1 - decay)
  record.isMeasured = true
  record.firstChunks ??= createFirstWords()
  record.firstChunks.note(ms)
}

export function noteFirstWord(record: Experience, ms: number): void {
  record.firstWords ??= createFirstWords()
  record.firstWords.note(ms)
}

/** Its first word would have taken this long at least: without it the slow ones would drop out of all that was measured. */
export function noteOvertaken(record: Experience, ms: number): void {
  noteFirstWord(record, ms)
  measureFirstChunk(record, ms)
}

/** Cools down for longer and longer; a refused key for as long as can be, and never less than the target asked for. */
export function noteFailure(record: Experience, now: number, facts: FailureFacts): void {
  const { code, isSaid = false, retryAfterMs = 0 } = facts
  record.failures++
  record.fadingFailures = record.fadingFailures * decay + 1
  record.fadingSuccesses *= decay
  record.lastErrorCode = code
  const grown = Math.min(maxCooldownMs, firstCooldownMs * 2 ** record.failuresInARow++)
  const cooldown = code === 'backend_refused' && !isSaid ? maxCooldownMs : grown
  const told = Math.min(maxToldCooldownMs, retryAfterMs)
  record.coolsDownAt = Math.max(record.coolsDownAt, now + Math.max(cooldown, told))
}

/** Another node found out that it is not well. */
export function noteRest(record: Experience, now: number, ms: number): void {
  record.coolsDownAt = Math.max(record.coolsDownAt, now + ms)
}

/** It broke the payment protocol: put last for a long time, whatever it does next. */
export function noteDistrust(record: Experience, now: number, code: ErrorCode | undefined): void {
  record.failures++
  record.lastErrorCode = code
  record.isDistrusted = true
  record.coolsDownAt = now + distrustMs
}

export function targetState(record: Experience, clock: Clock): TargetState {
  const { name, successes, failures, running, isMeasured, firstChunkMs, tokensPerSecond, lastErrorCode } = record
  const now = clock.monotonic()
  const p95 = record.firstWords?.p95()
  const recent = recentOf(record)
  return {
    ...{ name, state: stateOf(record, now), coolsDownForMs: Math.max(0, Math.ceil(record.coolsDownAt - now)) },
    ...{ successes, failures, running },
    ...(isMeasured && { firstChunkMs: Math.round(firstChunkMs), tokensPerSecond: Math.round(tokensPerSecond) }),
    ...(recent !== undefined && { recentFirstChunks: recent }),
    ...(p95 !== undefined && { firstChunkP95Ms: Math.round(p95) }),
    ...(lastErrorCode !== undefined && { lastErrorCode }),
  }
}

function recentOf({ firstChunks }: Experience): TargetState['recentFirstChunks'] {
  const [p50, p95] = [firstChunks?.p50(), firstChunks?.p95()]
  if (p50 === undefined) return undefined
  return { p50Ms: Math.round(p50), ...(p95 !== undefined && { p95Ms: Math.round(p95) }) }
}
