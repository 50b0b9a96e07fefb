/**
 * A client for OpenAI-compatible servers, small enough for a page: the web UI, the command line and tests share it. It and
 * the files beside it touch nothing but what browsers have, and believe nothing of what a server sends.
 */
import { type ChatEnd, type ChatPiece, createAnswer, parsed } from './client-answer.ts'
import { ApiError, asRecord, located, strange, toldError } from './client-error.ts'
import { createEventReader, cutMessage, type Patience, patiently, readText, readWhole } from './client-read.ts'

export type { ChatEnd, ChatPiece, NoticeCode } from './client-answer.ts'
export { ApiError } from './client-error.ts'

/** Where to ask, and as whom. */
export interface Connection {
  /** Base URL, `/v1` included. */
  readonly baseUrl: string
  /** A key, or a function that knows the newest one. */
  readonly key?: string | (() => Promise<string>)
  readonly fetch?: typeof fetch
  readonly headers?: Readonly<Record<string, string>>
}

export interface AskOptions {
  readonly signal: AbortSignal
  /** Longest silence in milliseconds, also before the first byte; what keeps a connection alive is none. */
  readonly idleMs?: number
}

export interface ListedModel {
  readonly id: string
  readonly [field: string]: unknown
}

/** A model that thinks without a word, or a node that asks one provider after the other, takes minutes. */
const defaultIdleMs = 300_000
/** Characters of a body in one piece, and of one that tells an error. */
const bodyMax = 32 * 1024 * 1024
const errorBodyMax = 64 * 1024

/**
 * Streams one chat answer: pieces as they come, then how it ended. Throws `ApiError`; a stream without a finish reason and
 * without `[DONE]` is `stream_cut`, and what came before it stays with the caller.
 */
export async function* streamChat(
  connection: Connection,
  body: object,
  options: AskOptions,
): AsyncGenerator<ChatPiece, ChatEnd, void> {
  const startedAt = performance.now()
  const patience = patienceOf(options)
  const response = await askStream(connection, body, patience)
  const answer = createAnswer(response)
  yield* answer.opening()
  let firstMs: number | undefined
  try {
    for await (const payload of readPayloads(response, patience, () => answer.isDone)) {
      const pieces = answer.add(payload)
      if (pieces.length > 0) firstMs ??= performance.now() - startedAt
      yield* pieces
      if (answer.isDone) break
    }
  } catch (cause) {
    // Of an answer that is whole only the end of its connection is missing.
    if (!(answer.isWhole && cause instanceof ApiError && cause.code === 'stream_cut')) throw located(cause, response)
  }
  if (!answer.isWhole) throw located(new ApiError('stream_cut', cutMessage), response)
  const totalMs = performance.now() - startedAt
  return { ...answer.end(), firstMs: firstMs ?? totalMs, totalMs }
}

/** The models a server lists. */
export async function listModels(connection: Connection, options: AskOptions): Promise<ListedModel[]> {
  const { data } = await askWhole(connection, 'models', {}, options)
  if (!Array.isArray(data)) throw new ApiError('bad_answer', 'the server lists no models; check its address')
  return data.filter((entry): entry is ListedModel => typeof asRecord(entry).id === 'string')
}

/** A chat answer in one piece, as the server sends it. */
export async function complete(
  connection: Connection,
  body: object,
  options: AskOptions,
): Promise<Record<string, unknown>> {
  return askWhole(connection, 'chat/completions', posted({ ...body, stream: false }), options)
}

/** What was said in the `file` of a form. */
export async function transcribe(
  connection: Connection,
  form: FormData,
  options: AskOptions,
): Promise<{ text: string }> {
  const { text } = await askWhole(connection, 'audio/transcriptions', { method: 'POST', body: form }, options)
  if (typeof text !== 'string') throw new ApiError('bad_answer', 'the server sent no text; ask for the format json')
  return { text }
}

function patienceOf({ signal, idleMs = defaultIdleMs }: AskOptions): Patience {
  return { signal, idleMs }
}

/** Asks for usage too. A server that does not know that wish is asked once more without it. */
async function askStream(connection: Connection, body: object, patience: Patience): Promise<Response> {
  const { stream_options: given, ...rest } = body as { stream_options?: object }
  const plain = { ...rest, stream: true }
  const wish = { ...plain, stream_options: { ...given, include_usage: true } }
  try {
    return await send(connection, 'chat/completions', posted(wish), patience)
  } catch (cause) {
    const isRefused = cause instanceof ApiError && (cause.status === 400 || cause.status === 422)
    if (!isRefused || !`${cause.param} ${cause.message}`.includes('stream_options')) throw cause
    return send(connection, 'chat/completions', posted(plain), patience)
  }
}

async function askWhole(
  connection: Connection,
  path: string,
  init: RequestInit,
  options: AskOptions,
): Promise<Record<string, unknown>> {
  const patience = patienceOf(options)
  const response = await send(connection, path, init, patience)
  return parsed(await readWhole(readText(response, patience), bodyMax), response)
}

function posted(body: object): RequestInit {
  return { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
}

/** An answer with a good status. A redirect is none: what is sent is for the server that was named. */
async function send(
  { baseUrl, key, headers, fetch: ask = fetch }: Connection,
  path: string,
  init: RequestInit,
  patience: Patience,
): Promise<Response> {
  const token = typeof key === 'function' ? await patiently(key(), patience) : key
  const given = init.headers as Record<string, string> | undefined
  const all = { ...given, ...(token && { authorization: `Bearer ${token}` }), ...headers }
  const late = new AbortController()
  const signal = AbortSignal.any([patience.signal, late.signal])
  const url = `${baseUrl.replace(/\/+$/, '')}/${path}`
  try {
    const asked = ask(url, { ...init, headers: all, signal, redirect: 'error' })
    const response = await patiently(asked, patience)
    if (!response.ok) throw await refusal(response, patience)
    return response
  } catch (cause) {
    late.abort()
    if (cause instanceof ApiError) throw cause
    const message = `nothing answers at ${URL.parse(url)?.origin ?? 'this address'}; check the address and whether it is up`
    throw new ApiError('unreachable', message, { cause })
  }
}

async function refusal(response: Response, patience: Patience): Promise<ApiError> {
  try {
    return toldError(JSON.parse(await readWhole(readText(response, patience), errorBodyMax)), response)
  } catch (cause) {
    return cause instanceof ApiError && cause.code === 'cancelled' ? cause : toldError(undefined, response)
  }
}

/**
 * The payloads of a body: of its events, or the one of a server that answers in one piece. What it calls its body is not
 * asked: many call it wrongly or not at all.
 */
async function* readPayloads(
  response: Response,
  patience: Patience,
  isDone: () => boolean,
): AsyncGenerator<string, void, void> {
  const reader = createEventReader()
  let start = ''
  let kind: 'events' | 'body' | undefined
  for await (const text of readText(response, patience, isDone)) {
    start = kind === 'events' ? text : start + text
    kind ??= kindOf(start, response)
    if (kind === undefined) start = ''
    else if (kind === 'events') yield* reader.push(start)
    else if (start.length > bodyMax) throw strange(response)
  }
  if (kind === 'events') yield* unended(reader)
  else if (kind === 'body') yield* wholeAnswer(start, response)
}

/** Undefined while nothing but white space came. */
function kindOf(start: string, response: Response): 'events' | 'body' | undefined {
  const [first] = start.trimStart()
  if (first === '<') throw strange(response)
  return first === undefined ? undefined : first === '{' ? 'body' : 'events'
}

/** A body that could be read is whole, whether it says so or not. */
function wholeAnswer(body: string, response: Response): string[] {
  if (!Array.isArray(parsed(body, response).choices)) throw strange(response)
  return [body, '[DONE]']
}

/** The last event of a server that forgets its blank line; one that is cut within is none. */
function unended(reader: ReturnType<typeof createEventReader>): string[] {
  return reader.end().filter(payload => payload.trim() === '[DONE]' || isJson(payload))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
