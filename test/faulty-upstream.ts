import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** One request as it arrived, and what became of it. */
export interface Hit {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The bytes of the body; `body` is what they say, if that is JSON. */
  readonly raw: Buffer
  readonly body: Record<string, unknown>
  /** When it came, and when the client closed its response before the end (`performance.now()`). */
  readonly at: number
  leftAt: number | undefined
}

/** What an answer has at hand. */
export interface Asked {
  readonly hit: Hit
  readonly response: ServerResponse
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal
}

export type Answer = (asked: Asked) => Promise<void> | void

export interface FaultyUpstream {
  /** Base URL, `/v1` included. */
  readonly url: string
  /** Requests other than `GET /models`, in order. */
  readonly hits: readonly Hit[]
  /** Connections ever accepted. */
  readonly sockets: () => number
  /** The answers to the next requests, in order; afterwards it is the answer of `always` again. */
  readonly next: (...answers: Answer[]) => void
  /** The answer to every request for which none is scripted; `whole()` to begin with. */
  readonly always: (answer: Answer) => void
  /** Forgets hits and scripts. */
  readonly reset: () => void
  readonly stop: () => Promise<void>
}

export const words = ['Hello', ' from', ' grüezi', ' 世界', ' 👋🏽']
export const saidWhole = words.join('')
export const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 }

/** An OpenAI-compatible server that fails as it is told. */
export async function startFaultyUpstream(models: readonly string[] = ['faulty']): Promise<FaultyUpstream> {
  const { listener, ...script } = createFaultyScript(models)
  const server = createServer(listener)
  let sockets = 0
  server.on('connection', () => void sockets++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return { ...script, url, sockets: () => sockets, stop }
}

/** The same as a listener alone, for servers that speak TLS or HTTP/2. */
export function createFaultyScript(models: readonly string[] = ['faulty']) {
  const hits: Hit[] = []
  let scripted: Answer[] = []
  let otherwise: Answer = whole()
  const listener: RequestListener = async (request, response) => {
    const at = performance.now()
    const raw = Buffer.concat(await request.toArray().catch(() => []))
    const { method = '', url: path = '', headers } = request
    if (method === 'GET' && path.endsWith('/models')) {
      return void json(200, { object: 'list', data: models.map(id => ({ id })) })({ response } as Asked)
    }
    const hit: Hit = { method, path, headers, raw, body: parsed(raw), at, leftAt: undefined }
    hits.push(hit)
    const left = new AbortController()
    const leave = () => {
      // Over HTTP/2 what was reset counts as finished.
      if (!response.writableEnded || !response.writableFinished) hit.leftAt ??= performance.now()
      left.abort()
    }
    response.once('close', leave)
    if (request.socket.destroyed) leave()
    const answer = scripted.shift() ?? otherwise
    await Promise.resolve(answer({ hit, response, gone: left.signal })).catch(() => response.destroy())
  }
  return {
    listener,
    hits,
    next: (...answers: Answer[]) => void scripted.push(...answers),
    always: (answer: Answer) => {
      otherwise = answer
    },
    reset: () => {
      hits.length = 0
      scripted = []
      otherwise = whole()
    },
  }
}

// Answers that are right.

/** Whatever was asked, answered as OpenAI does. */
export function whole(options: StreamOptions = {}): Answer {
  return asked => {
    const { path, body } = asked.hit
    if (path.endsWith('/embeddings')) return json(200, vectors(body))(asked)
    return body.stream === true ? stream(options)(asked) : json(200, wholeBody(asked.hit))(asked)
  }
}

export interface StreamOptions {
  readonly words?: readonly string[]
  readonly finish?: string | null
  /** Where usage stands: in an event of its own, on the chunk with the last word, or nowhere. */
  readonly usage?: 'own' | 'last' | 'missing'
  readonly isDone?: boolean
  readonly lineEnd?: '\n' | '\r\n'
  /** Milliseconds before each event. */
  readonly dripMs?: number
  /** Bytes per packet; whole events otherwise. */
  readonly packetBytes?: number
  /** Events after the words, in place of the end. */
  readonly instead?: (asked: Asked) => Promise<void> | void
}

export function stream(options: StreamOptions = {}): Answer {
  return async asked => {
    const { response, hit, gone } = asked
    const { finish = 'stop', usage: where = 'own', dripMs = 0, packetBytes = 0, instead } = options
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    const said = options.words ?? words
    const events: unknown[] = said.map((word, i) => ({
      ...piece(hit, word),
      ...(where === 'last' && i === said.length - 1 && { usage }),
    }))
    if (instead === undefined) {
      if (finish !== null) events.push(piece(hit, '', finish))
      if (where === 'own') events.push({ ...piece(hit, ''), choices: [], usage })
      if (options.isDone !== false) events.push('[DONE]')
    }
    for (const event of events) {
      if (dripMs > 0) await sleep(dripMs, undefined, { signal: gone })
      await write(response, framed(event, options.lineEnd), packetBytes)
    }
    if (instead === undefined) response.end()
    else await instead(asked)
  }
}

// Answers that are not.

/** A status with OpenAI's error body, or a text as it is. */
export function refuse(status: number, said: unknown = oops(status), headers: Record<string, string> = {}): Answer {
  return json(status, said, headers)
}

/** The error object OpenAI would send, with words that can be told from any other. */
export function oops(status: number, message = `the upstream says ${status}`): { error: Record<string, unknown> } {
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  return { error: { message, type, param: 'messages', code: `oops_${status}` } }
}

/** Repeats the key and the prompt in the body of its error. */
export function echo(status: number): Answer {
  return asked => {
    const key = String(asked.hit.headers.authorization)
    return json(status, oops(status, `key ${key}; you said ${asked.hit.raw}`))(asked)
  }
}

/** Says nothing more: before the headers, before the first word, or after the words. */
export function hang(at: 'headers' | 'first' | 'middle'): Answer {
  if (at === 'headers') return () => {}
  return stream({ words: at === 'first' ? [] : words, instead: () => {} })
}

/** Cuts the connection, politely or not, after the words or before the headers. */
export function cut(how: 'rst' | 'fin', at: 'headers' | 'middle' = 'middle'): Answer {
  const end = async ({ response }: Asked) => {
    await sleep(20)
    const { socket } = response
    if (how === 'rst' && socket instanceof Socket) socket.resetAndDestroy()
    else socket?.end()
  }
  return at === 'headers' ? end : stream({ instead: end })
}

/** An event after the words, as it is, then the rest of a good end. */
export function slip(event: string): Answer {
  return stream({
    instead: async ({ response, hit }) => {
      response.write(event)
      await sleep(5)
      if (!response.destroyed) response.end(framed(piece(hit, '', 'stop')) + framed('[DONE]'))
    },
  })
}

/** An error event after the words, or in place of them. */
export function failInStream(error: unknown = oops(500).error, after: readonly string[] = words): Answer {
  return stream({ words: after, instead: ({ response }) => void response.end(framed({ error })) })
}

/** A body of any type, whatever was asked for. */
export function text(type: string, said: string, status = 200): Answer {
  return ({ response }) => void response.writeHead(status, { 'content-type': type }).end(said)
}

/** Whole JSON, also to a request for a stream. */
export function json(status: number, said: unknown, headers: Record<string, string> = {}): Answer {
  return ({ response }) => {
    const body = typeof said === 'string' ? said : JSON.stringify(said)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  }
}

// Shapes.

export function framed(event: unknown, lineEnd = '\n'): string {
  return `data: ${typeof event === 'string' ? event : JSON.stringify(event)}${lineEnd}${lineEnd}`
}

/** A chunk of the task that was asked for. */
export function piece({ path, body }: Hit, content: string, finish_reason: string | null = null) {
  const isChat = path.endsWith('/chat/completions')
  const delta = finish_reason === null ? { content } : {}
  const choice = isChat ? { index: 0, delta, finish_reason } : { index: 0, text: content, finish_reason }
  const object = isChat ? 'chat.completion.chunk' : 'text_completion'
  return { id: 'up-1', object, created: 1, model: body.model, choices: [choice] }
}

/** What answers a request that asked for no stream. */
export function wholeBody({ path, body }: Hit) {
  const isChat = path.endsWith('/chat/completions')
  const message = { role: 'assistant', content: saidWhole }
  const choice = { index: 0, ...(isChat ? { message } : { text: saidWhole }), finish_reason: 'stop' }
  const object = isChat ? 'chat.completion' : 'text_completion'
  return { id: 'up-1', object, created: 1, model: body.model, choices: [choice], usage }
}

/** A vector per input that can be told from the others: its length and its first character. */
export function vectors(body: Record<string, unknown>) {
  const inputs = (
    Array.isArray(body.input) && typeof body.input[0] !== 'number' ? body.input : [body.input]
  ) as string[]
  const data = inputs.map((input, index) => ({ object: 'embedding', index, embedding: vectorOf(input, body) }))
  const tokens = inputs.reduce((sum, input) => sum + input.length, 0)
  return { object: 'list', model: body.model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } }
}

function vectorOf(input: string, { encoding_format }: Record<string, unknown>): number[] | string {
  const vector = [input.length, String(input).charCodeAt(0)]
  return encoding_format === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector
}

async function write(response: ServerResponse, event: string, packetBytes: number): Promise<void> {
  const bytes = Buffer.from(event)
  if (packetBytes === 0) return void response.write(bytes)
  for (let at = 0; at < bytes.length; at += packetBytes) {
    response.write(bytes.subarray(at, at + packetBytes))
    await sleep(1)
  }
}

function parsed(raw: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(raw.toString())
  } catch {
    return {}
  }
}
