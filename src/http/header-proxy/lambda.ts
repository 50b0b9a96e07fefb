import { errorTable, errorType } from '../../core/index.ts'
import { createDialler } from './dial.ts'
import { rulesFrom } from './env.ts'
import { handle } from './handle.ts'
import { createLimiter } from './limiter.ts'

/** What API Gateway (payload 2.0) and function URLs hand over, as far as it is read. */
export interface GatewayEvent {
  readonly rawPath: string
  readonly rawQueryString?: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body?: string
  readonly isBase64Encoded?: boolean
  readonly requestContext: {
    readonly stage?: string
    readonly http: { readonly method: string; readonly sourceIp?: string }
  }
}

export interface GatewayResult {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly isBase64Encoded: true
}

/** The part of a writable stream that is used. */
interface Sink {
  readonly write: (piece: Uint8Array) => boolean
  readonly once: (event: 'drain' | 'close', listener: () => void) => unknown
  readonly end: () => void
}

/** What the runtime offers where answers may be streamed. */
interface StreamingRuntime {
  readonly streamifyResponse: (work: (event: GatewayEvent, sink: Sink) => Promise<void>) => unknown
  readonly HttpResponseStream: {
    readonly from: (sink: Sink, head: { statusCode: number; headers: Readonly<Record<string, string>> }) => Sink
  }
}

/** An answer that is not streamed may be 6 MB, in base64. */
const answerMaxBytes = 4.4 * 1024 * 1024

const limiter = createLimiter()
const { fetch } = createDialler()
const runtime = (globalThis as { readonly awslambda?: StreamingRuntime }).awslambda

/** Gives the whole answer at once. */
export async function handler(event: GatewayEvent): Promise<GatewayResult> {
  const response = await respond(event)
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response.body ?? []) {
    size += piece.byteLength
    if (size > answerMaxBytes) return tooLarge(response)
    pieces.push(piece)
  }
  return resultOf(response, Buffer.concat(pieces))
}

/** Gives the answer as it comes; there only where the runtime can do that. */
export const streamHandler = runtime?.streamifyResponse(async (event, sink) => {
  const left = new AbortController()
  const { status: statusCode, headers, body } = await respond(event, left.signal)
  const out = runtime.HttpResponseStream.from(sink, { statusCode, headers: Object.fromEntries(headers) })
  out.once('close', () => left.abort())
  try {
    for await (const piece of body ?? []) {
      if (!out.write(piece)) await drained(out)
    }
  } catch (cause) {
    if (left.signal.aborted) return
    throw cause
  }
  out.end()
})

function drained(out: Sink): Promise<void> {
  return new Promise(resolve => {
    out.once('drain', resolve)
    out.once('close', resolve)
  })
}

function respond(event: GatewayEvent, signal?: AbortSignal): Promise<Response> {
  return handle(requestOf(event, signal), {
    ...rulesFrom(process.env),
    limiter,
    client: event.requestContext.http.sourceIp,
    fetch,
    log: line => console.log(JSON.stringify(line)),
  })
}

function requestOf(event: GatewayEvent, signal: AbortSignal | undefined): Request {
  const { rawPath, rawQueryString = '', headers, body, isBase64Encoded, requestContext } = event
  const { stage = '$default', http } = requestContext
  const path = rawPath.startsWith(`/${stage}/`) ? rawPath.slice(stage.length + 1) : rawPath
  const query = rawQueryString === '' ? '' : `?${rawQueryString}`
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const bytes = body === undefined ? null : Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8')
  const method = http.method.toUpperCase()
  const request = new Headers(given)
  if (bytes !== null) request.set('content-length', String(bytes.length))
  return new Request(`https://proxy.invalid${path}${query}`, {
    ...{ method, headers: request },
    body: method === 'POST' ? bytes : null,
    ...(signal && { signal }),
  })
}

function tooLarge(response: Response): GatewayResult {
  const { http: status } = errorTable.too_large
  const message = 'the answer is larger than can be given at once; deploy streamHandler'
  const error = { message, type: errorType(status), param: null, code: 'too_large' }
  const headers = new Headers(response.headers)
  headers.set('content-type', 'application/json')
  return resultOf(new Response(null, { status, headers }), Buffer.from(JSON.stringify({ error })))
}

function resultOf({ status: statusCode, headers }: Response, body: Buffer): GatewayResult {
  return { statusCode, headers: Object.fromEntries(headers), body: body.toString('base64'), isBase64Encoded: true }
}
