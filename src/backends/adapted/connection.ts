import { fetch, Pool } from 'undici'
import { ParleyError } from '../../core/index.ts'
import { guardedConnector } from '../guard.ts'

export interface ConnectionOptions {
  readonly name: string
  /** Base URL of the service. */
  readonly url: string
  readonly connectTimeoutMs: number
  /** Whether it may be on this machine or in its own network; it may when missing. */
  readonly allowPrivate?: boolean | undefined
  readonly maxConnections: number
}

export interface Connection {
  readonly pool: Pool
  readonly origin: string
  readonly basePath: string
  /** For code that brings its own idea of HTTP: the pool, with no way to another address. The bound is for the head. */
  readonly fetch: (headersMs: number | undefined) => typeof globalThis.fetch
}

/** Largest answer of a service, streams included. */
const maxAnswerBytes = 256 * 1024 * 1024

/** Kept connections to one service. How long an answer may take is for the router to say. */
export function connect(options: ConnectionOptions): Connection {
  const { name, url, connectTimeoutMs, allowPrivate = true, maxConnections } = options
  const { origin, pathname, protocol } = URL.canParse(url) ? new URL(url) : { origin: '', pathname: '', protocol: '' }
  if (!/^https?:$/.test(protocol)) {
    throw new ParleyError('config_invalid', `the url of upstream ${name} is not http(s); correct upstreams`)
  }
  const pool = new Pool(origin, {
    connections: maxConnections,
    connect: guardedConnector({ connectTimeoutMs, allowPrivate }),
    bodyTimeout: 0,
    headersTimeout: 0,
    maxResponseSize: maxAnswerBytes,
  })
  const pooled = (headersTimeout = 0): typeof fetch => {
    const dispatcher = pool.compose(dispatch => (options, handler) => dispatch({ ...options, headersTimeout }, handler))
    return (input, init) => fetch(input, { ...init, dispatcher, redirect: 'manual' })
  }
  return {
    pool,
    origin,
    basePath: pathname.replace(/\/+$/, ''),
    // The same interface from another place: only the names of the types differ.
    fetch: headersMs => pooled(headersMs) as unknown as typeof globalThis.fetch,
  }
}
