import type { LookupFunction } from 'node:net'
import { Agent, buildConnector, type RequestInit, fetch as undiciFetch } from 'undici'
import {
  guardedLookup,
  hostReach,
  isRefused,
  type ReachRule,
  refusedAddress,
  urlFault,
} from '../core/addresses/index.ts'
import { ParleyError } from '../core/index.ts'

export interface GuardOptions extends ReachRule {
  /** How a name is looked up; as the system does when missing. */
  readonly lookup?: LookupFunction | undefined
  readonly connectTimeoutMs: number
  readonly allowH2?: boolean
}

/**
 * Makes connections, and none to where the rule does not lead: an address is checked as it is dialled, a name by what its
 * lookup answers for this very connection. The failure is `forbidden`.
 */
export function guardedConnector(options: GuardOptions): buildConnector.connector {
  const { lookup, connectTimeoutMs: timeout, allowH2 = false } = options
  const connect = buildConnector({
    timeout,
    allowH2,
    lookup: guardedLookup(options, lookup),
  } as buildConnector.BuildOptions)
  return (target, callback) => {
    if (!isRefused(hostReach(target.hostname), options)) return connect(target, callback)
    callback(refusedAddress(`it leads to ${target.hostname}`), null)
  }
}

export interface GuardedFetchInit {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** Fetches from the world outside. Every failure is typed; what may not be reached is `forbidden`. */
export interface GuardedFetch {
  readonly fetch: (url: string, init: GuardedFetchInit) => Promise<Response>
  readonly close: () => Promise<void>
}

const connectionsPerServer = 8
const serversMax = 64

/** The one way to fetch from an address that somebody else has named. No redirect is followed. */
export function createGuardedFetch(options: GuardOptions): GuardedFetch {
  const dispatcher = new Agent({
    connect: guardedConnector(options),
    connections: connectionsPerServer,
    maxOrigins: serversMax,
    // Addresses come from anywhere and seldom twice: a connection that is kept would only take the place of others.
    pipelining: 0,
  })
  return {
    fetch: async (url, init) => {
      const fault = urlFault(url, options)
      if (fault !== undefined) throw refusedAddress(fault)
      const response = await answered(url, { ...init, dispatcher, redirect: 'manual' })
      if (response.status < 300 || response.status >= 400) return response
      await response.body?.cancel()
      throw refusedAddress('it answers with a redirect, and none is followed')
    },
    close: () => dispatcher.destroy(),
  }
}

async function answered(url: string, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
  try {
    // The same interface from another place: only the names of the types differ.
    return (await undiciFetch(url, init)) as unknown as Response
  } catch (cause) {
    const inner = (cause as { cause?: unknown }).cause
    if (inner instanceof ParleyError) throw inner
    if (init.signal.aborted) throw ParleyError.from(cause, init.signal)
    const code = ((inner ?? cause) as { code?: unknown }).code
    if (code === 'UND_ERR_MAX_ORIGINS_REACHED') {
      throw new ParleyError('overloaded', 'too many servers are asked at once; try again', { retryAfterSeconds: 1 })
    }
    const host = new URL(url).hostname
    const reason = typeof code === 'string' ? code : 'no connection'
    throw new ParleyError('backend_failed', `cannot reach ${host} (${reason}); check the address`, { cause })
  }
}
