import type { Outcome, TokenCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { type Chunk, comesWhole } from '../openai/index.ts'
import { broken, createStreamReader, ignore, letEnd, type ReadOptions } from './read-stream.ts'
import { type Endpoint, parseJson, type Response, readText, send } from './send.ts'
import { wholeAnswer } from './whole-answer.ts'

/** The other side of a client: `isPeer` also says that every answer comes as a stream, receipts included. */
export interface OpenAiClientOptions extends Endpoint {
  /** Path before `/chat/completions`, for example `/v1`. */
  readonly basePath: string
  /** How long the head of a streamed answer may take. */
  readonly headersMs?: number | undefined
}

const paths = { chat: '/chat/completions', completion: '/completions', embedding: '/embeddings' } as const

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
    reading?: ReadOptions,
  ) => AsyncGenerator<Chunk, Outcome, void>
}

export function createOpenAiClient(options: OpenAiClientOptions): OpenAiClient {
  return {
    json: async (method, path, body, signal, headers = {}) => {
      const accept = { ...headers, accept: 'application/json' }
      const response = await send(options, { method, path, body, signal, headers: accept })
      return parseJson(options, await readText(options, response.body, signal))
    },
    run: (call, headers, signal, reading = { joins: false }) => run(options, call, headers, signal, reading),
  }
}

async function* run(
  options: OpenAiClientOptions,
  call: TokenCall,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  reading: ReadOptions,
): AsyncGenerator<Chunk, Outcome, void> {
  const { name: servedBy } = options
  const isStream = options.isPeer || !isWhole(call)
  const response = await send(options, {
    method: 'POST',
    path: options.basePath + paths[call.task],
    body: isStream ? streamedBody(call) : call.body,
    headers: { ...headers, accept: isStream ? 'text/event-stream' : 'application/json' },
    headersMs: isStream ? options.headersMs : undefined,
    signal,
  })
  const type = String(response.headers['content-type'] ?? '').toLowerCase()
  if (!type.startsWith('text/event-stream')) {
    return { ...(yield* wholeAnswer(options, call, await wholeBody(options, response, isStream, signal))), servedBy }
  }
  const { body } = response
  const reader = createStreamReader(options, call, reading)
  try {
    for await (const piece of body.iterator({ destroyOnReturn: false })) {
      for (const chunk of reader.take(piece)) yield chunk
      if (reader.isWhole()) break
    }
    return reader.ended()
  } catch (cause) {
    throw broken(options, signal, cause)
  } finally {
    if (reader.isWhole()) letEnd(body)
    else body.on('error', ignore).destroy()
  }
}

async function wholeBody(
  options: OpenAiClientOptions,
  { headers, body }: Response,
  isStream: boolean,
  signal: AbortSignal,
): Promise<unknown> {
  const { name, isPeer } = options
  if (isStream && !String(headers['content-type']).toLowerCase().startsWith('application/json')) {
    body.on('error', ignore).destroy()
    throw new ParleyError('backend_failed', `${name} answered something that is no stream; look at its url`)
  }
  const said = parseJson(options, await readText(options, body, signal))
  if (isPeer) throw new ParleyError('backend_failed', `${name} did not stream its answer`)
  return said
}

function isWhole(call: TokenCall): boolean {
  return call.task === 'embedding' || (call.task === 'completion' && comesWhole(call.body))
}

/** Usage is always asked for; whoever did not ask does not get to see it. */
function streamedBody({ task, body }: TokenCall): unknown {
  if (task === 'embedding') return body
  return { ...body, stream: true, stream_options: { ...body.stream_options, include_usage: true } }
}
