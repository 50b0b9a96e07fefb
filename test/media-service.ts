import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface MediaHit {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly raw: Buffer
  /** Aborted when the client has gone before its answer was complete. */
  readonly gone: AbortSignal
  readonly json: () => Record<string, unknown>
  /** Fields as text, files as `[name, type, bytes]`, in order. */
  readonly form: () => Promise<[string, string | [string, string, Buffer]][]>
}

export type MediaAnswer = (hit: MediaHit, response: ServerResponse) => Promise<void> | void

export interface MediaService {
  /** Base URL, `/v1` included. */
  readonly url: string
  readonly hits: MediaHit[]
  /** Requests whose headers came, also those whose body is still on its way. */
  readonly begun: () => number
  /** Requests whose client has gone before its answer was complete. */
  readonly left: () => number
  /** What the service answers from now on. */
  answer: MediaAnswer
  /** While true, nothing of a body is read, nor answered later; set to false, what waits is read and not answered. */
  isDeaf: boolean
  readonly stop: () => Promise<void>
}

export function sendBody(response: ServerResponse, type: string, body: string | Buffer, status = 200): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  sendBody(response, 'application/json', JSON.stringify(body), status)
}

/** A plain HTTP server that answers what it is told and keeps what it was sent. */
export async function startMediaService(models: readonly string[]): Promise<MediaService> {
  let begun = 0
  let left = 0
  let isDeaf = false
  const unheard: IncomingMessage[] = []
  const server = createServer((request, response) => {
    void serve(request, response)
  })
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/v1/models') {
      return sendJson(response, { object: 'list', data: models.map(id => ({ id, object: 'model' })) })
    }
    begun++
    const gone = new AbortController()
    response.once('close', () => {
      if (response.writableFinished) return
      left++
      gone.abort()
    })
    request.on('error', () => {})
    if (isDeaf) return void unheard.push(request)
    const pieces = await request.toArray().catch(() => undefined)
    if (pieces === undefined) return
    const hit = hitOf(request, Buffer.concat(pieces), gone.signal)
    service.hits.push(hit)
    await service.answer(hit, response)
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const service: MediaService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    hits: [],
    begun: () => begun,
    left: () => left,
    answer: (_hit, response) => sendJson(response, { error: { message: 'not told what to answer' } }, 500),
    get isDeaf() {
      return isDeaf
    },
    set isDeaf(value) {
      isDeaf = value
      if (!isDeaf) for (const request of unheard.splice(0)) request.resume()
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return service
}

function hitOf({ method = '', url = '', headers }: IncomingMessage, raw: Buffer, gone: AbortSignal): MediaHit {
  return {
    method,
    path: url,
    headers,
    raw,
    gone,
    json: () => JSON.parse(raw.toString()),
    form: async () => {
      const init = { headers: { 'content-type': headers['content-type'] ?? '' } }
      const form = await new Response(new Uint8Array(raw), init).formData()
      return await Promise.all([...form].map(async ([name, value]) => [name, await plain(value)] as never))
    },
  }
}

async function plain(value: string | File): Promise<string | [string, string, Buffer]> {
  if (typeof value === 'string') return value
  return [value.name, value.type, Buffer.from(await value.arrayBuffer())]
}
