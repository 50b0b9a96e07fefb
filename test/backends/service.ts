import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AdaptedOptions, createAdapted, type ServiceKind, type UpstreamBackend } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { type Dialect, dialects, type Piece } from './dialects.ts'

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
}

export interface Asked {
  readonly request: Request
  readonly response: ServerResponse
  readonly dialect: Dialect
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal
  readonly say: (...pieces: Piece[]) => Promise<void>
  readonly json: (status: number, body: unknown, headers?: Record<string, string>) => void
}

export interface Service {
  readonly url: string
  readonly backend: UpstreamBackend
  readonly requests: readonly Request[]
  /** Connections that are open. */
  readonly connections: () => number
  /** Connections ever accepted. */
  readonly accepted: () => number
  readonly stop: () => Promise<void>
}

/** A server that speaks a service's protocol, and the backend that talks to it. */
export async function startService(
  kind: ServiceKind,
  answer: (asked: Asked) => Promise<void> | void,
  options: Partial<AdaptedOptions> = {},
): Promise<Service> {
  const dialect = dialects[kind]
  const requests: Request[] = []
  let accepted = 0
  let open = 0
  const server = createServer(async (incoming, response) => {
    const { method = '', url: path = '', headers } = incoming
    const text = Buffer.concat(await incoming.toArray().catch(() => [])).toString()
    const request: Request = { method, path, headers, body: text === '' ? {} : JSON.parse(text) }
    requests.push(request)
    const left = new AbortController()
    response.on('error', () => {}).once('close', () => left.abort())
    const write = dialect.writer()
    const say = async (...pieces: Piece[]) => {
      for (const piece of pieces) {
        if (!response.headersSent) response.writeHead(200, { 'content-type': dialect.streamType })
        if (!response.write(write(piece))) await once(response, 'drain', { signal: left.signal }).catch(() => {})
      }
    }
    const json = (status: number, body: unknown, more: Record<string, string> = {}) =>
      void response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(body))
    await answer({ request, response, dialect, gone: left.signal, say, json })
  })
  server.on('connection', socket => {
    accepted++
    open++
    socket.once('close', () => open--)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${dialect.base}`
  const backend = createAdapted({
    name: 'far',
    kind,
    url,
    apiKey: secret,
    models: dialect.models === undefined ? ['m'] : [],
    clock: systemClock,
    connectTimeoutMs: 5_000,
    maxConnections: 64,
    ...options,
  })
  const stop = async () => {
    await backend.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return { url, backend, requests, connections: () => open, accepted: () => accepted, stop }
}

export const secret = 'sk-far-0123456789abcdef'
