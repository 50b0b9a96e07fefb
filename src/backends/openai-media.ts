import { randomUUID } from 'node:crypto'
import type { Outcome, RelayedCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, encodeForm, fieldOf, noUsage, readEvents, type Usage, usageIn } from '../openai/index.ts'
import { units, unitsOf } from './media-counts.ts'
import type { OpenAiClientOptions } from './openai-client.ts'
import { upstreamError } from './refusal.ts'
import { type Response, readBytes, type Sending, safeJson, secretsOf, send } from './send.ts'

type Answer = AsyncGenerator<Chunk, Omit<Outcome, 'servedBy'>, void>
type Body = Response['body']

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

const eventStream = 'text/event-stream'

/** Asks a server for pictures, sound, transcripts, moderation or ranking, and gives its answer as raw chunks. */
export async function* runMedia(server: OpenAiClientOptions, call: RelayedCall, signal: AbortSignal): Answer {
  const { headers, body } = await ask(server, call, signal)
  body.on('error', alreadyTold)
  try {
    const type = typeOf(headers)
    if (type.startsWith(eventStream)) return yield* relayEvents(server, call, body, type)
    if (call.task === 'speech') return yield* relaySound(server, call, body, type)
    return yield* relayBody(server, call, await readBytes(server, body, signal), type)
  } catch (cause) {
    if (cause instanceof ParleyError || signal.aborted) throw ParleyError.from(cause, signal)
    throw new ParleyError('stream_cut', `${server.name} broke off in the middle of its answer`, { cause })
  } finally {
    body.destroy()
  }
}

/** Destroying a body makes it emit the abort that was reported already. */
function alreadyTold(): void {}

async function ask(server: OpenAiClientOptions, call: RelayedCall, signal: AbortSignal): Promise<Response> {
  try {
    return await sendMedia(server, call, { accept: '*/*' }, signal)
  } catch (cause) {
    throw isLackOfRoute(cause) ? withoutRoute(server, call) : cause
  }
}

/** Sends the request as it is, whoever is asked. */
export function sendMedia(
  server: OpenAiClientOptions,
  call: RelayedCall,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  const path = server.basePath + paths[call.task]
  return send(server, { method: 'POST', path, ...entityOf(call), headers, signal })
}

/** Many servers list a model and have no route for this task: that says nothing of the request. */
function isLackOfRoute(cause: unknown): boolean {
  if (!(cause instanceof ParleyError) || cause.code !== 'model_not_found') return false
  return cause.passOn?.body?.error.code !== 'model_not_found'
}

function withoutRoute({ name }: OpenAiClientOptions, { task }: RelayedCall): ParleyError {
  return new ParleyError(
    'model_not_found',
    `${name} has no such route, or not this model for ${task} calls; name another`,
  )
}

/** The body of a request, the same for every server that is asked but for the boundary. */
function entityOf({ body }: RelayedCall): Pick<Sending, 'body' | 'bytes'> {
  return isForm(body) ? { bytes: encodedForm(body) } : { body }
}

type FormBody = Extract<RelayedCall, { task: 'transcription' }>['body']

function isForm(body: RelayedCall['body']): body is FormBody {
  return 'form' in body && Array.isArray(body.form)
}

function encodedForm({ model, form }: FormBody): Required<Sending>['bytes'] {
  const boundary = `parley-${randomUUID()}`
  const pieces = encodeForm([{ name: 'model', value: model }, ...form], boundary)
  return { type: `multipart/form-data; boundary=${boundary}`, pieces }
}

/** The answer's media type, as far as it is one. */
function typeOf(headers: Response['headers']): string {
  const type = String(headers['content-type'] ?? '').toLowerCase()
  return /^[\w.+-]+\/[\w.+-]+(?:; ?[\w.+="-]+)*$/.test(type) ? type : 'application/octet-stream'
}

export function isNoSound(contentType: string): boolean {
  return /^(?:text\/|application\/json)/.test(contentType)
}

/** Sound goes on as it comes. */
async function* relaySound({ name }: OpenAiClientOptions, call: RelayedCall, body: Body, contentType: string): Answer {
  if (isNoSound(contentType)) {
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
async function* relayBody(server: OpenAiClientOptions, call: RelayedCall, bytes: Buffer, contentType: string): Answer {
  const { name } = server
  const json = safeJson(bytes.toString('utf8'))
  if (asksForText(call) && (json === undefined || !contentType.startsWith('application/json'))) {
    if (isPage(bytes, contentType)) {
      throw new ParleyError('backend_failed', `${name} answered a page and no transcript; look at its url`)
    }
    const type = contentType.startsWith('text/') ? contentType : 'text/plain; charset=utf-8'
    yield Chunk.raw(bytes, { contentType: type, isLast: true })
    return { usage: noUsage, ...unitsOf(call) }
  }
  if (typeof json !== 'object' || json === null) {
    throw new ParleyError('backend_failed', `${name} answered something that is not JSON; try another model`)
  }
  if ('error' in json && json.error != null) throw upstreamError({ name, body: json, secrets: secretsOf(server) })
  yield Chunk.raw(bytes, { contentType: 'application/json; charset=utf-8', isLast: true }, json)
  return { usage: usageIn(json), ...unitsOf(call, json) }
}

const textFormats: ReadonlySet<unknown> = new Set(['text', 'srt', 'vtt'])

export function asksForText({ body }: RelayedCall): boolean {
  return isForm(body) && textFormats.has(fieldOf(body.form, 'response_format'))
}

const pageBytes = 64

/** What a proxy says in place of its server. */
function isPage(bytes: Buffer, contentType: string): boolean {
  return (
    contentType.startsWith('text/html') || /^\s*<(?:!doctype html|html)\b/i.test(bytes.toString('latin1', 0, pageBytes))
  )
}

/** How many answers a stream of events is to hold. */
function wantedOf(call: RelayedCall): number {
  if (!isPicture(call)) return 1
  const { body } = call
  return Number((isForm(body) ? fieldOf(body.form, 'n') : body.n) || 1)
}

/** Events under the server's own names. The last of them is a `….done`, a `….completed` for each picture that was asked for, or the common end mark. */
async function* relayEvents({ name }: OpenAiClientOptions, call: RelayedCall, body: Body, contentType: string): Answer {
  let meta: { contentType?: string } = { contentType }
  let usage: Usage = noUsage
  let isEnded = false
  let answers = 0
  for await (const { bytes } of readEvents(body)) {
    const kind = kindOf(bytes)
    if (kind === undefined) continue
    if (kind === 'error') throw new ParleyError('backend_failed', `${name} reported an error in its answer; try again`)
    yield Chunk.raw(bytes, meta)
    meta = {}
    if (kind === 'last') {
      answers++
      usage = usageIn(safeJson(Chunk.relayed(bytes).data ?? ''))
    }
    isEnded ||= kind === 'end'
  }
  if (!isEnded && answers < wantedOf(call))
    throw new ParleyError('stream_cut', `${name} ended its answer without a terminal marker`)
  return { usage, ...(isPicture(call) ? units('images', answers) : unitsOf(call)) }
}

type PictureCall = Extract<RelayedCall, { task: 'image' | 'imageEdit' | 'imageVariation' }>

function isPicture(call: RelayedCall): call is PictureCall {
  const { task } = call
  return task === 'image' || task === 'imageEdit' || task === 'imageVariation'
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
