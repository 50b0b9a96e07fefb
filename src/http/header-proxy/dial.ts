import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { guardedLookup } from '../../core/addresses/index.ts'
import { ParleyError } from '../../core/index.ts'
import type { HeaderProxyEnv, ProxyFetchInit } from './env.ts'
import { isLoopback } from './target.ts'

export interface DialOptions {
  /** How names are looked up; as the system does when missing. */
  readonly lookup?: LookupFunction | undefined
}

/** Between two pieces of an answer. */
const idleMs = 5 * 60_000
/** As many as there may be of those who ask: answers last for minutes, and nobody waits behind them. */
const socketsPerUpstream = 1_000
const heldBytes = 64 * 1024

export interface Dialler {
  readonly fetch: HeaderProxyEnv['fetch']
  readonly close: () => void
}

/**
 * Asks upstreams where there is Node: a name that leads inside is refused as it is dialled. Addresses that are written as
 * such were judged before.
 */
export function createDialler({ lookup }: DialOptions = {}): Dialler {
  const kept = { keepAlive: true, maxSockets: socketsPerUpstream, maxFreeSockets: 8 }
  const agents = { 'http:': new HttpAgent(kept), 'https:': new HttpsAgent(kept) }
  return {
    fetch: (url, init) => {
      const target = new URL(url)
      const protocol = target.protocol === 'https:' ? 'https:' : 'http:'
      const options: RequestOptions = {
        agent: agents[protocol],
        lookup: guardedLookup({ allowPrivate: isLoopback(target.hostname) }, lookup),
        timeout: idleMs,
      }
      return dial(target, init, options)
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

async function dial(target: URL, init: ProxyFetchInit, options: RequestOptions): Promise<Response> {
  const { method, headers, body, bodyBytes, signal } = init
  if (bodyBytes !== undefined) headers.set('content-length', String(bodyBytes))
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = send(target, { ...options, method, headers: Object.fromEntries(headers), signal }, resolve)
  request.on('error', reject)
  request.on('timeout', () => request.destroy(new ParleyError('timeout', 'the upstream fell silent; try again')))
  if (body === null) request.end()
  else void pipeline(Readable.fromWeb(body as never), request, { signal }).catch(reject)
  const response = await promise
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    response.destroy()
    throw new ParleyError(
      'backend_failed',
      'the upstream packs its answer although it was asked not to; use another address of it',
    )
  }
  return asWeb(response)
}

/** Holds a bounded number of bytes; left to itself an older Node holds a number of pieces, whatever their size. */
export function webStream(from: Readable): ReadableStream<Uint8Array> {
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: heldBytes })
  return Readable.toWeb(from, { strategy }) as ReadableStream<Uint8Array>
}

function asWeb(response: IncomingMessage): Response {
  const { statusCode: status = 0, headersDistinct } = response
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  if (status >= 200 && status !== 204 && status !== 205 && status !== 304) {
    return new Response(webStream(response), { status, headers })
  }
  response.resume()
  return new Response(null, { status: Math.max(status, 200), headers })
}
