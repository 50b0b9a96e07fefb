import type { Call, Outcome, Principal, Route } from './call.ts'
import type { ErrorCode } from './error-table.ts'
import type { CacheUse, JsonDocument } from './records.ts'

/** Whose calls a key's or a person's are, and what is kept of them. */
export interface Account {
  /** Null for somebody who calls as themselves, by an access token. */
  readonly keyId: string | null
  readonly userId: string | null
  readonly project: string | null
  /** Whether the texts of its calls go to the archive. */
  readonly keepsTexts: boolean
  /** What is taken out of them before; checked where it is used. */
  readonly redact: JsonDocument | null
  /** Thousandths of the listed price that calls are counted with. */
  readonly priceMultiplier: number
}

/** One try of a backend that failed. */
export interface FailedAttempt {
  readonly provider: string
  readonly model: string
  readonly code: ErrorCode
  /** How long it took. */
  readonly ms: number
}

/** How a call ended, as the event log tells it. */
export interface CallCount {
  readonly firstChunkMs: number | undefined
  readonly tokensIn: number
  readonly tokensOut: number
  /** True where nobody counted before the answer broke off. */
  readonly isEstimated?: boolean
  /** What this node took by itself, to the first chunk. */
  readonly overheadMs?: number | undefined
}

/**
 * What is noted of an app's request while it runs: whoever knows a part writes it down, and nobody reads it before the end.
 * There is one for each request that is recorded, also for one that never becomes a call.
 */
export interface CallRecord {
  /** A UUID v7 of this node: the answer has it as `x-request-id`, unless the caller named its request. */
  readonly id: string
  /** What the caller calls its request, and answers and logs with it. */
  readonly name?: string | undefined
  readonly path: string
  readonly principal: Principal
  /** Undefined for a caller without a key. */
  readonly account: Account | undefined
  /** Unix milliseconds. */
  readonly startedAt: number
  /** Whether texts are kept; without it nobody gathers any. */
  readonly keepsTexts: boolean
  /** What the caller asked for, before anything was added to it. */
  call?: Call
  outcome?: Outcome
  /** The way it has taken so far. */
  route?: Route
  errorCode?: ErrorCode
  count?: CallCount
  cache: CacheUse
  readonly attempts: FailedAttempt[]
  /** The request as it came; of a form its fields and what files it had. */
  input?: string
  /** The answer as far as the caller got it. */
  output?: string
  /** Set where the answer was too long to be kept whole. */
  isCut?: true
  /** Set once the caller was sent all of its answer: what fails afterwards is bookkeeping. */
  isAnswered?: true
}

/** How the exchange ended that a record is about. */
export interface ExchangeEnd {
  /** The HTTP status the caller got; 499 for one that left before there was any. */
  readonly status: number
  /** Whether all of the answer was sent, and nothing in place of its end. */
  readonly isWhole: boolean
  /** Milliseconds from the arrival of the request to the end of its answer. */
  readonly totalMs: number
}

/** Keeps records. Neither waits nor throws. */
export interface Recorder {
  readonly begin: (request: Pick<CallRecord, 'id' | 'name' | 'path' | 'principal' | 'account'>) => CallRecord
  readonly end: (record: CallRecord, end: ExchangeEnd) => void
}
