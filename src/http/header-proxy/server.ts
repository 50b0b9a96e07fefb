import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ParleyError } from '../../core/index.ts'
import { createDialler, type DialOptions, webStream } from './dial.ts'
import type { HeaderProxyEnv, HeaderProxyRules } from './env.ts'
import { handle } from './handle.ts'
import { createLimiter, type LimiterOptions } from './limiter.ts'

export interface HeaderProxyOptions extends HeaderProxyRules, DialOptions {
  readonly host: string
  readonly port: number
  readonly log?: HeaderProxyEnv['log']
  readonly limits?: LimiterOptions
  /** Milliseconds a connection may stand still, because nobody sends or nobody reads. */
  readonly stallMs?: number
}

export interface HeaderProxy {
  readonly url: string
  /** Running answers have this long to end. */
  readonly stop: (graceMs: number) => Promise<void>
}

const connectionsMax = 1_000
const addressMaxLength = 64
const headersTimeoutMs = 10_000
const requestTimeoutMs = 120_000
/** Longer than upstreams may be silent. */
const defaultStallMs = 6 * 60_000

/** The header proxy as a server of its own. A port that is taken is `conflict`. */
export async function startHeaderProxy(options: HeaderProxyOptions): Promise<HeaderProxy> {
  const dialler = createDialler(options)
  const env = { ...options, fetch: dialler.fetch, limiter: createLimiter(options.limits) }
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, connectionsCheckingInterval: 1_000 },
    (request, response) => void serve(request, response, env),
  )
  server.maxConnections = connectionsMax
  server.timeout = options.stallMs ?? defaultStallMs
  await listening(server, options)
  const { port } = server.address() as AddressInfo
  const name = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `http://${name}:${port}`,
    stop: async graceMs => {
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeIdleConnections()
      })
      clearTimeout(timer)
      dialler.close()
    },
  }
}

async function listening(server: Server, { host, port }: HeaderProxyOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  try {
    await promise
  } catch (cause) {
    const message = `cannot listen on ${host}:${port}; choose another with --port or --host`
    throw new ParleyError('conflict', message, { cause })
  }
}

async function serve(message: IncomingMessage, response: ServerResponse, env: HeaderProxyEnv): Promise<void> {
  const left = new AbortController()
  response.on('close', () => left.abort())
  try {
    const request = requestOf(message, left.signal)
    if (request === undefined) return void response.writeHead(400, { connection: 'close' }).end()
    const answer = await handle(request, { ...env, client: clientOf(message) })
    // What was not read of a refused body would be taken for the next request.
    if (!message.complete && answer.status >= 400) response.shouldKeepAlive = false
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body === null) return void response.end()
    response.flushHeaders()
    await pipeline(Readable.fromWeb(answer.body as never), response, { signal: left.signal })
  } catch {
    // The upstream or the page broke off: a cut answer must not look whole.
    response.destroy()
  }
}

const unsendable = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** A server on this machine that stands in front says last who asked it. */
function clientOf({ socket, headersDistinct }: IncomingMessage): string | undefined {
  const { remoteAddress = '' } = socket
  const isInFront = /^(?:127\.|::1$|::ffff:127\.)/.test(remoteAddress)
  const said = isInFront ? headersDistinct['x-forwarded-for']?.at(-1)?.split(',').at(-1)?.trim() : undefined
  return said?.slice(0, addressMaxLength) ?? remoteAddress
}

/** Undefined for methods that no page can send. */
function requestOf(message: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '/', headersDistinct } = message
  if (unsendable.has(method)) return undefined
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  const path = url.startsWith('/') ? url : `/${url}`
  const body = method === 'POST' ? webStream(message) : null
  return new Request(`http://proxy.invalid${path}`, { method, headers, signal, body, duplex: 'half' } as RequestInit)
}
