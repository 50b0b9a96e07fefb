import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Seen {
  readonly path: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
  readonly authorization: string | undefined
}

/** How the server answers; a test changes it while it runs. */
export interface Manners {
  body: Buffer
  etag: string
  ranges: boolean
  /** Cut the connection after this many bytes of each answer; every number is used once. */
  cuts: number[]
  /** Answer the next requests with these statuses. */
  statuses: number[]
  /** Wait after this many bytes, for as long as the test runs. */
  stallAfter: number | undefined
  bytesPerTick: number
  route: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
}

/** A file server with ranges and the faults a long download meets. */
export async function modelServer(body: Buffer, host = '127.0.0.1') {
  const seen: Seen[] = []
  const manners: Manners = {
    body,
    etag: `"${sumOf(body).slice(0, 8)}"`,
    ranges: true,
    cuts: [],
    statuses: [],
    stallAfter: undefined,
    bytesPerTick: 64 * 1024,
    route: undefined,
  }
  const server = createServer((request, response) => {
    const { range, authorization } = request.headers
    seen.push({
      path: request.url ?? '',
      range,
      authorization,
      ifRange: request.headers['if-range'] as string | undefined,
    })
    if (manners.route?.(request, response)) return
    const status = manners.statuses.shift()
    if (status !== undefined) response.writeHead(status, { 'retry-after': '0' }).end()
    else void serve(request, response, manners)
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    manners,
    seen,
    url: `http://${host}:${port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export function sumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function serve(request: IncomingMessage, response: ServerResponse, manners: Manners): Promise<void> {
  const { body, etag } = manners
  const asked = manners.ranges ? /^bytes=(\d+)-$/.exec(request.headers.range ?? '') : null
  const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag
  const from = asked !== null && isSame ? Number(asked[1]) : 0
  if (from > 0 && from >= body.length) {
    response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end()
    return
  }
  const range = from > 0 ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length - from, etag, ...range })
  const cut = manners.cuts.shift() ?? Number.POSITIVE_INFINITY
  for (let at = from; at < body.length; at += manners.bytesPerTick) {
    const sent = at - from
    if (sent >= cut) return void response.destroy()
    if (manners.stallAfter !== undefined && at >= manners.stallAfter) return
    response.write(body.subarray(at, Math.min(at + manners.bytesPerTick, body.length)))
    await new Promise(resolve => setTimeout(resolve, 1))
    if (response.destroyed) return
  }
  response.end()
}
