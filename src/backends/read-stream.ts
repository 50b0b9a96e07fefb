import type { Outcome, TokenCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, createEventCutter, encodeEvent, type Span, type Usage } from '../openai/index.ts'
import { finishReasonOf } from './finish-reason.ts'
import { peerRefusal, upstreamError } from './refusal.ts'
import { type Endpoint, type Response, safeJson, secretsOf } from './send.ts'

type Body = Response['body']

/** An answer that is read as it comes, one piece of bytes after the other. */
export interface StreamReader {
  /** The chunks a piece completes. What is no chunk never gets out: it throws, behind the chunks before it. */
  take: (piece: Uint8Array) => Generator<Chunk, void, void>
  /** The server said by its end mark that the answer is whole. */
  isWhole: () => boolean
  /** How the answer ended, once its body did. Throws `stream_cut` where nobody said that it is whole. */
  ended: () => Outcome
}

export interface ReadOptions {
  /** Events that say nothing but words, and arrived together, become one chunk. */
  readonly joins: boolean
}

/**
 * The events of an answer as chunks. It ends well only where the server said that it is whole: with the end mark, or with
 * a reason to finish.
 */
export function createStreamReader(endpoint: Endpoint, call: TokenCall, { joins }: ReadOptions): StreamReader {
  const { name, isPeer } = endpoint
  const cutter = createEventCutter()
  let usage: Usage | undefined
  let newest: Chunk | undefined
  let previous: Chunk | undefined
  let events = 0
  let isWhole = false
  const follow = (chunk: Chunk | undefined) => {
    previous = newest
    newest = chunk
  }
  const one = (bytes: Uint8Array): Chunk | undefined => {
    const chunk = chunkOf(endpoint, bytes)
    if (chunk === undefined) return undefined
    const reported = chunk.usage()
    usage = reported ?? usage
    if (chunk.event !== undefined) return chunk
    events++
    follow(chunk)
    if (reported !== undefined && isLast(chunk, [newest, previous])) chunk.meta.isLast = true
    return chunk
  }
  const run = (buffer: Uint8Array, spans: readonly Span[]): Chunk => {
    const from = spans[0]!.start
    const ends = spans.map(({ end }) => end - from)
    events += ends.length
    follow(undefined)
    if (ends.length > 1) follow(undefined)
    return Chunk.run(buffer.subarray(from, spans.at(-1)!.end), ends)
  }
  return {
    *take(piece) {
      const { buffer, events: spans } = cutter.cut(piece)
      const bytesOfAll = view(buffer)
      const plainTo = joins && spans.length > 1 ? firstOdd(bytesOfAll, spans[0]!.start) : 0
      for (let at = 0; at < spans.length && !isWhole; ) {
        const plain = plainRun(bytesOfAll, spans, at, plainTo)
        if (plain > 0) yield run(buffer, spans.slice(at, at + plain))
        at += plain
        if (plain > 0) continue
        const bytes = buffer.subarray(spans[at]!.start, spans[at]!.end)
        at++
        isWhole = isDone(bytes)
        if (isWhole && events === 0 && !isPeer) {
          throw new ParleyError('backend_failed', `${name} answered without a word`)
        }
        const chunk = isWhole ? undefined : one(bytes)
        if (chunk !== undefined) yield chunk
      }
    },
    isWhole: () => isWhole,
    ended: () => {
      const finishReason = finishOf([newest, previous])
      if (!isWhole && (isPeer || !tellsOne(call) || finishReason === null)) {
        throw new ParleyError('stream_cut', `${name} ended its answer without a terminal marker`)
      }
      return { usage: usage ?? estimate(events), finishReason, servedBy: name }
    },
  }
}

/** How many events from `at` on stand side by side and say nothing but words; `to` is where a byte does that says more. */
function plainRun(buffer: Buffer, spans: readonly Span[], at: number, to: number): number {
  let next = at
  while (next < spans.length && spans[next]!.end <= to) {
    const { start, end } = spans[next]!
    const isNeighbour = next === at || spans[next - 1]!.end === start
    if (!isNeighbour || !isWords(buffer, start, end)) break
    next++
  }
  return next - at
}

/** Of several answers in one stream, the end of the last chunk's says nothing about the others: only the end mark does. */
function tellsOne({ task, body }: TokenCall): boolean {
  if (task === 'embedding' || (body.n ?? 1) > 1) return false
  const prompt = task === 'completion' ? body.prompt : undefined
  return !Array.isArray(prompt) || prompt.length < 2 || typeof prompt[0] === 'number'
}

export function broken({ name }: Endpoint, signal: AbortSignal, cause: unknown): ParleyError {
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
export function ignore(): void {}

function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
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
const usageMark = Buffer.from('"usage"')
const reasonMark = Buffer.from('"finish_reason"')
const choicesMark = Buffer.from('"choices"')
const [lf, cr, tab, space, quote, colon, letterN, openBrace, closeBrace] = [10, 13, 9, 32, 34, 58, 110, 123, 125]

/** Where the first byte stands that says more than words: of usage, an end, a failure or a name; the buffer's end without any. */
function firstOdd(buffer: Buffer, from: number): number {
  const error = buffer.indexOf(errorMark, from)
  const to = error === -1 ? buffer.length : error
  return Math.min(to, firstValue(buffer, usageMark, from), firstValue(buffer, reasonMark, from))
}

/** Where the first field of this name stands that is not null. */
function firstValue(buffer: Buffer, mark: Buffer, from: number): number {
  for (let at = buffer.indexOf(mark, from); at !== -1; at = buffer.indexOf(mark, at + 1)) {
    let next = at + mark.length
    while (buffer[next] === space || buffer[next] === colon || buffer[next] === tab) next++
    if (buffer[next] !== letterN) return at
  }
  return buffer.length
}

function isWords(buffer: Buffer, start: number, end: number): boolean {
  if (!isPlainObject(buffer, start, end)) return false
  const at = buffer.indexOf(choicesMark, start)
  return at !== -1 && at < end
}

/** `data: {"…}` and nothing else, as nearly every event is: told by its ends, without reading it. */
function isPlainObject(buffer: Buffer, start = 0, end = buffer.length): boolean {
  for (let at = 0; at < dataMark.length; at++) if (buffer[start + at] !== dataMark[at]) return false
  const afterMark = start + dataMark.length
  const from = buffer[afterMark] === space ? afterMark + 1 : afterMark
  let last = end - 1
  while (buffer[last] === lf || buffer[last] === cr) last--
  const isOneLine = buffer.indexOf(lf, start) >= last
  return isOneLine && buffer[from] === openBrace && buffer[from + 1] === quote && buffer[last] === closeBrace
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

interface Failing {
  readonly error?: unknown
  readonly choices?: readonly ({ readonly finish_reason?: unknown } | null)[]
}

function throwIfError({ name, isPeer, headers }: Endpoint, chunk: Chunk): void {
  const body = safeJson(chunk.data ?? '') as Failing | null | undefined
  if (body?.choices?.some?.(choice => choice?.finish_reason === 'error') === true) {
    throw new ParleyError('backend_failed', `${name} ended its answer with an error`)
  }
  if (chunk.event !== 'error' && (typeof body !== 'object' || body?.error == null)) return
  if (isPeer) throw peerRefusal({ name, body, retryAfter: undefined })
  throw upstreamError({ name, body, secrets: secretsOf({ ...(headers && { headers }) }) })
}

function jsonOf(chunk: Chunk): object {
  try {
    return (chunk.json() ?? {}) as object
  } catch {
    return {}
  }
}

/** The reason given by one of the last two chunks (usage may follow it), parsed once at the end. A run gives none. */
function finishOf(tail: readonly (Chunk | undefined)[]): string | null {
  for (const chunk of tail) {
    const { choices } = (chunk === undefined ? {} : jsonOf(chunk)) as { choices?: { finish_reason?: unknown }[] }
    const reason = finishReasonOf(choices)
    if (reason !== null) return reason
  }
  return null
}

/** Usage without choices, after a reason to finish: by OpenAI's wire nothing but the terminal marker follows it. */
function isLast(chunk: Chunk, tail: readonly (Chunk | undefined)[]): boolean {
  const { choices } = chunk.json() as { choices?: unknown[] }
  return choices?.length === 0 && finishOf(tail) !== null
}

/** A server that never counts: one token a chunk is the nearest honest guess, and it is marked as one. */
function estimate(chunks: number): Usage {
  return { prompt_tokens: 0, completion_tokens: chunks, total_tokens: chunks, estimated: true }
}
