import type { Outcome, TokenCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, encodeEvent, readEvents, type Usage } from '../openai/index.ts'
import { finishReasonOf } from './finish-reason.ts'
import { peerRefusal, upstreamError } from './refusal.ts'
import { type Endpoint, type Response, safeJson, secretsOf } from './send.ts'

type Body = Response['body']
type Ended = Omit<Outcome, 'servedBy'>

/**
 * The events of an answer as chunks. It ends well only where the server said that it is whole: with the end mark, or with
 * a reason to finish. What is no chunk never gets out.
 */
export async function* readStream(
  endpoint: Endpoint,
  call: TokenCall,
  body: Body,
  signal: AbortSignal,
): AsyncGenerator<Chunk, Ended, void> {
  const { name, isPeer } = endpoint
  let usage: Usage | undefined
  let tail: Chunk[] = []
  let chunks = 0
  let isWhole = false
  const ended = (): Ended => ({ usage: usage ?? estimate(chunks), finishReason: finishOf(endpoint, tail) })
  try {
    for await (const { bytes } of readEvents(body.iterator({ destroyOnReturn: false }))) {
      if (isDone(bytes)) {
        isWhole = true
        if (chunks === 0 && !isPeer) throw new ParleyError('backend_failed', `${name} answered without a word`)
        return ended()
      }
      const chunk = chunkOf(endpoint, bytes)
      if (chunk === undefined) continue
      const reported = chunk.usage()
      usage = reported ?? usage
      if (chunk.event === undefined) {
        chunks++
        tail = [chunk, tail[0] ?? chunk]
        if (reported !== undefined && isLast(endpoint, chunk, tail)) chunk.meta.isLast = true
      }
      yield chunk
    }
  } catch (cause) {
    throw broken(endpoint, signal, cause)
  } finally {
    if (isWhole) letEnd(body)
    else body.on('error', ignore).destroy()
  }
  if (!isPeer && tellsOne(call) && finishOf(endpoint, tail) !== null) return ended()
  throw new ParleyError('stream_cut', `${name} ended its answer without a terminal marker`)
}

/** Of several answers in one stream, the end of the last chunk's says nothing about the others: only the end mark does. */
function tellsOne({ task, body }: TokenCall): boolean {
  if (task === 'embedding' || (body.n ?? 1) > 1) return false
  const prompt = task === 'completion' ? body.prompt : undefined
  return !Array.isArray(prompt) || prompt.length < 2 || typeof prompt[0] === 'number'
}

function broken({ name }: Endpoint, signal: AbortSignal, cause: unknown): ParleyError {
  if (cause instanceof ParleyError || signal.aborted) return ParleyError.from(cause, signal)
  if (cause instanceof RangeError) {
    return new ParleyError('backend_failed', `${name} sent an event that is too large to be one`, { cause })
  }
  return new ParleyError('stream_cut', `${name} broke off in the middle of its answer`, { cause })
}

const afterDoneBytesMax = 1_024
const afterDoneMs = 1_000

/** After the last event only the end of the body is to come; once it is read, the connection serves the next call. */
export function letEnd(body: Body): void {
  const cut = () => void body.destroy()
  let left = afterDoneBytesMax
  const timer = setTimeout(cut, afterDoneMs)
  body
    .on('error', ignore)
    .on('data', ({ length }: Buffer) => void ((left -= length) < 0 && cut()))
    .once('close', () => clearTimeout(timer))
}

/** Destroying a body makes it emit the abort it already reported: that one is expected. */
function ignore(): void {}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const doneMark = Buffer.from('[DONE]')

function isDone(bytes: Uint8Array): boolean {
  return bytes.length < 24 && view(bytes).includes(doneMark)
}

/** Undefined for an event that says nothing. Throws for one that tells of a failure, or that nobody could read. */
function chunkOf(endpoint: Endpoint, bytes: Uint8Array): Chunk | undefined {
  const chunk = Chunk.relayed(bytes)
  const buffer = view(bytes)
  const isPlain = isPlainObject(buffer)
  if (mayBeError(buffer)) throwIfError(endpoint, chunk)
  if (isPlain && (endpoint.isPeer || buffer.includes(choicesMark))) return chunk
  if (chunk.data === undefined && chunk.event === undefined) return undefined
  if (endpoint.isPeer && chunk.event !== undefined) return chunk
  return legible(endpoint, chunk)
}

const dataMark = Buffer.from('data:')
const choicesMark = Buffer.from('"choices"')
const [lf, cr, space, quote, openBrace, closeBrace] = [10, 13, 32, 34, 123, 125]

/** `data: {"…}` and nothing else, as nearly every event is: told by its ends, without reading it. */
function isPlainObject(buffer: Buffer): boolean {
  if (buffer.compare(dataMark, 0, dataMark.length, 0, dataMark.length) !== 0) return false
  const start = buffer[dataMark.length] === space ? dataMark.length + 1 : dataMark.length
  let end = buffer.length - 1
  while (buffer[end] === lf || buffer[end] === cr) end--
  const isOneLine = buffer.indexOf(lf) >= end
  return isOneLine && buffer[start] === openBrace && buffer[start + 1] === quote && buffer[end] === closeBrace
}

/** An event of any other make, read to see whether it is one. A name that a server gives it is not for the app. */
function legible({ name, isPeer, headers }: Endpoint, chunk: Chunk): Chunk | undefined {
  const { event, data = '' } = chunk
  const body = safeJson(data)
  if (typeof body !== 'object' || body === null) {
    if (event !== undefined) return undefined
    throw new ParleyError('backend_failed', `${name} sent an event that is not JSON`)
  }
  const isChunk = 'choices' in body
  if (event !== undefined) return isChunk ? Chunk.relayed(encodeEvent(data)) : undefined
  if (isChunk || 'usage' in body || isPeer) return chunk
  if (isComplaint(body)) throw upstreamError({ name, body, secrets: secretsOf({ ...(headers && { headers }) }) })
  return undefined
}

/** Servers have more ways to say that they failed than OpenAI's `error`. */
function isComplaint(body: { object?: unknown; error_code?: unknown; message?: unknown }): boolean {
  return body.object === 'error' || body.error_code !== undefined || typeof body.message === 'string'
}

const errorMark = Buffer.from('"error"')
const errorEventMark = Buffer.from('event: error')

/** An error names itself: as an event, at the start of its body, or among the fields of a chunk. Quotes within words are escaped. */
function mayBeError(buffer: Buffer): boolean {
  return buffer.includes(errorMark) || buffer.indexOf(errorEventMark) === 0
}

function throwIfError({ name, isPeer, headers }: Endpoint, chunk: Chunk): void {
  const body = safeJson(chunk.data ?? '') as { error?: unknown } | null | undefined
  if (chunk.event !== 'error' && (typeof body !== 'object' || body?.error == null)) return
  if (isPeer) throw peerRefusal({ name, body, retryAfter: undefined })
  throw upstreamError({ name, body, secrets: secretsOf({ ...(headers && { headers }) }) })
}

/** The reason given by one of the last two chunks (usage may follow it), parsed once at the end. */
function finishOf({ name }: Endpoint, tail: readonly Chunk[]): string | null {
  for (const chunk of tail) {
    const { choices } = (safeJson(chunk.data ?? '') ?? {}) as { choices?: { finish_reason?: unknown }[] }
    if (choices?.some(({ finish_reason }) => finish_reason === 'error')) {
      throw new ParleyError('backend_failed', `${name} ended its answer with an error`)
    }
    const reason = finishReasonOf(choices)
    if (reason !== null) return reason
  }
  return null
}

/** Usage without choices, after a reason to finish: by OpenAI's wire nothing but the terminal marker follows it. */
function isLast(endpoint: Endpoint, chunk: Chunk, tail: readonly Chunk[]): boolean {
  const { choices } = chunk.json() as { choices?: unknown[] }
  return choices?.length === 0 && finishOf(endpoint, tail) !== null
}

/** A server that never counts: one token a chunk is the nearest honest guess, and it is marked as one. */
function estimate(chunks: number): Usage {
  return { prompt_tokens: 0, completion_tokens: chunks, total_tokens: chunks, estimated: true }
}
