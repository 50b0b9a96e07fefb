import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Account, CallRecord, Principal, Random, Recorder } from '../core/index.ts'
import { type ErrorCode, ParleyError, systemClock, uuid7 } from '../core/index.ts'
import { breakOff, callerSignal, type Handler, type Reader, sendError } from './exchange.ts'
import { demandHttps, type ProxySettings, proxied } from './proxied.ts'
import { findRoute, type Routes } from './routes.ts'
import { endInTime } from './sse-writer.ts'

/** Who is calling, and the most one of its calls may cost. */
export interface Caller {
  readonly principal: Principal
  readonly maxPrice?: bigint | undefined
  /** Whose its calls are; undefined for a caller without a key. */
  readonly account?: Account | undefined
}

export interface FrontOptions extends ProxySettings {
  readonly routes: Routes
  /** What is served beside the routes, and never in the place of one. */
  readonly pages?: ((request: IncomingMessage, path: string) => Handler | undefined) | undefined
  /**
   * Throws when this request may not be made at all, or by this caller. Runs before the body is read. A connection that
   * was accepted elsewhere brings its caller along.
   */
  readonly identify: (
    request: IncomingMessage,
    path: string,
    connection: Caller | undefined,
  ) => Caller | Promise<Caller>
  /** Keeps what apps ask of models; nothing is recorded without it. */
  readonly recorder?: Recorder | undefined
  /** Who reads the answers of this front. */
  readonly reader: Reader
  readonly random: Random
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly maxConnections: number
  /** Milliseconds a reader may take to make room before it is cut off, also behind the end of its answer. */
  readonly stallMs: number
  /** Told of failures that are ours; never with a prompt. */
  readonly onError: (id: string, error: ParleyError) => void
  /** Told of every request that gets an error in place of an answer. */
  readonly onRefused?: (code: ErrorCode) => void
}

/** An HTTP front: on a socket for apps, fed with streams for peers. */
export interface Front {
  listen: (host: string, port: number) => Promise<AddressInfo>
  /** Takes a connection that was accepted, and whose caller was authenticated, elsewhere. */
  accept: (connection: Duplex, caller: Caller) => void
  /** Stops accepting; ends idle connections, and all of them when the signal is aborted. */
  close: (signal: AbortSignal) => Promise<void>
}

export function createFront(options: FrontOptions): Front {
  const server = createServer({
    headersTimeout: options.headersTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 65_000,
    maxHeaderSize: 16 * 1024,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
  })
  server.maxConnections = options.maxConnections
  const given = { ...options, isProxied: proxied(options) }
  const accepted = new Map<Duplex, Caller>()
  const running = new Set<ServerResponse>()
  let isClosing = false
  server.on('request', (request, response) => {
    running.add(response)
    response.once('close', () => {
      running.delete(response)
      // Nobody comes again on a connection whose answer was the last one.
      if (isClosing) setImmediate(() => server.closeIdleConnections())
    })
    void handle(given, request, response, accepted.get(request.socket))
  })
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    const status = refusals[code] ?? '400 Bad Request'
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
    else socket.destroy()
  })
  return {
    listen: (host, port) => listen(server, host, port),
    accept: (connection, caller) => {
      if (accepted.size >= options.maxConnections) {
        connection.destroy()
        return
      }
      accepted.set(connection, caller)
      connection.once('close', () => accepted.delete(connection))
      server.emit('connection', connection)
    },
    close: async signal => {
      isClosing = true
      const isListening = server.listening
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeIdleConnections()
      const closeAll = () => {
        for (const response of running) breakOff(response)
        server.closeAllConnections()
        for (const connection of accepted.keys()) connection.destroy()
      }
      if (!isListening || signal.aborted) closeAll()
      signal.addEventListener('abort', closeAll, { once: true })
      if (isListening) await closed
    },
  }
}

/** Of what never became a request. */
const refusals: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

async function handle(
  options: FrontOptions & { readonly isProxied: (request: IncomingMessage) => boolean },
  request: IncomingMessage,
  response: ServerResponse,
  connection: Caller | undefined,
): Promise<void> {
  const startedAt = systemClock.monotonic()
  const name = givenName(request)
  const ownId = uuid7(systemClock.now(), options.random)
  const id = name ?? ownId
  response.setHeader('x-request-id', id)
  response.setHeader('x-content-type-options', 'nosniff')
  response.on('error', () => response.destroy())
  const signal = callerSignal(response)
  let record: CallRecord | undefined
  try {
    if (options.isProxied(request)) demandHttps(request, response)
    const url = parseUrl(request)
    const identified = options.identify(request, url.pathname, connection)
    const caller = identified instanceof Promise ? await identified : identified
    const handler =
      options.pages?.(request, url.pathname) ?? findRoute(options.routes, request.method ?? 'GET', url.pathname)
    record = recordOf(options, request, url, caller, { id: ownId, name })
    const { principal, maxPrice } = caller
    const cap = lowest(maxPrice, priceHeader(request))
    const noted = record === undefined ? {} : { record }
    await handler({ request, response, url, id, signal, principal, maxPrice: cap, startedAt, ...noted })
  } catch (cause) {
    const error = ParleyError.from(cause, signal)
    if (record !== undefined) record.errorCode ??= error.code
    if (!response.headersSent) options.onRefused?.(error.code)
    if (error.code === 'internal') options.onError(id, error)
    sendError(response, error, options.reader)
  }
  endInTime(response, options.stallMs)
  if (record === undefined) return
  await endRecord(options.recorder!, record, response, startedAt).catch((cause: unknown) =>
    options.onError(id, ParleyError.from(cause)),
  )
}

/** What is asked of models is recorded, and what became of it; files, jobs and lists are not. */
const recordedPath =
  /^(?:\/v1\/(?:chat\/completions|completions|embeddings|responses|moderations|rerank|images\/\w+|audio\/\w+)|\/api\/transcription|\/rerank)$/

function recordOf(
  { recorder }: FrontOptions,
  { method }: IncomingMessage,
  { pathname: path }: URL,
  { principal, account }: Caller,
  names: Pick<CallRecord, 'id' | 'name'>,
): CallRecord | undefined {
  if (recorder === undefined || method !== 'POST' || !recordedPath.test(path)) return undefined
  return recorder.begin({ ...names, path, principal, account })
}

const leftStatus = 499

/** The answer is over when it was sent or cannot be sent any more. */
async function endRecord(recorder: Recorder, record: CallRecord, response: ServerResponse, startedAt: number) {
  if (!response.writableFinished && !response.destroyed) {
    await new Promise<void>(resolve => response.once('finish', resolve).once('close', resolve))
  }
  recorder.end(record, {
    status: response.headersSent ? response.statusCode : leftStatus,
    isWhole: response.writableFinished && (record.errorCode === undefined || record.isAnswered === true),
    totalMs: systemClock.monotonic() - startedAt,
  })
}

/** A caller may name its request, so that both sides' logs meet; anything odd gets a name of ours. */
function givenName({ headers }: IncomingMessage): string | undefined {
  const given = headers['parley-request'] ?? headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : undefined
}

/** A proxy in front would take a path with a host or a backslash in it for another one than this node does. */
const pathOnly = /^\/(?!\/)[^\\?]*(?:\?|$)/

/** A slash at the end says nothing. */
function parseUrl({ url = '/' }: IncomingMessage): URL {
  const parsed = pathOnly.test(url) ? URL.parse(url, 'http://node') : null
  if (parsed !== null) {
    if (parsed.pathname.endsWith('/')) parsed.pathname = parsed.pathname.slice(0, -1)
    return parsed
  }
  throw new ParleyError('invalid_request', 'the request target is not a path')
}

function priceHeader({ headers }: IncomingMessage): bigint | undefined {
  const value = headers['parley-max-price']
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^\d{1,38}$/.test(value)) return BigInt(value)
  throw new ParleyError('invalid_request', 'parley-max-price is a whole number of the smallest token units')
}

function lowest(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a < b ? a : b
}

async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen(port, host, resolve)
  try {
    await promise
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new ParleyError('conflict', `port ${port} on ${host} is taken; stop the other program or set http.port`, {
        cause,
      })
    }
    throw new ParleyError(
      'config_invalid',
      `cannot listen on ${host}:${port} (${code}); check http.host and http.port`,
      { cause },
    )
  }
  server.off('error', reject)
  return server.address() as AddressInfo
}
