import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { closed } from '../../ssrf-corpus.ts'

/** A service that knows nothing of browsers: it says no word of CORS, and sets cookies. */
export interface Upstream {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string
  readonly host: string
  readonly asked: {
    readonly method: string
    readonly url: string
    readonly headers: IncomingMessage['headers']
    body: string
  }[]
  /** Requests whose connection was closed before their answer was over. */
  readonly aborted: () => number
  readonly stop: () => Promise<void>
}

const dripMs = 80

export async function startUpstream(): Promise<Upstream> {
  const asked: Upstream['asked'] = []
  let aborted = 0
  const server = createServer(async (request, response) => {
    response.on('close', () => {
      if (!response.writableFinished) aborted++
    })
    const { method = '', url = '', headers } = request
    const entry = { method, url, headers, body: '' }
    asked.push(entry)
    try {
      for await (const piece of request) entry.body = (entry.body + String(piece)).slice(0, 10_000)
    } catch {
      return
    }
    response.setHeader('set-cookie', 'spy=1')
    response.setHeader('x-request-id', 'req-1')
    response.setHeader('x-internal', 'secret of the upstream')
    response.setHeader('access-control-allow-origin', 'https://wrong.example')
    if (url.startsWith('/stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let at = 0; at < 5 && !response.destroyed; at++) {
        response.write(`data: ${at} ${performance.timeOrigin + performance.now()}\n\n`)
        await sleep(dripMs)
      }
      return void response.end('data: [DONE]\n\n')
    }
    if (url === '/forever')
      return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n')
    if (url === '/silent') return
    if (url === '/cut') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n')
      return void setTimeout(() => response.destroy(), 20)
    }
    if (url === '/moved') return void response.writeHead(307, { location: '/elsewhere' }).end()
    if (url === '/none') return void response.writeHead(204).end()
    if (url === '/refuses')
      return void response.writeHead(429, { 'retry-after': '7' }).end('{"error":{"message":"slow"}}')
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, url }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin: `http://${host}`, host, asked, aborted: () => aborted, stop: () => closed(server) }
}
