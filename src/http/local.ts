import type { IncomingMessage } from 'node:http'
import { type EventLog, type Management, ParleyError, type Random, type Recorder } from '../core/index.ts'
import { adminRoutes, healthPath, pathsAsApp } from './admin/index.ts'
import { bearer, equalTo } from './bearer.ts'
import { type Exchange, type Handler, sendJson } from './exchange.ts'
import { explainRoute, type RouteRequest } from './explain-route.ts'
import { type Caller, createFront, type Front } from './front.ts'
import { createGate } from './gate.ts'
import { mediaRoutes } from './media-routes.ts'
import { isFromHere, type MetricsRoute, metricsPath, metricsRoute } from './metrics-route.ts'
import { type OpenAiRoutesOptions, openAiRoutes } from './openai-routes.ts'
import { createPages } from './pages.ts'
import { type PassageRoutesOptions, passageRoutes } from './passage-routes.ts'
import type { ProxySettings } from './proxied.ts'
import type { Routes } from './routes.ts'

export interface LocalFrontOptions extends Omit<OpenAiRoutesOptions, 'isPeer'>, PassageRoutesOptions, ProxySettings {
  readonly allowedHosts: readonly string[]
  readonly requireKey: boolean
  /** Who holds this API key or access token; undefined for one that is unknown or revoked. Throws for a session that is over. */
  readonly verifyKey: (key: string) => Caller | undefined | Promise<Caller | undefined>
  /** Opens `/api` to the commands of this machine; written to the run directory, new with every start. */
  readonly adminToken: string
  readonly status: () => unknown
  /** Which way a call would take, and why. */
  readonly explain: (question: RouteRequest) => unknown
  /** Without it `/api` has the status and the ways of calls alone, for the commands of this machine. */
  readonly management?: Management
  /** What `/api/events` tells. */
  readonly log?: EventLog
  /** Keeps what apps ask of models. */
  readonly recorder?: Recorder
  /** Without it there is no such page. */
  readonly metrics?: MetricsRoute
  /** Reads the setup of the node again; answered with what it returns. Without it there is no such route. */
  readonly reload?: () => Promise<unknown>
  /** Where the page of the node was built; there is none when missing. */
  readonly uiDirectory?: string | undefined
  /** Whether an API path is served; all are when missing. */
  readonly isOpen?: (path: string) => boolean
  /** What still keeps the node from answering; empty when it is ready. */
  readonly notReady: () => readonly string[]
  readonly random: Random
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly maxConnections: number
  readonly onError: (id: string, error: ParleyError) => void
}

/** The front for apps on this machine: OpenAI's routes, health and status. */
export function createLocalFront(options: LocalFrontOptions): Front {
  const gate = createGate(options)
  const { adminToken, metrics, uiDirectory: directory, stallMs } = options
  const pages = directory === undefined ? undefined : createPages({ directory, stallMs })
  const isMetricsToken = metrics?.token === undefined ? () => false : equalTo(metrics.token)
  const authentication = { ...options, isAdmin: equalTo(adminToken), isMetricsToken }
  return createFront({
    ...options,
    ...(options.metrics && { onRefused: options.metrics.refused }),
    reader: 'app',
    pages: pages?.handlerOf,
    routes: {
      ...openAiRoutes({ ...options, isPeer: false }),
      ...mediaRoutes({ ...options, isPeer: false }),
      ...passageRoutes(options),
      'GET /healthz/live': async ({ response }) => sendJson(response, 200, { status: 'ok' }),
      'GET /healthz/startup': exchange => readiness(exchange, options),
      'GET /healthz/ready': exchange => readiness(exchange, options),
      ...managementRoutes(options),
      ...(options.metrics && { [`GET ${metricsPath}`]: metricsRoute(options.metrics) }),
    },
    identify: (request, path) => {
      if (path.startsWith('/healthz/') || path === healthPath) return anonymous
      if (pages?.handlerOf(request, path) !== undefined) {
        gate(request, pages.isLinked(request, path))
        return anonymous
      }
      gate(request)
      // The management asks by itself who calls: most who may are not known at once.
      if (options.management !== undefined && path.startsWith('/api/')) {
        const asApp = pathsAsApp[path]
        return asApp === undefined ? anonymous : authenticate(authentication, request, asApp)
      }
      if (options.isOpen?.(path) === false) throw new ParleyError('not_found', `${path} is closed on this node`)
      return authenticate(authentication, request, path)
    },
  })
}

const anonymous: Caller = { principal: { kind: 'self', id: 'anonymous' } }
const admin: Caller = { principal: { kind: 'self', id: 'admin' } }

function managementRoutes(options: LocalFrontOptions): Routes {
  const { management, status, explain, reload } = options
  if (management !== undefined) return adminRoutes({ ...options, management, explain: explainRoute(explain) })
  return {
    'GET /api/status': async ({ response }) => sendJson(response, 200, status()),
    'GET /api/route/explain': explainRoute(explain),
    ...(reload && { 'POST /api/reload': reloadRoute(reload) }),
  }
}

function reloadRoute(reload: () => Promise<unknown>): Handler {
  return async ({ response }) => sendJson(response, 200, await reload())
}

async function readiness({ response }: Exchange, { notReady }: LocalFrontOptions): Promise<void> {
  const reasons = notReady()
  const status = reasons.length === 0 ? 'ok' : reasons.includes('stopping') ? 'stopping' : 'starting'
  sendJson(response, status === 'ok' ? 200 : 503, { status, reasons })
}

interface Authentication extends LocalFrontOptions {
  readonly isAdmin: (key: string) => boolean
  readonly isMetricsToken: (key: string) => boolean
}

function authenticate(options: Authentication, request: IncomingMessage, path: string): Caller | Promise<Caller> {
  const key = bearer(request)
  const isManagement = path === metricsPath || path.startsWith('/api/')
  const caller = key === undefined || isManagement ? undefined : options.verifyKey(key)
  if (caller instanceof Promise) return caller.then(known => known ?? withoutKey(options, request, path, key))
  return caller ?? withoutKey(options, request, path, key)
}

/** Who may come in although no API key of this node was shown. */
function withoutKey(options: Authentication, request: IncomingMessage, path: string, key: string | undefined): Caller {
  const isManagement = path === metricsPath || path.startsWith('/api/')
  if (key !== undefined && options.isAdmin(key)) return admin
  if (path === metricsPath) return scraper(options, request, key)
  if (isManagement) throw new ParleyError('unauthorized', 'this route takes the token of this machine’s run directory')
  if (!options.requireKey && key === undefined) return anonymous
  const reason =
    key === undefined
      ? 'no API key was sent; send authorization: Bearer sk-parley-…, or an access token'
      : 'this API key is unknown or revoked'
  throw new ParleyError('unauthorized', `${reason}; create one with parley key new`)
}

/** Who reads the page of numbers: an app's key does not open it. */
function scraper(
  { metrics, isMetricsToken }: Authentication,
  request: IncomingMessage,
  key: string | undefined,
): Caller {
  const mayRead = key === undefined ? metrics?.isOpen === true && isFromHere(request) : isMetricsToken(key)
  if (mayRead) return anonymous
  const message = 'this page takes the token of telemetry.metricsToken; send authorization: Bearer and that token'
  throw new ParleyError('unauthorized', message)
}
