import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Outcome, TokenCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, noUsage, readEvents, type Usage } from '../openai/index.ts'
import { peerRefusal, upstreamRefusal } from './refusal.ts'

export interface OpenAiClientOptions {
  /** How it is called in errors and outcomes; never its URL or key. */
  readonly name: string
  readonly dispatcher: Dispatcher
  readonly origin: string
  /** Path before `/chat/completions`, for example `/v1`. */
  readonly basePath: string
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the other side speaks our error codes and sends every answer as a stream, receipts included. */
  readonly isPeer: boolean
  /** Largest body of an answer that is not a stream, in bytes. */
  readonly maxBodyBytes?: number
}

const paths = { chat: '/chat/completions', completion: '/completions', embedding: '/embeddings' } as const
const defaultMaxBodyBytes = 64 * 1024 * 1024

/** The one HTTP client of the node: an upstream and a peer differ in dispatcher and headers, not in code. */
export interface OpenAiClient {
  json: (
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<unknown>
  run: (
    call: TokenCall,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => AsyncGenerator<Chunk, Omit<Outcome, 'servedBy'>, void>
}

export function createOpenAiClient(options: OpenAiClientOptions): OpenAiClient {
  return {
    json: async (method, path, body, signal, headers = {}) => {
      const accept = { ...headers, accept: 'application/json' }
      const response = await send(options, { method, path, body, signal, headers: accept })
      return parseJson(options, await readText(options, response.body, signal))
    },
    run: (call, headers, signal) => run(options, call, headers, signal),
  }
}

async function* run(
  options: OpenAiClientOptions,
  call: TokenCall,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): AsyncGenerator<Chunk, Omit<Outcome, 'servedBy'>, void> {
  const isStream = options.isPeer || call.task !== 'embedding'
  const response = await send(options, {
    method: 'POST',
    path: options.basePath + paths[call.task],
    body: requestBody(call),
    headers: { ...headers, accept: isStream ? 'text/event-stream' : 'application/json' },
    signal,
  })
  const type = String(response.headers['content-type'] ?? '')
  if (type.startsWith('text/event-stream')) return yield* readStream(options, call, response.body, signal)
  const body = parseJson(options, await readText(options, response.body, signal))
  if (call.task !== 'embedding') {
    throw new ParleyError('backend_failed', `${options.name} did not stream its answer`)
  }
  const chunk = Chunk.of(body)
  yield chunk
  return { usage: chunk.usage() ?? noUsage }
}

/** Usage is always asked for; whoever did not ask does not get to see it. */
function requestBody({ task, body }: TokenCall): unknown {
  if (task === 'embedding') return body
  return { ...body, stream: true, stream_options: { ...body.stream_options, include_usage: true } }
}

interface Sending {
  method: 'GET' | 'POST'
  path: string
  body: unknown
  headers: Record<string, string>
  signal: AbortSignal
}

async function send(options: OpenAiClientOptions, sending: Sending): Promise<Dispatcher.ResponseData> {
  const { method, path, body, headers, signal } = sending
  let response: Dispatcher.ResponseData
  try {
    response = await options.dispatcher.request({
      origin: options.origin,
      method,
      path,
      signal,
      headers: { ...options.headers, ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  } catch (cause) {
    throw unreachable(options, signal, cause)
  }
  if (response.statusCode < 300) return response
  throw await refusal(options, response, signal)
}

function unreachable({ name, isPeer }: OpenAiClientOptions, signal: AbortSignal, cause: unknown): ParleyError {
  if (cause instanceof ParleyError || signal.aborted) return ParleyError.from(cause, signal)
  const code = (cause as { code?: unknown }).code
  const reason = typeof code === 'string' ? code : 'no connection'
  return new ParleyError(isPeer ? 'peer_unreachable' : 'backend_failed', `cannot reach ${name} (${reason})`, { cause })
}

async function refusal(
  options: OpenAiClientOptions,
  { statusCode: status, headers, body }: Dispatcher.ResponseData,
  signal: AbortSignal,
): Promise<ParleyError> {
  const text = await readText({ ...options, maxBodyBytes: 64 * 1024 }, body, signal).catch(() => '')
  const retryAfter = headers['retry-after']?.toString()
  const refused = { name: options.name, status, body: safeJson(text), retryAfter }
  return options.isPeer ? peerRefusal(refused) : upstreamRefusal(refused)
}

async function* readStream(
  options: OpenAiClientOptions,
  call: TokenCall,
  body: Body,
  signal: AbortSignal,
): AsyncGenerator<Chunk, Omit<Outcome, 'servedBy'>, void> {
  let usage: Usage | undefined
  let tail: Chunk[] = []
  let chunks = 0
  let isWhole = false
  try {
    for await (const { bytes } of readEvents(body.iterator({ destroyOnReturn: false }))) {
      const chunk = Chunk.relayed(bytes)
      if (isDone(bytes)) {
        isWhole = true
        return { usage: usage ?? estimate(chunks), ...finishOf(tail) }
      }
      if (mayBeError(bytes)) throwIfError(options, chunk)
      const { event } = chunk
      if (event === undefined && chunk.data === undefined) continue
      const reported = chunk.usage()
      usage = reported ?? usage
      if (event === undefined) {
        chunks++
        tail = [chunk, tail[0] ?? chunk]
        if (reported !== undefined && isLast(chunk, tail)) chunk.meta.isLast = true
      }
      yield chunk
    }
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause
    if (signal.aborted) throw ParleyError.from(cause, signal)
    throw new ParleyError('stream_cut', `${options.name} broke off in the middle of its answer`, { cause })
  } finally {
    if (isWhole) letEnd(body)
    else body.on('error', ignore).destroy()
  }
  const finish = finishOf(tail)
  if (!options.isPeer && call.task !== 'embedding' && finish.finishReason != null) {
    return { usage: usage ?? estimate(chunks), ...finish }
  }
  throw new ParleyError('stream_cut', `${options.name} ended its answer without a terminal marker`)
}

type Body = Dispatcher.ResponseData['body']

const afterDoneBytesMax = 1_024
const afterDoneMs = 1_000

/** After the last event only the end of the body is to come; once it is read, the connection serves the next call. */
function letEnd(body: Body): void {
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

const doneMark = Buffer.from('[DONE]')

function isDone(bytes: Uint8Array): boolean {
  return bytes.length < 24 && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(doneMark)
}

const errorMark = Buffer.from('error')

/** An error event names itself within its first bytes: `event: error` or `data: {"error": …`. */
function mayBeError(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 24)).includes(errorMark)
}

function throwIfError(options: OpenAiClientOptions, chunk: Chunk): void {
  const body = safeJson(chunk.data ?? '')
  if (chunk.event !== 'error' && !(typeof body === 'object' && body !== null && 'error' in body)) return
  if (options.isPeer) throw peerRefusal({ name: options.name, body, retryAfter: undefined })
  throw new ParleyError('backend_failed', `${options.name} reported an error in the middle of its answer`)
}

/** Reasons that go into events and receipts. Any other is the far side's own words, which stay in the answer. */
const finishReasons: ReadonlySet<unknown> = new Set(['stop', 'length', 'tool_calls', 'function_call', 'content_filter'])

/** The reason given by one of the last two chunks (usage may follow it), parsed once at the end. */
function finishOf(tail: readonly Chunk[]): { finishReason: string | null } {
  for (const chunk of tail) {
    const body = safeJson(chunk.data ?? '') as { choices?: { finish_reason?: unknown }[] } | undefined
    const reason = body?.choices?.find(choice => choice.finish_reason != null)?.finish_reason
    if (reason != null) return { finishReason: finishReasons.has(reason) ? (reason as string) : 'other' }
  }
  return { finishReason: null }
}

/** Usage without choices, after a reason to finish: by OpenAI's wire nothing but the terminal marker follows it. */
function isLast(chunk: Chunk, tail: readonly Chunk[]): boolean {
  const { choices } = chunk.json() as { choices?: unknown[] }
  return choices?.length === 0 && finishOf(tail).finishReason !== null
}

/** A server that never counts: one token a chunk is the nearest honest guess, and it is marked as one. */
function estimate(chunks: number): Usage {
  return { prompt_tokens: 0, completion_tokens: chunks, total_tokens: chunks, estimated: true }
}

async function readText(options: OpenAiClientOptions, body: Readable, signal: AbortSignal): Promise<string> {
  const limit = options.maxBodyBytes ?? defaultMaxBodyBytes
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of body) {
      size += (piece as Buffer).length
      if (size > limit) throw new ParleyError('backend_failed', `${options.name} sent more than ${limit} bytes`)
      pieces.push(piece as Buffer)
    }
  } catch (cause) {
    if (cause instanceof ParleyError || signal.aborted) throw ParleyError.from(cause, signal)
    throw new ParleyError('stream_cut', `${options.name} broke off in the middle of its answer`, { cause })
  }
  return Buffer.concat(pieces).toString('utf8')
}

function parseJson({ name }: OpenAiClientOptions, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ParleyError('backend_failed', `${name} answered something that is not JSON`, { cause })
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
