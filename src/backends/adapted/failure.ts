import { ParleyError } from '../../core/index.ts'
import { upstreamRefusal } from '../refusal.ts'
import { retryAfterOf } from '../retry-after.ts'

/** An error of the services' packages, by the fields that are read. They hold requests and answers, so nothing else is kept. */
interface Foreign {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly cause?: unknown
  readonly statusCode?: unknown
  readonly responseHeaders?: Readonly<Record<string, string>>
  readonly responseBody?: unknown
}

export interface FailureContext {
  readonly name: string
  /** Taken out of words that are passed on. */
  readonly secrets: readonly string[]
  readonly signal: AbortSignal
  /** Whether the service had begun to answer. */
  readonly isAnswering: boolean
}

/** What a failure of a service means, in our own words. */
export function failureOf(cause: unknown, context: FailureContext): ParleyError {
  const { name, signal, isAnswering } = context
  if (cause instanceof ParleyError) return cause
  // What was thrown holds the request; why it was aborted does not.
  if (signal.aborted) return ParleyError.from(signal.reason, signal)
  const foreign = (typeof cause === 'object' && cause !== null ? cause : {}) as Foreign
  const status = foreign.statusCode
  if (typeof status === 'number' && status >= 300) return refusalOf(context, status, foreign)
  if (foreign.name === 'AI_APICallError' && status === undefined) return unreachable(name, foreign)
  if (unsupportedNames.has(foreign.name)) {
    return new ParleyError('unsupported', `${name} cannot do all that the request asks for; ask for less`)
  }
  if (malformedNames.has(foreign.name)) {
    return new ParleyError(
      'invalid_request',
      `${name} cannot be asked like this: a field of the request does not fit it`,
    )
  }
  const isBrokenOff = status !== undefined && foreign.message !== 'Invalid JSON response'
  if (isAnswering || isBrokenOff) {
    return new ParleyError('stream_cut', `${name} broke off in the middle of its answer`)
  }
  return new ParleyError('backend_failed', `${name} answered something that is not understood`)
}

/** What an error event inside an answer means. Once the answer has begun nothing about the request is at fault. */
export function reportedFailure(error: unknown, context: FailureContext & { hasSpoken: boolean }): ParleyError {
  const { statusCode } = (typeof error === 'object' && error !== null ? error : {}) as Foreign
  if (!context.hasSpoken && typeof statusCode === 'number') return failureOf(error, context)
  if (error instanceof ParleyError || context.signal.aborted) return failureOf(error, context)
  return new ParleyError('backend_failed', `${context.name} reported an error in the middle of its answer`)
}

const unsupportedNames: ReadonlySet<unknown> = new Set(['AI_UnsupportedFunctionalityError', 'AI_NoSuchModelError'])
const malformedNames: ReadonlySet<unknown> = new Set([
  'AI_InvalidPromptError',
  'AI_InvalidArgumentError',
  'AI_TooManyEmbeddingValuesForCallError',
])

const tooLong =
  /context[_ ](?:length|window)|prompt is too long|input is too long|too many (?:input )?tokens|exceeds? the maximum number of tokens/i
const badKey = /API_KEY_INVALID|API key not valid/

function refusalOf({ name, secrets }: FailureContext, status: number, foreign: Foreign): ParleyError {
  const { message, responseHeaders = {}, responseBody } = foreign
  const text = typeof responseBody === 'string' ? responseBody : ''
  const words = typeof message === 'string' ? message : ''
  const isTooLong = status === 400 && tooLong.test(`${words} ${text}`)
  const code = isTooLong ? 'context_length_exceeded' : null
  return upstreamRefusal({
    name,
    // Google calls a wrong key a bad request, which would be the caller's fault.
    status: status === 400 && badKey.test(text) ? 401 : status,
    body: { error: { message: words, type: 'invalid_request_error', param: null, code } },
    retryAfter: retryAfterOf(responseHeaders),
    secrets,
  })
}

const causesMax = 8

function unreachable(name: string, error: Foreign): ParleyError {
  let at: Foreign | undefined = error
  for (let depth = 0; depth < causesMax && at !== undefined; depth++) {
    if (typeof at.code === 'string') break
    at = typeof at.cause === 'object' && at.cause !== null ? (at.cause as Foreign) : undefined
  }
  if (at?.code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new ParleyError('timeout', `${name} did not begin to answer in time; try another provider`)
  }
  const reason = typeof at?.code === 'string' ? at.code : 'no connection'
  return new ParleyError('backend_failed', `cannot reach ${name} (${reason})`)
}
