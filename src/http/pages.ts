import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ParleyError } from '../core/index.ts'
import type { Exchange, Handler } from './exchange.ts'
import { createPageFiles, type Encoding, hashedPrefix, type PageFile, type PageFiles } from './page-files.ts'
import { drained } from './sse-writer.ts'

export interface PagesOptions {
  /** What `npm run build:ui` wrote; there may be nothing yet. */
  readonly directory: string
  /** Milliseconds a reader may take to make room before it is cut off. */
  readonly stallMs: number
}

/** Serves the page of the node, which is the same for everybody: who asks is found out by what it asks then. */
export interface Pages {
  /** Undefined for what is no matter of the page. */
  readonly handlerOf: (request: IncomingMessage, path: string) => Handler | undefined
  /** Whether a browser may come to it from a page of somebody else, by a link. */
  readonly isLinked: (request: IncomingMessage, path: string) => boolean
}

/** What apps and programs ask is never answered by a page. */
const reserved = /^\/(?:v1|api|healthz|metrics|rerank)(?:\/|$)/

export const pageHeaders = {
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "font-src 'self' data:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-src 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'microphone=(self), camera=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

export function createPages({ directory, stallMs }: PagesOptions): Pages {
  const filesOf = createPageFiles(directory)
  const handler: Handler = async exchange => {
    const { request, response, url } = exchange
    for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value)
    const isPage = wantsPage(request, url.pathname)
    const files = await filesOf(isPage)
    const file = files?.files.get(url.pathname)
    if (file !== undefined) return await sendFile(exchange, file, stallMs)
    if (!isPage) throw new ParleyError('not_found', `there is no ${url.pathname}; load the page again`)
    return files === undefined ? sendUnbuilt(response) : sendPage(exchange, files)
  }
  return {
    handlerOf: ({ method }, path) =>
      (method === 'GET' || method === 'HEAD') && !reserved.test(path) ? handler : undefined,
    isLinked: ({ method, headers }, path) =>
      method === 'GET' &&
      headers['sec-fetch-mode'] === 'navigate' &&
      headers['sec-fetch-dest'] === 'document' &&
      !(reserved.test(path) || path.startsWith(hashedPrefix)),
  }
}

/** The page finds out by itself where in it an address leads, if it is one that a person opens. */
function wantsPage({ headers }: IncomingMessage, path: string): boolean {
  if (path === '/' || path === '/index.html') return true
  return !path.startsWith(hashedPrefix) && headers.accept?.includes('text/html') === true
}

function sendPage({ request, response }: Exchange, { html, etag }: PageFiles): void {
  response.setHeader('cache-control', 'no-cache').setHeader('etag', etag)
  if (isKnown(request, etag)) return void response.writeHead(304).end()
  sendHtml(response, 200, html)
}

const unbuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Parley</title>
<style>body { font: 16px/1.5 system-ui; max-width: 36rem; margin: 20vh auto; padding: 0 1rem }</style>
<h1>Parley is running</h1>
<p>Its page is not built yet. Run this where Parley was cloned, then load this page again:
<pre>npm run build:ui</pre>
</html>
`

function sendUnbuilt(response: ServerResponse): void {
  response.setHeader('cache-control', 'no-store')
  sendHtml(response, 404, unbuilt)
}

function sendHtml(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(html),
  })
  response.end(html)
}

const forever = 'public, max-age=31536000, immutable'

async function sendFile({ request, response }: Exchange, file: PageFile, stallMs: number): Promise<void> {
  const { etag, mediaType, isHashed, pressed } = file
  response.setHeader('cache-control', isHashed ? forever : 'no-cache').setHeader('etag', etag)
  if (Object.keys(pressed).length > 0) response.setHeader('vary', 'accept-encoding')
  if (isKnown(request, etag)) return void response.writeHead(304).end()
  const encoding = (['br', 'gzip'] as const).find(name => pressed[name] !== undefined && takes(request, name))
  const handle = await opened(encoding === undefined ? file.file : pressed[encoding]!)
  try {
    const { size } = await handle.stat()
    response.writeHead(200, {
      'content-type': mediaType,
      'content-length': size,
      ...(encoding && { 'content-encoding': encoding }),
    })
    if (request.method !== 'HEAD' && size > 0) await write(response, handle, size, stallMs)
    response.end()
  } finally {
    await handle.close()
  }
}

/** One that is gone was built anew under another name. */
async function opened(file: string): Promise<FileHandle> {
  try {
    return await open(file)
  } catch (cause) {
    throw new ParleyError('not_found', 'this part of the page is not there any more; load the page again', { cause })
  }
}

async function write(response: ServerResponse, handle: FileHandle, size: number, stallMs: number): Promise<void> {
  const stream = handle.createReadStream({ end: size - 1, autoClose: false })
  for await (const piece of stream) {
    if (response.destroyed) return
    if (!response.write(piece)) await drained(response, stallMs)
  }
}

/** Whether the browser has it as it is. */
function isKnown({ headers }: IncomingMessage, etag: string): boolean {
  const given = headers['if-none-match']
  return given?.split(',').some(each => each.trim() === etag) === true
}

function takes({ headers }: IncomingMessage, encoding: Encoding): boolean {
  const given = headers['accept-encoding']
  if (typeof given !== 'string') return false
  return given.split(',').some(each => {
    const [name, weight = ''] = each.split(';')
    return name?.trim().toLowerCase() === encoding && !/^\s*q=0(?:\.0*)?\s*$/i.test(weight)
  })
}
