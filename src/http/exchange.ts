import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { CallRecord, Principal, Route } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Wishes } from '../openai/index.ts'

/** One request and its response, with what the front has found out about them. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** Names the exchange in `x-request-id`, events and errors. */
  readonly id: string
  /** Aborted with `cancelled` when the caller leaves before the answer is complete. */
  readonly signal: AbortSignal
  readonly principal: Principal
  /** The most one call may cost, from the key or from `parley-max-price`. */
  readonly maxPrice: bigint | undefined
  /** `systemClock.monotonic()` of its arrival. */
  readonly startedAt: number
  /** Where what happens is noted; absent where nothing of it is kept, as for peers. */
  readonly record?: CallRecord
  /** What its body wants of the routing, once that was read. */
  wishes?: Wishes
  /** The way its call has taken so far. Neither is ever there for a peer. */
  route?: Route
}

export type Handler = (exchange: Exchange) => Promise<void>

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  // A string leaves with its headers in one piece.
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}

/** Answers with OpenAI's error body, or ends the connection when it is too late for a status. What is complete stays so. */
export function sendError(response: ServerResponse, error: ParleyError, reader: Reader = 'other'): void {
  if (response.writableEnded) return
  if (response.headersSent || response.destroyed) {
    breakOff(response)
    return
  }
  const headers: Record<string, string> = {}
  if (error.retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.ceil(error.retryAfterSeconds))
  if (error.code === 'method_not_allowed') headers.allow = String(error.details?.allow ?? '').replaceAll(',', ', ')
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer'
  const isRequestUnread = error.code === 'too_large' || error.code === 'too_slow'
  if (isRequestUnread) headers.connection = 'close'
  const status = (reader === 'app' ? error.passOn?.status : undefined) ?? error.httpStatus
  sendJson(response, status, shown(error, reader), headers)
}

/**
 * Ends a connection in the midst of an answer. A caller that takes the end of the connection for the end of the answer, as
 * HTTP/1.0 does, must not see an orderly one: on a socket it is reset.
 */
export function breakOff(response: ServerResponse): void {
  if (response.socket instanceof Socket && !response.writableFinished) response.socket.resetAndDestroy()
  response.destroy()
}

/** Who reads an answer: the app that sent the request, which may see what an upstream said of it, or anybody else. */
export type Reader = 'app' | 'other'

/** What the caller sees of an error. The words of an unforeseen one may hold anything, so they stay here. */
export function shown(error: ParleyError, reader: Reader = 'other'): unknown {
  if (reader === 'app' && error.passOn?.body !== undefined) return error.passOn.body
  if (error.code !== 'internal') return error.toBody()
  return new ParleyError('internal', 'the node failed; its log has the reason under this request id').toBody()
}

/** A signal that is aborted when the caller leaves before the response is complete. */
export function callerSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new ParleyError('cancelled', 'the caller went away'))
  })
  return gone.signal
}
