import type { ErrorCode } from '../core/index.ts'
import { errorTable, ParleyError } from '../core/index.ts'
import { ErrorBody } from '../openai/index.ts'
import { passOn } from './pass-on.ts'

/** A failure the other side told of, as far as it is believed. */
export interface Refusal {
  /** How the other side is called in errors. */
  readonly name: string
  readonly status: number
  readonly body: unknown
  /** Seconds. */
  readonly retryAfter: string | undefined
  /** What must not be seen in words that are passed on. Without it, none are. */
  readonly secrets?: readonly string[]
}

/** What a status means to us. */
const statuses: Record<number, ErrorCode> = {
  401: 'backend_refused',
  402: 'backend_refused',
  403: 'backend_refused',
  404: 'model_not_found',
  405: 'unsupported',
  407: 'backend_refused',
  408: 'timeout',
  413: 'too_large',
  429: 'rate_limited',
  501: 'unsupported',
  503: 'overloaded',
  504: 'timeout',
  529: 'overloaded',
}

/** Codes that say more than their status. */
const saidCodes: ReadonlyMap<string, ErrorCode> = new Map([
  ['context_length_exceeded', 'context_length_exceeded'],
  ['insufficient_quota', 'backend_refused'],
  ['billing_hard_limit_reached', 'backend_refused'],
])

const nextSteps: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'it finds the request at fault; correct it',
  context_length_exceeded: 'prompt and answer do not fit its model; shorten them',
  too_large: 'the request is larger than it takes; send less',
  model_not_found: 'it does not have this model or route; see GET /v1/models',
  backend_refused: 'it refuses this node, not its caller; correct the key or the plan of this provider',
  rate_limited: 'this node asks it too often; wait or add another provider',
  unsupported: 'it cannot do this; choose another model',
}

/**
 * What an upstream's answer means, in words of our own: its own may quote the prompt or name a key. Those about the
 * request itself go to the app that sent it, apart. A redirect is no answer to a call, and its caller cannot mend it.
 */
export function upstreamRefusal({ name, status, body, retryAfter, secrets }: Refusal): ParleyError {
  const code = codeFor(status, body)
  const isAtFault = status >= 400 && status < 500 && callersCodes.has(code)
  return new ParleyError(code, `${name} answered ${status}: ${nextSteps[code] ?? 'it failed; try again'}`, {
    ...waiting(retryAfter),
    ...(isAtFault && { passOn: secrets === undefined ? { status } : passOn(status, body, secrets) }),
  })
}

/** An error that came with a status of 200, or in a stream: it says itself what it is, if anything does. */
export function upstreamError({ name, body, secrets }: Omit<Refusal, 'status' | 'retryAfter'>): ParleyError {
  const status = statusIn(body)
  if (status !== undefined)
    return upstreamRefusal({ name, status, body, retryAfter: undefined, ...(secrets && { secrets }) })
  return new ParleyError('backend_failed', `${name} answered with an error; try again or another provider`)
}

const callersCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid_request',
  'context_length_exceeded',
  'model_not_found',
  'too_large',
])

function codeFor(status: number, body: unknown): ErrorCode {
  const isRefused = status >= 400 && status < 500
  const said = isRefused ? saidCodes.get(codeOf(body)) : undefined
  return said ?? statuses[status] ?? (isRefused ? 'invalid_request' : 'backend_failed')
}

const statusOfType: ReadonlyMap<unknown, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['rate_limit_error', 429],
  ['overloaded_error', 529],
])

function statusIn(body: unknown): number | undefined {
  const { code, status, type }: Record<string, unknown> = ErrorBody.safeParse(body).data?.error ?? {}
  const numbers = [code, status].map(Number)
  return numbers.find(number => number >= 400 && number < 600) ?? statusOfType.get(type)
}

/**
 * The codes another node may say. All others tell of the node that says them, or of its operator: said by a peer, an
 * `unauthorized` or a `disk_full` would reach the app as if it were about this node, and end a call that others can answer.
 */
const codesOfPeers: ReadonlySet<string> = new Set<ErrorCode>([
  'invalid_request',
  'context_length_exceeded',
  'model_not_found',
  'too_large',
  'rate_limited',
  'model_failed',
  'backend_failed',
  'backend_refused',
  'stream_cut',
  'overloaded',
  'stopping',
  'timeout',
  'unsupported',
  'need_voucher',
  'payment_required',
  'insufficient_funds',
  'price_too_high',
  'quote_expired',
  'payment_invalid',
  'session_unknown',
  'voucher_signature',
  'voucher_chain',
  'voucher_escrow',
  'voucher_epoch',
  'voucher_payer',
  'voucher_provider',
  'voucher_lower',
  'voucher_replayed',
])

/** What codes mean that, in the words of the table, would be taken to be about this node. */
const meansOfPeers: Partial<Record<ErrorCode, string>> = {
  backend_refused: 'a server behind it refused its key or its plan; choose another provider',
}

/**
 * What another node said, in words of our own: of its body only the code and the amounts are read, so that nothing it
 * writes, a prompt for example, gets into this node's log or to the app. What is not in the list is `backend_failed`.
 */
export function peerRefusal({ name, body, retryAfter }: Omit<Refusal, 'status'>): ParleyError {
  const said = codeOf(body)
  const code = codesOfPeers.has(said) ? (said as ErrorCode) : 'backend_failed'
  const details = amountsOf(body)
  return new ParleyError(code, `${name}: ${meansOfPeers[code] ?? errorTable[code].means}`, {
    saidBy: name,
    ...waiting(retryAfter),
    ...(details !== undefined && { details }),
  })
}

function codeOf(body: unknown): string {
  return String(ErrorBody.safeParse(body).data?.error.code ?? '')
}

const amounts = ['cumulative', 'accepted', 'covered'] as const

function amountsOf(body: unknown): Record<string, string> | undefined {
  const details = ErrorBody.safeParse(body).data?.error.details ?? {}
  const known = amounts.flatMap(name => {
    const amount = details[name]
    return typeof amount === 'string' && /^\d{1,78}$/.test(amount) ? [[name, amount]] : []
  })
  return known.length === 0 ? undefined : Object.fromEntries(known)
}

const retryAfterSecondsMax = 3_600

function waiting(retryAfter: string | undefined): { retryAfterSeconds?: number } {
  if (retryAfter === undefined || !/^\d{1,9}$/.test(retryAfter)) return {}
  return { retryAfterSeconds: Math.min(Number(retryAfter), retryAfterSecondsMax) }
}
