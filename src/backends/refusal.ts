import type { ErrorCode } from '../core/index.ts'
import { errorTable, ParleyError } from '../core/index.ts'
import { ErrorBody } from '../openai/index.ts'

/** A failure the other side told of, as far as it is believed. */
export interface Refusal {
  /** How the other side is called in errors. */
  readonly name: string
  readonly status: number
  readonly body: unknown
  readonly retryAfter: string | undefined
}

/** What a status means to us. A server's own words are not passed on: they may quote the prompt or name a key. */
const statuses: Record<number, ErrorCode> = {
  401: 'backend_refused',
  402: 'backend_refused',
  403: 'backend_refused',
  404: 'model_not_found',
  405: 'unsupported',
  413: 'too_large',
  429: 'rate_limited',
  501: 'unsupported',
  503: 'overloaded',
  504: 'timeout',
}

/** What an upstream's answer means. A redirect is no answer to a call, and its caller cannot mend it. */
export function upstreamRefusal({ name, status, body, retryAfter }: Refusal): ParleyError {
  const isCallersFault = status >= 400 && status < 500
  const code = statuses[status] ?? (isCallersFault ? 'invalid_request' : 'backend_failed')
  const isTooLong = status === 400 && codeOf(body) === 'context_length_exceeded'
  return new ParleyError(
    isTooLong ? 'context_length_exceeded' : code,
    `${name} answered ${status}`,
    waiting(retryAfter),
  )
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
  'stream_cut',
  'overloaded',
  'stopping',
  'timeout',
  'unsupported',
  'need_voucher',
  'payment_required',
  'insufficient_funds',
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

/**
 * What another node said, in words of our own: of its body only the code and the amounts are read, so that nothing it
 * writes, a prompt for example, gets into this node's log or to the app. What is not in the list is `backend_failed`.
 */
export function peerRefusal({ name, body, retryAfter }: Omit<Refusal, 'status'>): ParleyError {
  const said = codeOf(body)
  const code = codesOfPeers.has(said) ? (said as ErrorCode) : 'backend_failed'
  const details = amountsOf(body)
  return new ParleyError(code, `${name}: ${errorTable[code].means}`, {
    saidBy: name,
    ...waiting(retryAfter),
    ...(details !== undefined && { details }),
  })
}

function codeOf(body: unknown): string {
  const parsed = ErrorBody.safeParse(body)
  return parsed.success ? String(parsed.data.error.code ?? '') : ''
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
