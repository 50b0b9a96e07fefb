import {
  type CacheUse,
  type CallRecord,
  type Context,
  type LimitState,
  limitHeaders,
  ParleyError,
  type Route,
  systemClock,
} from '../core/index.ts'
import { toWishes, WishFields, wishFieldsOf, withoutWishes } from '../openai/index.ts'
import { type BodyLimits, readJson } from './body.ts'
import { cacheControlOf } from './cache-control.ts'
import type { Exchange } from './exchange.ts'

/** What a schema of the wire model says about a body. */
interface Schema<T> {
  safeParse: (body: unknown) => { success: true; data: T } | { success: false; error: { issues: readonly Issue[] } }
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** A body that has the shape of its schema. Throws `invalid_request` naming the first field that has not. */
export function checked<T>(schema: Schema<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  if (path === '') throw new ParleyError('invalid_request', `the body does not fit: ${issue?.message}`)
  const isMissing = issue?.message.endsWith('received undefined')
  const message = isMissing ? `${path} is missing; send it` : `${path}: ${issue?.message}`
  throw new ParleyError('invalid_request', message, { param: path })
}

/**
 * The JSON body of a call without the fields that are for the gateway alone: what they want is kept with the exchange. How
 * this node routes what it sells is not for its buyers to say.
 */
export async function readCall(exchange: Exchange, limits: BodyLimits): Promise<unknown> {
  const body = await readJson(exchange.request, limits, exchange.signal, textOf(exchange.record))
  const fields = wishFieldsOf(body)
  if (fields === undefined) return body
  if (isPeer(exchange)) return withoutWishes(body, {})
  const wishes = checked(WishFields, fields)
  exchange.wishes = toWishes(wishes)
  return withoutWishes(body, wishes)
}

function textOf(record: CallRecord | undefined): ((text: string) => void) | undefined {
  if (!record?.keepsTexts) return undefined
  return text => {
    record.input = text
  }
}

function isPeer({ principal }: Exchange): boolean {
  return principal.kind === 'peer'
}

/** What a caller would pay at most is between it and this node; a provider that is paid hears what is left of it for its call. */
const passedHeaders = /^(?:parley-(?!max-price$)[a-z-]{1,32}|traceparent)$/

/** The context of a call that came over HTTP. */
export function contextOf(exchange: Exchange): Context {
  const { id, signal, principal, request, maxPrice, wishes, record } = exchange
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string' && passedHeaders.test(name)) headers[name] = value
  }
  return {
    ...{ id, signal, principal, headers },
    ...(maxPrice !== undefined && { maxPrice }),
    ...(wishes !== undefined && { wishes }),
    ...(record !== undefined && { record }),
    ...(!isPeer(exchange) && ofApp(exchange)),
  }
}

/** What an app may say about its call beyond what a peer may, and what it is told. */
function ofApp(exchange: Exchange): Partial<Context> {
  const cacheControl = cacheControlOf(exchange.request.headers['cache-control'])
  return {
    takesRuns: true,
    onRoute: route => showRoute(exchange, route),
    onCache: use => showCache(exchange, use),
    onLimits: left => showLimits(exchange, left),
    ...(cacheControl !== undefined && { cacheControl }),
  }
}

function showLimits({ response }: Exchange, left: LimitState): void {
  if (response.headersSent || response.destroyed) return
  for (const [name, value] of Object.entries(limitHeaders(left))) response.setHeader(name, value)
}

function showCache({ response }: Exchange, use: CacheUse): void {
  if (!response.headersSent && !response.destroyed) response.setHeader('x-parley-cache', use.toUpperCase())
}

/** Tells the app who answered, and how. As headers go before the answer, they hold what is known at its first chunk. */
function showRoute(exchange: Exchange, route: Route): void {
  const { response, startedAt } = exchange
  exchange.route = route
  if (response.headersSent || response.destroyed) return
  const overheadMs = Math.max(0, systemClock.monotonic() - startedAt - route.waitedMs)
  response.setHeader('x-parley-provider', plain(route.servedBy))
  response.setHeader('x-parley-attempts', route.attempts)
  response.setHeader('x-parley-overhead-ms', overheadMs.toFixed(2))
  if (route.overtook !== undefined) response.setHeader('x-parley-overtook', plain(route.overtook))
  if (route.isFallback) response.setHeader('x-parley-model', plain(route.shownModel ?? route.model))
}

/** What may stand in a header. */
function plain(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '?')
}
