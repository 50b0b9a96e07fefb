import { ErrorBody } from '../openai/index.ts'

/**
 * One row per failure, the only place where a code meets a status: `http` is the status of a front, `exit` the status of
 * a command, `retry` says whether another backend may be tried. The documentation is generated from this table.
 */
export const errorTable = {
  // the caller
  invalid_request: {
    http: 400,
    exit: 2,
    retry: false,
    means: 'the request is malformed',
    next: 'correct the named field',
  },
  context_length_exceeded: {
    http: 400,
    exit: 1,
    retry: true,
    means: 'prompt and answer do not fit the model',
    next: 'shorten the prompt or lower max_tokens',
  },
  unauthorized: {
    http: 401,
    exit: 4,
    retry: false,
    means: 'the API key is missing, unknown or revoked',
    next: 'create a key with `parley key new`',
  },
  forbidden: {
    http: 403,
    exit: 4,
    retry: false,
    means: 'the caller may not do this: a foreign Host or Origin, or a role without the right',
    next: 'call the node from this machine or allow the host in the configuration',
  },
  not_found: {
    http: 404,
    exit: 7,
    retry: false,
    means: 'there is no such route or thing',
    next: 'check the path or the name',
  },
  method_not_allowed: {
    http: 405,
    exit: 2,
    retry: false,
    means: 'the route exists, the method does not',
    next: 'use the method the documentation names',
  },
  model_not_found: {
    http: 404,
    exit: 7,
    retry: true,
    means: 'nobody reachable serves this model',
    next: 'list models with `parley models`',
  },
  too_large: {
    http: 413,
    exit: 2,
    retry: false,
    means: 'the request exceeds a size limit',
    next: 'send less, or raise the limit in the configuration',
  },
  rate_limited: {
    http: 429,
    exit: 1,
    retry: true,
    means: 'too many requests',
    next: 'wait for the time in retry-after',
  },
  cancelled: { http: 499, exit: 130, retry: false, means: 'the caller went away', next: 'nothing: it was meant' },
  // answering
  model_failed: {
    http: 502,
    exit: 1,
    retry: true,
    means: 'the model broke while answering',
    next: 'try again, or another provider',
  },
  backend_failed: {
    http: 502,
    exit: 5,
    retry: true,
    means: 'the server behind this node failed or spoke nonsense',
    next: 'check the provider with `parley providers`',
  },
  backend_refused: {
    http: 502,
    exit: 4,
    retry: true,
    means: 'the server behind this node refused this node (its key or its plan)',
    next: 'correct the key of this provider',
  },
  stream_cut: {
    http: 502,
    exit: 5,
    retry: true,
    means: 'an answer ended without its terminal marker',
    next: 'try again: what arrived is incomplete',
  },
  peer_unreachable: {
    http: 502,
    exit: 5,
    retry: true,
    means: 'no connection to the peer',
    next: 'see `parley doctor`',
  },
  no_provider: {
    http: 503,
    exit: 5,
    retry: false,
    means: 'every candidate was tried and none answered',
    next: 'see `parley providers` for what each one said',
  },
  overloaded: {
    http: 503,
    exit: 1,
    retry: true,
    means: 'no room for another request right now',
    next: 'wait for the time in retry-after',
  },
  stopping: { http: 503, exit: 1, retry: true, means: 'the node is shutting down', next: 'try again when it is back' },
  timeout: {
    http: 504,
    exit: 8,
    retry: true,
    means: 'something took longer than its bound',
    next: 'try again, or raise the bound in the configuration',
  },
  unsupported: {
    http: 501,
    exit: 1,
    retry: true,
    means: 'this backend cannot do what was asked',
    next: 'leave the option out or choose another model',
  },
  // money
  need_voucher: {
    http: 402,
    exit: 6,
    retry: false,
    means: 'the provider asks for a higher voucher',
    next: 'sign one for at least details.cumulative',
  },
  payment_required: {
    http: 402,
    exit: 6,
    retry: true,
    means: 'the provider is paid and no payment is set up',
    next: 'deposit with `parley session deposit`',
  },
  insufficient_funds: {
    http: 402,
    exit: 6,
    retry: true,
    means: 'the escrow account does not cover the call',
    next: 'deposit with `parley session deposit`',
  },
  spending_cap: {
    http: 402,
    exit: 6,
    retry: false,
    means: 'a spending cap is reached',
    next: 'raise the cap in the configuration, or wait',
  },
  price_too_high: {
    http: 402,
    exit: 6,
    retry: true,
    means: 'the answer would cost more than the caller allows',
    next: 'raise parley-max-price or choose a cheaper model',
  },
  quote_expired: { http: 402, exit: 1, retry: true, means: 'the quote is no longer valid', next: 'fetch a new one' },
  payment_mismatch: {
    http: 502,
    exit: 1,
    retry: true,
    means: 'the provider counted more than arrived; payment stopped',
    next: 'choose another provider',
  },
  payment_invalid: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'a payment message cannot be accepted',
    next: 'open the session again',
  },
  session_unknown: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the session is not known to the provider',
    next: 'open it again',
  },
  voucher_signature: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the voucher is not signed by the session key of its payer',
    next: 'sign with the key named in the deposit',
  },
  voucher_chain: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the voucher is for another chain',
    next: 'use the chain of the provider',
  },
  voucher_escrow: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the voucher is for another escrow contract',
    next: 'use the escrow of the provider',
  },
  voucher_epoch: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the voucher is of another epoch of the account',
    next: 'open the session again',
  },
  voucher_payer: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the voucher is of another payer',
    next: 'open a session for that payer',
  },
  voucher_provider: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the voucher pays another provider',
    next: 'sign for the provider of the session',
  },
  voucher_lower: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the voucher is lower than the accepted total',
    next: 'sign for more than details.accepted',
  },
  voucher_replayed: {
    http: 402,
    exit: 1,
    retry: true,
    means: 'the voucher was accepted before',
    next: 'nothing: its money counts once',
  },
  receipt_invalid: {
    http: 502,
    exit: 1,
    retry: true,
    means: 'a receipt does not hold',
    next: 'keep it: it is evidence',
  },
  ledger_conflict: {
    http: 500,
    exit: 1,
    retry: false,
    means: 'the ledger contradicts the other side or the chain',
    next: 'stop spending and run `parley doctor`',
  },
  // the chain and the wallet
  wallet_locked: {
    http: 503,
    exit: 4,
    retry: true,
    means: 'the wallet is locked or its password is wrong',
    next: 'give the password with --password-file or PARLEY_WALLET_PASSWORD_FILE',
  },
  wallet_invalid: {
    http: 500,
    exit: 4,
    retry: false,
    means: 'the wallet file cannot be read',
    next: 'restore it from a backup',
  },
  chain_unavailable: { http: 503, exit: 5, retry: true, means: 'no RPC endpoint answers', next: 'check chain.rpcUrls' },
  chain_mismatch: {
    http: 503,
    exit: 3,
    retry: false,
    means: 'the RPC endpoint or the contract is not the configured one',
    next: 'check chain.id and the addresses',
  },
  transaction_failed: {
    http: 502,
    exit: 1,
    retry: false,
    means: 'the chain refused a transaction',
    next: 'see the reason in the message',
  },
  stake_too_low: {
    http: 400,
    exit: 6,
    retry: false,
    means: 'the stake is below what the registry asks',
    next: 'stake more with `parley provider stake`',
  },
  // the process
  usage: { http: 400, exit: 2, retry: false, means: 'the command is used wrongly', next: 'see --help' },
  config_invalid: {
    http: 500,
    exit: 3,
    retry: false,
    means: 'the configuration is not valid',
    next: 'run `parley config check`',
  },
  conflict: {
    http: 409,
    exit: 9,
    retry: false,
    means: 'something is taken: a port, a lock, a name',
    next: 'stop the other one or choose another',
  },
  missing_part: {
    http: 501,
    exit: 1,
    retry: true,
    means: 'an optional part is not installed',
    next: 'install it as the message says',
  },
  download_failed: {
    http: 502,
    exit: 5,
    retry: false,
    means: 'a download did not finish or is not what it should be',
    next: 'run it again: it resumes',
  },
  disk_full: { http: 507, exit: 1, retry: false, means: 'there is not enough room on the disk', next: 'free some' },
  internal: { http: 500, exit: 1, retry: false, means: 'a bug of ours', next: 'report it with the request id' },
} as const satisfies Record<string, ErrorRow>

interface ErrorRow {
  http: number
  exit: number
  retry: boolean
  means: string
  next: string
}

export type ErrorCode = keyof typeof errorTable

export interface ParleyErrorOptions extends ErrorOptions {
  /** Facts the caller can act on (a total, a limit); JSON values only, never prompt text. */
  details?: Record<string, unknown>
  /** Seconds to wait before trying again. */
  retryAfterSeconds?: number
  /** The request field at fault. */
  param?: string
  /** Somebody else's words, for the caller alone: they may quote what it sent, so events and logs have `message` instead. */
  toCaller?: string
}

/** The only error the project throws. `message` says what and what next, in lower case. */
export class ParleyError extends Error {
  readonly code: ErrorCode
  readonly details: Record<string, unknown> | undefined
  readonly retryAfterSeconds: number | undefined
  readonly param: string | undefined
  readonly #toCaller: string | undefined

  constructor(code: ErrorCode, message: string, options: ParleyErrorOptions = {}) {
    super(message, options)
    this.name = 'ParleyError'
    this.code = code
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
    this.param = options.param
    this.#toCaller = options.toCaller
  }

  get httpStatus(): number {
    return errorTable[this.code].http
  }

  get exitCode(): number {
    return errorTable[this.code].exit
  }

  /** Whether another backend may be tried. */
  get mayRetry(): boolean {
    return errorTable[this.code].retry
  }

  /** OpenAI's error body. The cause stays here: it may name upstreams and keys. */
  toBody(): ErrorBody {
    return {
      error: {
        message: this.#toCaller ?? this.message,
        type: openAiType(this.httpStatus),
        param: this.param ?? null,
        code: this.code,
        ...(this.details !== undefined && { details: this.details }),
      },
    }
  }

  /** Wraps whatever was thrown. An aborted signal explains a foreign error: the caller left, or a bound was reached. */
  static from(cause: unknown, signal?: AbortSignal, fallback: ErrorCode = 'internal'): ParleyError {
    if (cause instanceof ParleyError) return cause
    if (signal?.aborted) return abortError(signal, cause)
    const message = cause instanceof Error ? cause.message : String(cause)
    return new ParleyError(fallback, message, { cause })
  }

  /** Reads an error body another node or server sent; unknown codes become `fallback`. */
  static fromBody(body: unknown, fallback: ErrorCode = 'backend_failed'): ParleyError {
    const parsed = ErrorBody.safeParse(body)
    if (!parsed.success) return new ParleyError(fallback, 'the other side failed without saying why')
    const { code, message, details, param } = parsed.data.error
    const known = typeof code === 'string' && code in errorTable ? (code as ErrorCode) : fallback
    return new ParleyError(known, message, { ...(details && { details }), ...(param != null && { param }) })
  }
}

/** The error an aborted signal stands for: its own reason when that is typed, else `timeout` or `cancelled`. */
export function abortError(signal: AbortSignal, cause: unknown = signal.reason): ParleyError {
  if (signal.reason instanceof ParleyError) return signal.reason
  if (signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError') {
    return new ParleyError('timeout', 'it took longer than its bound', { cause })
  }
  return new ParleyError('cancelled', 'the caller went away', { cause })
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 402) return 'insufficient_quota'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'api_error'
}
