import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

export interface Host {
  readonly origin: string
  /** Every request: its line and its headers, as a text. */
  readonly log: string[]
  readonly stop: () => Promise<void>
}

/** Any static host: files, and the first page for addresses it does not know. */
export async function startStaticHost(folder: string): Promise<Host> {
  const log: string[] = []
  const server = createServer((request, response) => {
    log.push(lineOf(request))
    const answer = async () => {
      const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname))
      const name = extname(path) === '' ? '/index.html' : path
      const bytes = await readFile(join(folder, name)).catch(() => undefined)
      response.writeHead(bytes === undefined ? 404 : 200, {
        'content-type': types[extname(name)] ?? 'application/octet-stream',
      })
      response.end(bytes)
    }
    void answer()
  })
  const origin = await listening(server)
  return { origin, log, stop: () => stopped(server) }
}

export function lineOf({ method, url, headers }: IncomingMessage): string {
  return `${method} ${url} ${JSON.stringify(headers)}`
}

export async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function stopped(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
