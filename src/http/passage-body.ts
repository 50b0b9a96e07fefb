import type { IncomingMessage } from 'node:http'
import { ParleyError, type PassageRequest } from '../core/index.ts'
import { readJson } from './body.ts'
import type { Exchange } from './exchange.ts'

/** What goes on to the server, and what it says where that was read here. */
export interface SentBody extends Pick<PassageRequest, 'headers' | 'body'> {
  readonly json?: unknown
}

const maxUploadBytes = 1024 * 1024 * 1024
const maxJsonBytes = 1024 * 1024

/** The body of a request: read whole where something in it must be looked at, streamed everywhere else. */
export async function bodyOf(
  { request, signal }: Exchange,
  isRead: boolean,
  { bodyTimeoutMs }: { readonly bodyTimeoutMs: number },
): Promise<SentBody> {
  if (!isRead) return streamOf(request)
  const json = await readJson(request, { maxBodyBytes: maxJsonBytes, bodyTimeoutMs }, signal)
  const bytes = Buffer.from(JSON.stringify(json))
  return {
    json,
    headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) },
    body: piecesOf(bytes),
  }
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes
}

function streamOf(request: IncomingMessage): SentBody {
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
