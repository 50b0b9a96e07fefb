import { errorTable, errorType } from '../../core/index.ts'
import type { HeaderProxyEnv } from './env.ts'
import { answerHeaders, preflightHeaders, secretHeader, upstreamHeaders } from './headers.ts'
import { networkOf } from './limiter.ts'
import { type Refusal, targetOf } from './target.ts'

const bodyMaxBytes = 25 * 1024 * 1024
/** Models may think before they begin. */
const headMs = 10 * 60_000
/** Statuses that have no body. */
const bodiless = new Set([204, 205])

/**
 * Adds to the answers of an upstream what a browser wants to see before it shows them to a page, and nothing else: pages
 * of known origins, upstreams of a list, a few headers each way. The key of a request passes through and is kept nowhere.
 */
export async function handle(request: Request, env: HeaderProxyEnv): Promise<Response> {
  const startedAt = performance.now()
  const record = { host: '' }
  const response = await answer(request, env, record)
  const ms = Math.round(performance.now() - startedAt)
  env.log?.({ method: request.method, host: record.host, status: response.status, ms })
  return response
}

async function answer(request: Request, env: HeaderProxyEnv, record: { host: string }): Promise<Response> {
  const { method, headers } = request
  const origin = headers.get('origin')
  const isOwnPage = origin === null && headers.get('sec-fetch-site') === 'same-origin'
  if (!isOwnPage && !isAllowedOrigin(origin, env)) return refused(unknownOrigin, null)
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers: preflightHeaders(headers, origin) })
  if (method !== 'GET' && method !== 'POST') return refused(unknownMethod, origin)
  const waitSeconds = env.limiter.take(await keysOf(headers, env))
  if (waitSeconds > 0) return refused({ ...tooOften, retryAfterSeconds: waitSeconds }, origin)
  if (env.secret !== undefined && !(await isSame(headers.get(secretHeader) ?? '', env.secret))) {
    return refused(noSecret, origin)
  }
  const target = targetOf(request.url, env)
  if ('code' in target) return refused(target, origin)
  record.host = target.host
  if (Number(headers.get('content-length')) > bodyMaxBytes) return refused(tooLarge, origin)
  return await passedOn(request, target, env, origin)
}

function isAllowedOrigin(origin: string | null, { allowOrigins }: HeaderProxyEnv): boolean {
  return origin !== null && allowOrigins.some(entry => entry === '*' || entry.replace(/\/$/, '') === origin)
}

async function passedOn(request: Request, target: URL, env: HeaderProxyEnv, origin: string | null): Promise<Response> {
  const { method, body } = request
  const ended = new AbortController()
  const signal = AbortSignal.any([request.signal, ended.signal])
  const timer = setTimeout(() => ended.abort(), headMs)
  const counted = method === 'POST' && body !== null ? countedBody(body) : undefined
  try {
    const response = await env.fetch(target.href, {
      ...{ method, signal, headers: upstreamHeaders(request.headers), body: counted?.body ?? null },
      bodyBytes: counted === undefined ? undefined : lengthOf(request.headers),
      ...{ redirect: 'manual', duplex: 'half' },
    })
    return await answered(response, origin)
  } catch (cause) {
    const isLate = ended.signal.aborted
    // Of an answer that cannot be given on, the rest is not fetched.
    ended.abort()
    if (counted?.isTooLarge() === true) return refused(tooLarge, origin)
    if (request.signal.aborted) return refused(gone, origin)
    if (isLate) return refused(tooSlow, origin)
    return refused(failureOf(cause), origin)
  } finally {
    clearTimeout(timer)
  }
}

/** The upstream's answer as it comes, a failure of its own included. */
async function answered(response: Response, origin: string | null): Promise<Response> {
  const { status, body } = response
  // Some runtimes hide a redirect behind the status 0.
  if (status < 200 || (status >= 300 && status < 400)) {
    await body?.cancel()
    return refused(redirected, origin)
  }
  const headers = answerHeaders(response.headers, origin)
  return new Response(bodiless.has(status) ? null : body, { status, headers })
}

/** Words of our own may be shown; those of a runtime may hold addresses. */
function failureOf(cause: unknown): Refusal {
  const { name, code, message } = cause as { name?: unknown; code?: unknown; message?: unknown }
  if (name !== 'ParleyError') return unreachable
  if (code === 'forbidden') return leadsInside
  return { code: code === 'timeout' ? code : 'backend_failed', message: String(message) }
}

function lengthOf(headers: Headers): number | undefined {
  const length = headers.get('content-length')
  return length !== null && /^\d{1,9}$/.test(length) ? Number(length) : undefined
}

interface CountedBody {
  readonly body: ReadableStream<Uint8Array>
  readonly isTooLarge: () => boolean
}

function countedBody(body: ReadableStream<Uint8Array>): CountedBody {
  let size = 0
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform: (piece, controller) => {
      size += piece.byteLength
      if (size > bodyMaxBytes) controller.error(new DOMException(tooLarge.message, 'QuotaExceededError'))
      else controller.enqueue(piece)
    },
  })
  return { body: body.pipeThrough(counting), isTooLarge: () => size > bodyMaxBytes }
}

/** Who asks, and with which key: either may ask so often and no oftener. The key itself is not kept. */
async function keysOf(headers: Headers, { client = '' }: HeaderProxyEnv): Promise<string[]> {
  const key = headers.get('authorization') ?? headers.get('x-api-key') ?? headers.get('api-key')
  const own = [`client ${networkOf(client)}`]
  return key === null ? own : [...own, `key ${[...(await digest(key))].join(' ')}`]
}

async function isSame(given: string, wanted: string): Promise<boolean> {
  const [one, other] = await Promise.all([digest(given), digest(wanted)])
  return one.reduce((sum, byte, at) => sum | (byte ^ other[at]!), 0) === 0
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

/** An error the page can read, if it is one that may ask. */
function refused({ code, message, retryAfterSeconds }: Refusal, origin: string | null): Response {
  const status = errorTable[code].http
  const headers = answerHeaders(
    new Headers({
      'content-type': 'application/json',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    }),
    origin,
  )
  if (code === 'method_not_allowed') headers.set('allow', 'GET, POST, OPTIONS')
  const error = { message, type: errorType(status), param: null, code }
  return new Response(JSON.stringify({ error }), { status, headers })
}

const unknownOrigin: Refusal = {
  code: 'forbidden',
  message: 'pages of this origin may not use this proxy; add the origin to those that may',
}
const unknownMethod: Refusal = { code: 'method_not_allowed', message: 'this proxy passes on GET and POST alone' }
const tooOften: Refusal = { code: 'rate_limited', message: 'too many requests; wait for the time in retry-after' }
const noSecret: Refusal = {
  code: 'unauthorized',
  message: `this proxy asks for a secret that is missing or wrong; send it as ${secretHeader}`,
}
const tooLarge: Refusal = { code: 'too_large', message: `the body is larger than ${bodyMaxBytes} bytes; send less` }
const gone: Refusal = { code: 'cancelled', message: 'the caller went away' }
const tooSlow: Refusal = { code: 'timeout', message: 'the upstream did not begin to answer in time; try again' }
const leadsInside: Refusal = {
  code: 'forbidden',
  message: 'the name of the upstream leads to a network that may not be reached; check its address',
}
const unreachable: Refusal = {
  code: 'backend_failed',
  message: 'the upstream cannot be reached, or broke off; check its address and try again',
}
const redirected: Refusal = {
  code: 'backend_failed',
  message: 'the upstream answers with a redirect, and none is followed; use the address it leads to',
}
