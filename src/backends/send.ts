import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { ParleyError } from '../core/index.ts'
import { peerRefusal, upstreamRefusal } from './refusal.ts'
import { retryAfterOf } from './retry-after.ts'

/** A server as requests are sent to it. */
export interface Endpoint {
  /** How it is called in errors and outcomes; never its URL or key. */
  readonly name: string
  readonly dispatcher: Dispatcher
  readonly origin: string
  /** Sent with every request. What they hold is secret: it is taken out of words that are passed on. */
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the other side speaks our error codes. */
  readonly isPeer: boolean
  /** Largest body of an answer that is not a stream, in bytes. */
  readonly maxBodyBytes?: number
}

export interface Sending {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** Sent as JSON; undefined for none. */
  readonly body?: unknown
  /** In place of `body`: bytes as they are, with their media type. */
  readonly bytes?: { readonly type: string; readonly pieces: readonly Uint8Array[] }
  /** In place of both: what is read as it is sent. Its headers describe it. */
  readonly stream?: AsyncIterable<Uint8Array>
  readonly headers: Readonly<Record<string, string>>
  /** How long the head of the answer may take; without a bound, only the signal ends the wait. */
  readonly headersMs?: number | undefined
  /** How long each further piece of the answer may take; without a bound, only the signal ends the wait. */
  readonly idleMs?: number | undefined
  readonly signal: AbortSignal
}

export type Response = Dispatcher.ResponseData

const defaultMaxBodyBytes = 64 * 1024 * 1024
const maxRefusalBytes = 64 * 1024

/** Sends a request and gives a good answer; any other becomes a typed error. An abort closes the connection at once. */
export async function send(endpoint: Endpoint, sending: Sending): Promise<Response> {
  const { dispatcher, origin } = endpoint
  const { method, path, signal, headersMs = 0, idleMs = 0 } = sending
  const [entity, body] = encoded(sending)
  const headers = { ...endpoint.headers, ...sending.headers, ...entity }
  let response: Response
  try {
    const bounds = { headersTimeout: headersMs, bodyTimeout: idleMs }
    response = await dispatcher.request({ origin, method, path, signal, headers, body: body as never, ...bounds })
  } catch (cause) {
    throw unreachable(endpoint, signal, cause)
  }
  if (response.statusCode < 300) return response
  throw await refusal(endpoint, response, signal)
}

function encoded({ body, bytes, stream }: Sending): [headers: Record<string, string>, body: unknown] {
  if (stream !== undefined) return [{}, stream]
  if (bytes !== undefined) {
    const length = bytes.pieces.reduce((sum, piece) => sum + piece.length, 0)
    return [{ 'content-type': bytes.type, 'content-length': String(length) }, bytes.pieces]
  }
  return body === undefined ? [{}, null] : [{ 'content-type': 'application/json' }, JSON.stringify(body)]
}

function unreachable({ name, isPeer }: Endpoint, signal: AbortSignal, cause: unknown): ParleyError {
  if (cause instanceof ParleyError && cause.code === 'forbidden') return misled(name, cause)
  if (cause instanceof ParleyError || signal.aborted) return ParleyError.from(cause, signal)
  const code = (cause as { code?: unknown }).code
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new ParleyError('timeout', `${name} did not begin to answer in time; try another provider`, { cause })
  }
  const reason = typeof code === 'string' ? code : 'no connection'
  return new ParleyError(isPeer ? 'peer_unreachable' : 'backend_failed', `cannot reach ${name} (${reason})`, { cause })
}

/** The caller did nothing wrong: the address is the operator's, and another provider may answer. */
function misled(name: string, cause: ParleyError): ParleyError {
  const next = 'correct it, or see management.allowPrivateUpstreams'
  return new ParleyError('backend_failed', `${name} has an address that may not be reached; ${next}`, { cause })
}

/** What an answer with another status means. Reads its body. */
export async function refusal(endpoint: Endpoint, response: Response, signal: AbortSignal): Promise<ParleyError> {
  const { statusCode: status, headers, body } = response
  const text = await readText({ ...endpoint, maxBodyBytes: maxRefusalBytes }, body, signal).catch(() => '')
  if (signal.aborted) return ParleyError.from(signal.reason, signal)
  const { name, isPeer } = endpoint
  const refused = { name, status, body: safeJson(text), retryAfter: retryAfterOf(headers) }
  return isPeer ? peerRefusal(refused) : upstreamRefusal({ ...refused, secrets: secretsOf(endpoint) })
}

/** What a server is told in its headers, without the name of the scheme. */
export function secretsOf({ headers = {} }: Pick<Endpoint, 'headers'>): string[] {
  return Object.values(headers).map(value => value.replace(/^(?:bearer|basic) +/i, ''))
}

export async function readText(endpoint: Endpoint, body: Readable, signal: AbortSignal): Promise<string> {
  return (await readBytes(endpoint, body, signal)).toString('utf8')
}

export async function readBytes(endpoint: Endpoint, body: Readable, signal: AbortSignal): Promise<Buffer> {
  const limit = endpoint.maxBodyBytes ?? defaultMaxBodyBytes
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of body) {
      size += (piece as Buffer).length
      if (size > limit) throw new ParleyError('backend_failed', `${endpoint.name} sent more than ${limit} bytes`)
      pieces.push(piece as Buffer)
    }
  } catch (cause) {
    if (cause instanceof ParleyError || signal.aborted) throw ParleyError.from(cause, signal)
    throw new ParleyError('stream_cut', `${endpoint.name} broke off in the middle of its answer`, { cause })
  }
  return Buffer.concat(pieces)
}

export function parseJson({ name }: Endpoint, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ParleyError('backend_failed', `${name} answered something that is not JSON`, { cause })
  }
}

export function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
