import { randomUUID } from 'node:crypto'
import type { Dispatcher } from 'undici'
import type { Outcome, RelayedCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, encodeForm, fieldOf, noUsage, readEvents, type Usage } from '../openai/index.ts'
import { unitsOf, usageIn } from './media-counts.ts'
import type { OpenAiClientOptions } from './openai-client.ts'
import { upstreamError } from './refusal.ts'
import { refusal, secretsOf } from './send.ts'

type Server = Pick<OpenAiClientOptions, 'name' | 'dispatcher' | 'origin' | 'basePath' | 'headers'>
type Answer = AsyncGenerator<Chunk, Omit<Outcome, 'servedBy'>, void>

const paths: Readonly<Record<RelayedCall['task'], string>> = {
  image: '/images/generations',
  imageEdit: '/images/edits',
  imageVariation: '/images/variations',
  speech: '/audio/speech',
  transcription: '/audio/transcriptions',
  translation: '/audio/translations',
  moderation: '/moderations',
  rerank: '/rerank',
}

const maxBodyBytes = 64 * 1024 * 1024
const eventStream = 'text/event-stream'

/** Asks a server for pictures, sound, transcripts, moderation or ranking, and gives its answer as raw chunks. */
export async function* runMedia(server: Server, call: RelayedCall, signal: AbortSignal): Answer {
  const response = await post(server, call, signal)
  const { statusCode, headers, body } = response
  body.on('error', alreadyTold)
  try {
    if (statusCode >= 300) throw await refusal({ ...server, isPeer: false }, response, signal)
    const type = typeOf(headers)
    if (type.startsWith(eventStream)) return yield* relayEvents(server, call, body, type)
    if (call.task === 'speech') return yield* relaySound(server, call, body, type)
    return yield* relayBody(server, call, body, type)
  } catch (cause) {
    if (cause instanceof ParleyError || signal.aborted) throw ParleyError.from(cause, signal)
    throw new ParleyError('stream_cut', `${server.name} broke off in the middle of its answer`, { cause })
  } finally {
    body.destroy()
  }
}

/** Destroying a body makes it emit the abort that was reported already. */
function alreadyTold(): void {}

async function post(server: Server, call: RelayedCall, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  const { name, dispatcher, origin, basePath } = server
  const { type, pieces, length } = encoded(call)
  const headers = { ...server.headers, 'content-type': type, 'content-length': String(length), accept: '*/*' }
  const limits = { headersTimeout: 0, bodyTimeout: 0 }
  const path = basePath + paths[call.task]
  try {
    return await dispatcher.request({ origin, method: 'POST', path, signal, headers, body: pieces as never, ...limits })
  } catch (cause) {
    if (signal.aborted) throw ParleyError.from(cause, signal)
    const { code = 'no connection' } = cause as { code?: string }
    throw new ParleyError('backend_failed', `cannot reach ${name} (${code}); look at its url`, { cause })
  }
}

/** The body of a request, the same for every server that is asked but for the boundary. */
function encoded({ body }: RelayedCall): { type: string; pieces: Uint8Array[]; length: number } {
  const [type, pieces] = isForm(body) ? encodedForm(body) : ['application/json', [Buffer.from(JSON.stringify(body))]]
  return { type, pieces, length: pieces.reduce((sum, { length }) => sum + length, 0) }
}

type FormBody = Extract<RelayedCall, { task: 'transcription' }>['body']

function isForm(body: RelayedCall['body']): body is FormBody {
  return 'form' in body && Array.isArray(body.form)
}

function encodedForm({ model, form }: FormBody): [string, Uint8Array[]] {
  const boundary = `parley-${randomUUID()}`
  const pieces = encodeForm([{ name: 'model', value: model }, ...form], boundary)
  return [`multipart/form-data; boundary=${boundary}`, pieces]
}

type Body = Dispatcher.ResponseData['body']
type Headers = Dispatcher.ResponseData['headers']

/** The answer's media type, as far as it is one. */
function typeOf(headers: Headers): string {
  const type = String(headers['content-type'] ?? '').toLowerCase()
  return /^[\w.+-]+\/[\w.+-]+(?:; ?[\w.+="-]+)*$/.test(type) ? type : 'application/octet-stream'
}

async function readAll(name: string, body: Body, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of body) {
    size += (piece as Buffer).length
    if (size > limit) throw new ParleyError('backend_failed', `${name} sent more than ${limit} bytes; ask for less`)
    pieces.push(piece as Buffer)
  }
  return Buffer.concat(pieces)
}

/** Sound goes on as it comes. */
async function* relaySound({ name }: Server, call: RelayedCall, body: Body, contentType: string): Answer {
  if (/^(?:text\/|application\/json)/.test(contentType)) {
    throw new ParleyError('backend_failed', `${name} answered something that is no sound; try another model`)
  }
  let meta: { contentType?: string } = { contentType }
  for await (const piece of body) {
    if ((piece as Buffer).length > 0) yield Chunk.raw(piece as Buffer, meta)
    meta = {}
  }
  if (meta.contentType !== undefined) throw new ParleyError('stream_cut', `${name} answered without a byte of sound`)
  return { usage: noUsage, ...unitsOf(call) }
}

/** A whole body: JSON, or text where text was asked for. */
async function* relayBody(server: Server, call: RelayedCall, body: Body, contentType: string): Answer {
  const { name } = server
  const bytes = await readAll(name, body, maxBodyBytes)
  const json = parsed(bytes.toString('utf8'))
  if (asksForText(call) && (json === undefined || !contentType.startsWith('application/json'))) {
    const type = contentType.startsWith('text/') ? contentType : 'text/plain; charset=utf-8'
    yield Chunk.raw(bytes, { contentType: type, isLast: true })
    return { usage: noUsage }
  }
  if (typeof json !== 'object' || json === null) {
    throw new ParleyError('backend_failed', `${name} answered something that is not JSON; try another model`)
  }
  if ('error' in json && json.error != null) throw upstreamError({ name, body: json, secrets: secretsOf(server) })
  yield Chunk.raw(bytes, { contentType: 'application/json; charset=utf-8', isLast: true }, json)
  return { usage: usageIn(json), ...unitsOf(call, json) }
}

const textFormats: ReadonlySet<unknown> = new Set(['text', 'srt', 'vtt'])

function asksForText({ body }: RelayedCall): boolean {
  return isForm(body) && textFormats.has(fieldOf(body.form, 'response_format'))
}

/** Events under the server's own names. The last of them is a `….done`, a `….completed` or the common end mark. */
async function* relayEvents({ name }: Server, call: RelayedCall, body: Body, contentType: string): Answer {
  let meta: { contentType?: string } = { contentType }
  let usage: Usage = noUsage
  let isWhole = false
  let images = 0
  for await (const { bytes } of readEvents(body)) {
    const kind = kindOf(bytes)
    if (kind === undefined) continue
    if (kind === 'error') throw new ParleyError('backend_failed', `${name} reported an error in its answer; try again`)
    yield Chunk.raw(bytes, meta)
    meta = {}
    if (kind === 'last') {
      images++
      usage = usageIn(parsed(Chunk.relayed(bytes).data ?? ''))
    }
    isWhole = kind === 'last' || kind === 'end' || (isWhole && kind === 'other')
  }
  if (!isWhole) throw new ParleyError('stream_cut', `${name} ended its answer without a terminal marker`)
  return { usage, ...unitsOf(call, { data: Array(images) }) }
}

const headBytes = 128

/** Told by the first bytes of an event, as one may hold a whole picture; undefined for one without data. */
function kindOf(bytes: Uint8Array): 'last' | 'end' | 'error' | 'other' | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.indexOf('data:') === -1) return undefined
  const head = view.toString('latin1', 0, headBytes)
  if (/^data: ?\[DONE\]/.test(head)) return 'end'
  const type = /^(?:event: ?|data: ?\{"type": ?")([\w.]+)/.exec(head)?.[1] ?? ''
  if (type === 'error' || /data: ?\{"error"/.test(head)) return 'error'
  return /\.(?:done|completed)$/.test(type) ? 'last' : 'other'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
