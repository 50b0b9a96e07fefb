import type { IncomingMessage, ServerResponse } from 'node:http'
import { ParleyError, type Passage, type PassageAnswer, type PassageRequest } from '../core/index.ts'
import type { Exchange, Handler } from './exchange.ts'
import type { Routes } from './routes.ts'
import { drained } from './sse-writer.ts'

export interface PassageRoutesOptions {
  /** The servers that keep files and fine-tuning jobs, in the order of the configuration. */
  readonly passages?: () => readonly Passage[]
  /** Milliseconds a reader may take to make room before it is cut off. */
  readonly stallMs: number
}

const paths = ['/v1/files', '/v1/files/*', '/v1/fine_tuning/jobs', '/v1/fine_tuning/jobs/*'] as const
const methods = ['GET', 'POST', 'DELETE'] as const
const maxUploadBytes = 1024 * 1024 * 1024
const totalMs = 3_600_000
const runningMax = 32

/**
 * Files and fine-tuning jobs, relayed to the server that keeps them under ids of its own: with its key in place of the
 * caller's, streamed both ways. For apps alone.
 */
export function passageRoutes(options: PassageRoutesOptions): Routes {
  let running = 0
  const handler: Handler = async exchange => {
    if (running >= runningMax) {
      throw new ParleyError('overloaded', `${running} transfers are running; try again soon`, { retryAfterSeconds: 1 })
    }
    running++
    try {
      await pass(exchange, options)
    } finally {
      running--
    }
  }
  return Object.fromEntries(methods.flatMap(method => paths.map(path => [`${method} ${path}`, handler])))
}

async function pass(exchange: Exchange, options: PassageRoutesOptions): Promise<void> {
  const { request, response, url, principal } = exchange
  if (principal.kind === 'peer') throw new ParleyError('forbidden', 'files are not for peers; use a server of your own')
  const passage = owner(exchange, options.passages?.() ?? [])
  const late = new AbortController()
  const timer = setTimeout(
    () => late.abort(new ParleyError('timeout', `the transfer took over ${totalMs} ms`)),
    totalMs,
  )
  try {
    const signal = AbortSignal.any([exchange.signal, late.signal])
    const method = request.method as PassageRequest['method']
    const answer = await passage.request({ method, path: pathOf(url), signal, ...entityOf(request) })
    response.setHeader('x-parley-provider', passage.name)
    await relay(response, answer, options)
  } finally {
    clearTimeout(timer)
  }
}

async function relay(response: ServerResponse, answer: PassageAnswer, options: PassageRoutesOptions): Promise<void> {
  response.writeHead(answer.status, headersOf(answer))
  try {
    for await (const piece of answer.body) {
      if (!response.write(piece)) await drained(response, options.stallMs)
      if (response.destroyed) return
    }
  } catch (cause) {
    response.destroy()
    throw cause
  }
  response.end()
}

/** The only server there is, or the one that is named. */
function owner({ request, url }: Exchange, passages: readonly Passage[]): Passage {
  const named = request.headers['x-parley-provider'] ?? url.searchParams.get('provider') ?? undefined
  if (named === undefined && passages.length === 1) return passages[0]!
  const found = passages.find(({ name }) => name === named)
  if (found !== undefined) return found
  if (passages.length === 0) {
    throw new ParleyError('not_found', 'no server keeps files here; add an OpenAI-compatible one to upstreams')
  }
  const names = passages.map(({ name }) => name).join(', ')
  throw new ParleyError(
    'invalid_request',
    `name the server that keeps it with ?provider= or x-parley-provider: ${names}`,
    {
      param: 'provider',
    },
  )
}

/** Ids hold nothing that could lead to another path. */
const plainPath = /^\/v1(\/(?:files|fine_tuning\/jobs)(?:\/[\w.:-]{1,256}){0,3})$/

function pathOf(url: URL): string {
  const path = plainPath.exec(url.pathname)?.[1]
  if (path === undefined) throw new ParleyError('not_found', 'the path holds an id that is none; check it')
  const query = new URLSearchParams(url.searchParams)
  query.delete('provider')
  return query.size === 0 ? path : `${path}?${query}`
}

function entityOf(request: IncomingMessage): Pick<PassageRequest, 'headers' | 'body'> {
  const { 'content-type': type, 'content-length': length, 'content-encoding': encoding } = request.headers
  if (encoding !== undefined && encoding !== 'identity') {
    throw new ParleyError('invalid_request', `the content-encoding ${encoding} is not accepted; send the body plain`)
  }
  if (Number(length ?? 0) > maxUploadBytes) throw tooLarge()
  const isEmpty = length === '0' || (length === undefined && request.headers['transfer-encoding'] === undefined)
  if (isEmpty) return { headers: request.method === 'POST' ? { 'content-length': '0' } : {} }
  const headers = {
    ...(type !== undefined && { 'content-type': type }),
    ...(length !== undefined && { 'content-length': length }),
  }
  return { headers, body: counted(request) }
}

/** Leaves the request open when it is left, so that whoever sends it can be told why. */
async function* counted(request: IncomingMessage): AsyncGenerator<Uint8Array, void, void> {
  let size = 0
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    size += (piece as Buffer).length
    if (size > maxUploadBytes) throw tooLarge()
    yield piece as Buffer
  }
}

function tooLarge(): ParleyError {
  return new ParleyError(
    'too_large',
    `the upload is larger than ${maxUploadBytes} bytes; send a smaller file or split it`,
  )
}

/** A file may be anything, so nothing of it may run as a page of this node. */
function headersOf({ contentType, contentLength }: PassageAnswer): Record<string, string> {
  return {
    'content-type': contentType,
    'content-security-policy': 'sandbox',
    'cache-control': 'no-store, no-transform',
    ...(contentLength !== undefined && { 'content-length': contentLength }),
  }
}
