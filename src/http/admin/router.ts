import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { type Actor, type EventLog, type Management, ParleyError, roles } from '../../core/index.ts'
import { bearer, equalTo } from '../bearer.ts'
import { type BodyLimits, readJson } from '../body.ts'
import { type Exchange, type Handler, sendJson } from '../exchange.ts'
import { addressOf, type ProxySettings, proxied } from '../proxied.ts'
import type { Routes } from '../routes.ts'
import { createUploadRoom, type UploadRoom } from '../upload.ts'
import { createMatcher, type Matched } from './match.ts'
import { fitting } from './misfit.ts'
import { type AdminRoute, type Asked, bodyMaxBytes } from './route.ts'
import { Id } from './schemas.ts'
import { type Telling, told } from './told.ts'

export interface AdminRouterOptions extends ProxySettings {
  readonly management: Management
  /** Hears who changes what. */
  readonly log?: EventLog
  /** Makes an admin of whoever can read the run directory; new with every start. */
  readonly adminToken: string
  /** Time for a whole body to arrive. */
  readonly bodyTimeoutMs: number
}

export const adminPrefix = '/api'

/** Large bodies and answers that are under way, of all callers and of one: each costs a few times its size. */
const largeHeldBytes = 128 * 1024 * 1024
const largeOwnBytes = 64 * 1024 * 1024

const machine: Actor = { kind: 'machine', id: 'admin', role: 'admin' }
/** Answers of the management are for one reader and never a page. */
const headers = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/** Everything below `/api`, as routes of a front. */
export function createAdminRouter(routes: readonly AdminRoute[], options: AdminRouterOptions): Routes {
  const match = createMatcher(routes)
  const isMachine = equalTo(options.adminToken)
  const room = createUploadRoom(largeHeldBytes, largeOwnBytes)
  const answering = { ...options, room, isProxied: proxied(options) }
  const handler: Handler = async exchange => {
    for (const [name, value] of Object.entries(headers)) exchange.response.setHeader(name, value)
    const { request, url } = exchange
    const matched = match(request.method ?? 'GET', url.pathname.slice(adminPrefix.length))
    const { route, params } = matched
    const telling: Telling = { actor: await actorOf(route, request, options, isMachine) }
    await told(route, params.id, options, telling, () => answer(exchange, matched, telling, answering))
  }
  return { [`* ${adminPrefix}/*`]: handler }
}

/** Who asks, before anything of the body is read. */
async function actorOf(
  { access }: AdminRoute,
  request: IncomingMessage,
  { management }: AdminRouterOptions,
  isMachine: (token: string) => boolean,
): Promise<Actor | undefined> {
  const token = bearer(request)
  if (access === 'public' && token === undefined) return undefined
  if (token === undefined) {
    throw new ParleyError('unauthorized', 'this route takes a token; log in and send authorization: Bearer …')
  }
  if (isMachine(token)) return machine
  if (access === 'public') return undefined
  return await management.identify(token)
}

function refuse({ access, takesKeys }: AdminRoute, actor: Actor | undefined): void {
  if (access === 'public' || actor === undefined || actor === machine) return
  if (actor.kind === 'key' && !takesKeys) {
    throw new ParleyError('forbidden', 'an API key may not do this; log in instead')
  }
  if (roles.indexOf(actor.role) >= roles.indexOf(access)) return
  throw new ParleyError('forbidden', `this takes the role ${access}, and you have ${actor.role}; ask an admin`)
}

interface Answering extends AdminRouterOptions {
  readonly room: UploadRoom
  readonly isProxied: (request: IncomingMessage) => boolean
}

async function answer(
  exchange: Exchange,
  { route, params }: Matched,
  telling: Telling,
  { management, bodyTimeoutMs, isProxied, room }: Answering,
): Promise<void> {
  const { request, response, signal } = exchange
  const { actor } = telling
  refuse(route, actor)
  for (const [name, value] of Object.entries(params)) fitting(route.params[name] ?? Id, value, 'path', name)
  const query = readQuery(route, exchange.url)
  const hold = (bytes: number) =>
    room.holdUntilSent(response, actor === undefined ? 'visitor' : `${actor.kind}:${actor.id}`, bytes)
  if (route.bodyMaxBytes > bodyMaxBytes) hold(declaredBytes(request, route.bodyMaxBytes))
  const limits = { maxBodyBytes: route.bodyMaxBytes, bodyTimeoutMs }
  const body = route.body && fitting(route.body, await bodyOf(route.body, request, limits, signal), 'body')
  telling.body = body
  const asked: Asked<unknown, unknown> = {
    ...{ params, query, body, actor, exchange, signal, hold },
    visitor: { address: addressOf(request, isProxied(request)), userAgent: request.headers['user-agent'] ?? '' },
  }
  const handed = await route.handle(asked, management)
  telling.handed = handed
  if (route.sends !== undefined) return
  if (route.answer !== undefined) return sendJson(response, route.status, route.answer.parse(handed))
  response.writeHead(route.status).end()
}

/** In a query a plus is a blank: the zone of a time that nobody escaped. */
const lostPlus = /^(\d{4}-\d\d-\d\dT[\d:.]+) (\d\d:\d\d)$/

/** Of a body that does not say how long it is, the most it may be. */
function declaredBytes({ headers }: IncomingMessage, maxBytes: number): number {
  return Math.min(Number(headers['content-length'] ?? maxBytes), maxBytes)
}

/** Who sends no body at all sends an empty object, where that says something. */
async function bodyOf(schema: z.ZodType, request: IncomingMessage, limits: BodyLimits, signal: AbortSignal) {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers
  if (length === '0' && encoding === undefined && schema.safeParse({}).success) return {}
  return await readJson(request, limits, signal)
}

function readQuery({ query }: AdminRoute, { searchParams }: URL): unknown {
  const names = [...new Set(searchParams.keys())]
  const isList = (name: string) => query !== undefined && listIn(query.shape[name])
  const twice = names.find(name => !isList(name) && searchParams.getAll(name).length > 1)
  if (twice !== undefined) {
    throw new ParleyError('invalid_request', `${twice.slice(0, 100)} is there twice; send it once`, {
      param: twice.slice(0, 100),
    })
  }
  if (query === undefined) return undefined
  const given = names.map(name => {
    const values = searchParams.getAll(name).map(value => value.replace(lostPlus, '$1+$2'))
    return [name, isList(name) ? values : values[0]] as const
  })
  return fitting(query, Object.fromEntries(given), 'query')
}

/** One that may be there several times. */
function listIn(field: unknown): boolean {
  return field instanceof z.ZodOptional ? listIn(field.unwrap()) : field instanceof z.ZodArray
}
