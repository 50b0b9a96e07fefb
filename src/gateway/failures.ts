import type { ErrorCode } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

export interface Failure {
  /** Who failed; undefined where nobody could even be asked. */
  readonly name: string | undefined
  readonly error: ParleyError
}

/**
 * What may be done about a failure before the first word:
 * - `end`: nobody can answer this call as it is (400, 413, 422, …);
 * - `elsewhere`: this target cannot answer it, another may (its key is refused, the model or room for the prompt is
 *   missing, no money is set up, it took long to fail);
 * - `again`: this target may be well in a moment (network, 5xx, 429).
 */
export type Remedy = 'end' | 'elsewhere' | 'again'

const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'backend_failed',
  'model_failed',
  'overloaded',
  'peer_unreachable',
  'rate_limited',
  'stream_cut',
  'timeout',
])

export function remedyFor(error: ParleyError, earlier: readonly Failure[], isSlow: boolean): Remedy {
  return isFinal(error, earlier) ? 'end' : mendingRemedy(error, isSlow)
}

/** The same once words are out and another may say the rest. */
export function lateRemedyFor(error: ParleyError, isSlow: boolean): Remedy {
  return mayGoOnAfter(error) ? mendingRemedy(error, isSlow) : 'end'
}

function mendingRemedy({ code }: ParleyError, isSlow: boolean): Remedy {
  return passing.has(code) && !isSlow ? 'again' : 'elsewhere'
}

/** What only finds fault with a request. */
const ofRequest: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['invalid_request', 'model_not_found', 'too_large'])

/**
 * Words show that the request can be answered. What is held against it afterwards is one teller's trouble, or about the
 * call for the rest, which this node wrote; only what this node finds about itself, a cap that is reached or a bug, stops
 * the others as well.
 */
export function mayGoOnAfter({ mayRetry, saidBy, code }: ParleyError): boolean {
  return mayRetry || saidBy !== undefined || ofRequest.has(code)
}

/**
 * A failure after the first word as the app and the ranking see it: a peer that finds fault with a request which it had
 * begun to answer has failed itself. What an upstream says of it stays, as its words are for the app.
 */
export function lateFailure(error: ParleyError): ParleyError {
  const { saidBy, code } = error
  if (saidBy === undefined || !ofRequest.has(code)) return error
  const message = `${saidBy} broke off its answer and blamed the request (${code}); try again or another provider`
  return new ParleyError('backend_failed', message, { cause: error, saidBy })
}

/** Another node says that nobody can answer this call. One that is sick, or hostile, can say so of any call. */
function isHearsay({ mayRetry, saidBy }: ParleyError): boolean {
  return !mayRetry && saidBy !== undefined
}

/** Of a call that was answered after all: whether what was said of it counts against who said so, and did not at once. */
export function wasWrong(error: ParleyError): boolean {
  const isTooDear = error.saidBy !== undefined && error.code === 'price_too_high'
  return (isHearsay(error) || isTooDear) && !isOfFarSide(error)
}

/**
 * What this node finds out by itself ends a call that nobody can answer. What a peer says ends it when a second one says
 * the same; should another answer after all, the first was wrong, and that counts as a failure.
 */
function isFinal(error: ParleyError, earlier: readonly Failure[]): boolean {
  if (!isHearsay(error)) return !error.mayRetry
  return earlier.some(failure => failure.error.code === error.code && isHearsay(failure.error))
}

/** What went wrong at the far side, as this node can see it. Its own wallet, chain and caps say nothing about a provider. */
const ofFarSide: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...passing,
  'backend_refused',
  'ledger_conflict',
  'missing_part',
  'payment_invalid',
  'stopping',
  'unsupported',
])

/**
 * A refusal of money that a peer spoke out counts too: whatever the reason, it does not answer. A price that is too high
 * for one caller is none for the next.
 */
export function isOfFarSide({ code, httpStatus, saidBy }: ParleyError): boolean {
  return ofFarSide.has(code) || (saidBy !== undefined && httpStatus === 402 && code !== 'price_too_high')
}

/** Attempts that failed may cost so much that none is left for another. */
export function spentUp(maxPrice: bigint, owed: bigint): ParleyError {
  return new ParleyError(
    'price_too_high',
    `attempts that failed may cost ${owed}, the caller allows ${maxPrice} for all of them; raise parley-max-price`,
    { details: { owed: String(owed), maxPrice: String(maxPrice) } },
  )
}

function isSpentUp({ code, details }: ParleyError): boolean {
  return code === 'price_too_high' && details?.owed !== undefined
}

/**
 * A lone failure speaks for itself; of several, one the caller can mend goes before who else failed, and a limit of its
 * price that is used up before all: a caller that tried again by itself would pay once more.
 */
export function allFailed(failures: readonly Failure[]): ParleyError {
  const errors = failures.map(({ error }) => error)
  const last = errors.at(-1)!
  const mendable = errors.find(isSpentUp) ?? errors.find(({ httpStatus }) => httpStatus === 400 || httpStatus === 404)
  if (mendable !== undefined || errors.every(error => error.code === last.code)) return mendable ?? last
  const codes = errors.map(error => error.code).join(', ')
  const waits = errors.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? [])
  return new ParleyError('no_provider', `${errors.length} attempts failed (${codes}); the last said: ${last.message}`, {
    cause: last,
    ...(waits.length > 0 && { retryAfterSeconds: Math.min(...waits) }),
  })
}
