interface ApiErrorFacts extends ErrorOptions {
  status?: number | undefined
  type?: string | undefined
  param?: string | undefined
  requestId?: string | undefined
  retryAfterSeconds?: number | undefined
  details?: unknown
}

/**
 * What went wrong with a request: the code of the server, or one of `cancelled`, `timeout`, `unreachable`, `stream_cut`,
 * `too_large` and `bad_answer` of the client. The status is 0 when no answer came. A page may show the message as it is.
 */
export class ApiError extends Error {
  readonly code: string
  readonly status: number
  readonly type: string | undefined
  readonly param: string | undefined
  readonly requestId: string | undefined
  readonly retryAfterSeconds: number | undefined
  /** What a program needs to know of it, as the server told it. */
  readonly details: unknown

  constructor(code: string, message: string, facts: ApiErrorFacts = {}) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause })
    this.name = 'ApiError'
    this.code = code
    this.status = facts.status ?? 0
    this.type = facts.type
    this.param = facts.param
    this.requestId = facts.requestId
    this.retryAfterSeconds = facts.retryAfterSeconds
    this.details = facts.details
  }
}

type Head = Pick<Response, 'status' | 'headers'>

const messageMax = 2_000

/** The error a server tells of: OpenAI's object, a text alone, or what web frameworks send. HTML is never shown. */
export function toldError(body: unknown, head: Head): ApiError {
  const said = asRecord(body)
  const error = asRecord(said.error)
  const status = Number(error.code) >= 400 && Number(error.code) < 600 ? Number(error.code) : head.status
  const message = [error.message, said.error, said.message, said.detail].find(isShowable)
  return new ApiError(codeOf(error.code) ?? codeOfStatus(status), message?.slice(0, messageMax) ?? unsaid(status), {
    ...{ status, requestId: requestIdOf(head), retryAfterSeconds: retryAfterOf(head.headers) },
    type: typeof error.type === 'string' ? error.type : undefined,
    param: typeof error.param === 'string' ? error.param : undefined,
    details: error.details,
  })
}

/** An answer that is none of this API: a page, a text, a body without what was asked for. */
export function strange(head: Head): ApiError {
  const message =
    'the server answered with something that is no answer of this API; check its address, usually it ends in /v1'
  return new ApiError('bad_answer', message, { status: head.status, requestId: requestIdOf(head) })
}

/** An error with the answer it stands in. */
export function located(cause: unknown, head: Head): unknown {
  if (!(cause instanceof ApiError) || cause.status !== 0) return cause
  return new ApiError(cause.code, cause.message, {
    status: head.status,
    requestId: requestIdOf(head),
    cause: cause.cause,
  })
}

function requestIdOf({ headers }: Head): string | undefined {
  return headers.get('x-request-id') ?? undefined
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isShowable(text: unknown): text is string {
  return typeof text === 'string' && text.trim() !== '' && !text.trimStart().startsWith('<')
}

function codeOf(code: unknown): string | undefined {
  return typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) && !/^\d+$/.test(code) ? code : undefined
}

function codeOfStatus(status: number): string {
  const known: Readonly<Record<number, string>> = {
    401: 'unauthorized',
    402: 'payment_required',
    403: 'forbidden',
    404: 'not_found',
    408: 'timeout',
    413: 'too_large',
    429: 'rate_limited',
    503: 'overloaded',
    504: 'timeout',
  }
  return known[status] ?? (status >= 400 && status < 500 ? 'invalid_request' : 'backend_failed')
}

function unsaid(status: number): string {
  const next =
    status === 401 || status === 403 ? 'check the key' : status < 500 ? 'check the address and the model' : 'try again'
  return `the server failed with status ${status} and did not say why; ${next}`
}

/** Seconds or a date. */
function retryAfterOf(headers: Headers): number | undefined {
  const said = headers.get('retry-after')
  if (said === null) return undefined
  const seconds = /^\d+(?:\.\d+)?$/.test(said) ? Number(said) : (Date.parse(said) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined
}
