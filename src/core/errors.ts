import { ErrorBody } from '../openai/index.ts'
import { type ErrorCode, errorTable } from './error-table.ts'

export interface ParleyErrorOptions extends ErrorOptions {
  /** Facts the caller can act on (a total, a limit); JSON values only, never prompt text. */
  details?: Record<string, unknown>
  /** Seconds to wait before trying again. */
  retryAfterSeconds?: number
  /** The request field at fault. */
  param?: string
  /** The node that said so, when this one only passes it on. */
  saidBy?: string
  /** What an upstream said of the request itself. */
  passOn?: PassOn
  /** Whether the request never left this node, so that nobody has worked for it. */
  isUnsent?: boolean
}

/**
 * An upstream's own answer to a request that is at fault. Its words may quote the prompt: they are for the app that sent
 * it and for nobody else, so no log, event, peer or disk may see them.
 */
export interface PassOn {
  readonly status: number
  /** Absent when it said nothing in OpenAI's words. */
  readonly body?: ErrorBody
}

/** The only error the project throws. `message` says what and what next, in lower case. */
export class ParleyError extends Error {
  readonly code: ErrorCode
  readonly details: Record<string, unknown> | undefined
  readonly retryAfterSeconds: number | undefined
  readonly param: string | undefined
  /** Undefined when this node found out by itself. */
  readonly saidBy: string | undefined
  readonly isUnsent: boolean
  /** Private, so that nothing that prints or copies an error takes it along. */
  readonly #passOn: PassOn | undefined

  constructor(code: ErrorCode, message: string, options: ParleyErrorOptions = {}) {
    super(message, options)
    this.name = 'ParleyError'
    this.code = code
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
    this.param = options.param
    this.saidBy = options.saidBy
    this.isUnsent = options.isUnsent ?? false
    this.#passOn = options.passOn
  }

  /** For the front that answers the app alone. */
  get passOn(): PassOn | undefined {
    return this.#passOn
  }

  get httpStatus(): number {
    return errorTable[this.code].http
  }

  get exitCode(): number {
    return errorTable[this.code].exit
  }

  /** Whether another backend may be tried. A request that an upstream finds at fault is not, unless it is too long for one. */
  get mayRetry(): boolean {
    const isAtFault = this.#passOn !== undefined && this.code !== 'context_length_exceeded'
    return errorTable[this.code].retry && !isAtFault
  }

  /** OpenAI's error body. The cause stays here: it may name upstreams and keys. */
  toBody(): ErrorBody {
    return {
      error: {
        message: this.message,
        type: errorType(this.httpStatus),
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
    // What could not be read is quoted in these messages, and may be somebody's words.
    if (cause instanceof SyntaxError) return new ParleyError(fallback, 'a text is not what it should be', { cause })
    const message = cause instanceof Error ? cause.message : String(cause)
    return new ParleyError(fallback, message, { cause })
  }

  /** Reads an error body of a node that is trusted, such as one's own; unknown codes become `fallback`. */
  static fromBody(body: unknown, fallback: ErrorCode = 'backend_failed'): ParleyError {
    const parsed = ErrorBody.safeParse(body)
    if (!parsed.success) return new ParleyError(fallback, 'the other side failed without saying why')
    const { code, message, details, param } = parsed.data.error
    const known = typeof code === 'string' && Object.hasOwn(errorTable, code) ? (code as ErrorCode) : fallback
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

/** OpenAI's word for the kind of error a status is. */
export function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 402) return 'insufficient_quota'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'api_error'
}
