import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ParleyError, type Random } from '../core/index.ts'
import { type Exchange, sendJson } from './exchange.ts'
import { explainRoute, type RouteRequest } from './explain-route.ts'
import { type Caller, createFront, type Front } from './front.ts'
import { createGate } from './gate.ts'
import { mediaRoutes } from './media-routes.ts'
import { type OpenAiRoutesOptions, openAiRoutes } from './openai-routes.ts'
import { type PassageRoutesOptions, passageRoutes } from './passage-routes.ts'

export interface LocalFrontOptions extends Omit<OpenAiRoutesOptions, 'isPeer'>, PassageRoutesOptions {
  readonly allowedHosts: readonly string[]
  readonly requireKey: boolean
  /** Who holds this API key; undefined for a key that is unknown or revoked. */
  readonly verifyKey: (key: string) => Caller | undefined
  /** Opens `/api/status` to the commands of this machine; written to the run directory, new with every start. */
  readonly adminToken: string
  readonly status: () => unknown
  /** Which way a call would take, and why. */
  readonly explain: (question: RouteRequest) => unknown
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
  const authentication = { ...options, isAdmin: equalTo(options.adminToken) }
  return createFront({
    ...options,
    reader: 'app',
    routes: {
      ...openAiRoutes({ ...options, isPeer: false }),
      ...mediaRoutes({ ...options, isPeer: false }),
      ...passageRoutes(options),
      'GET /healthz/live': async ({ response }) => sendJson(response, 200, { status: 'ok' }),
      'GET /healthz/startup': exchange => readiness(exchange, options),
      'GET /healthz/ready': exchange => readiness(exchange, options),
      'GET /api/status': async ({ response }) => sendJson(response, 200, options.status()),
      'GET /api/route/explain': explainRoute(options.explain),
    },
    identify: (request, path) => {
      if (path.startsWith('/healthz/')) return anonymous
      gate(request)
      return authenticate(authentication, request, path)
    },
  })
}

const anonymous: Caller = { principal: { kind: 'self', id: 'anonymous' } }
const admin: Caller = { principal: { kind: 'self', id: 'admin' } }

async function readiness({ response }: Exchange, { notReady }: LocalFrontOptions): Promise<void> {
  const reasons = notReady()
  sendJson(response, reasons.length === 0 ? 200 : 503, { status: reasons.length === 0 ? 'ok' : 'starting', reasons })
}

interface Authentication extends LocalFrontOptions {
  readonly isAdmin: (key: string) => boolean
}

function authenticate(options: Authentication, request: IncomingMessage, path: string): Caller {
  const key = bearer(request)
  if (key !== undefined && options.isAdmin(key)) return admin
  if (path.startsWith('/api/'))
    throw new ParleyError('unauthorized', 'this route takes the token of this machine’s run directory')
  const caller = key === undefined ? undefined : options.verifyKey(key)
  if (caller !== undefined) return caller
  if (!options.requireKey && key === undefined) return anonymous
  const reason =
    key === undefined
      ? 'no API key was sent; send authorization: Bearer sk-parley-…'
      : 'this API key is unknown or revoked'
  throw new ParleyError('unauthorized', `${reason}; create one with parley key new`)
}

function bearer({ headers }: IncomingMessage): string | undefined {
  const match = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')
  return match?.[1]
}

/** Compared by hash, so that neither content nor length shows in the time it takes. */
function equalTo(secret: string): (given: string) => boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer')
  const known = digest(secret)
  return given => timingSafeEqual(digest(given), known)
}
