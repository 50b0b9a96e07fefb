import { crc32 } from 'node:zlib'
import type { ServiceKind } from '../../src/backends/index.ts'
import type { Usage } from '../../src/openai/index.ts'

/** The pieces of an answer, as a service tells them. */
export type Piece = { type: 'start'; promptTokens: number } | Block | End

type Block =
  | { type: 'text'; text: string }
  | { type: 'thought'; text: string }
  | { type: 'call'; id: string; name: string; args: string }

interface End {
  type: 'end'
  reason: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  usage: Usage
  cached?: number
}

/** One service's protocol, from its own side: enough of it to answer what a client asks. */
export interface Dialect {
  readonly streamType: string
  /** Path of its base URL. */
  readonly base: string
  /** The model a request is for, and its tools as OpenAI writes them. */
  readonly read: (path: string, body: Record<string, unknown>) => { model: string; tools?: unknown }
  readonly isEmbedding: (path: string) => boolean
  /** Writes an answer, one piece after the other. */
  readonly writer: () => (piece: Piece) => string | Uint8Array
  readonly error: (status: number, message: string) => unknown
  readonly embedding: (vector: number[], tokens: number) => unknown
  /** Undefined for a service without a list. */
  readonly models: ((names: readonly string[]) => unknown) | undefined
}

type Json = Record<string, unknown>

const sse = (data: unknown, event?: string) =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const empty = { type: 'object' }
const functionTools = (tools: Json[] | undefined, parameters: string) =>
  tools?.map(tool => ({ type: 'function', function: { name: tool.name, parameters: tool[parameters] ?? empty } }))
const plainRead = (_path: string, body: Json) => ({ model: String(body.model), tools: body.tools })

/** Blocks of content with numbers, which Anthropic, Cohere and Bedrock all have in their own words. */
function blocks<E>(words: {
  open: (index: number, piece: Block) => E
  more: (index: number, piece: Block) => E
  close: (index: number, kind: string) => E
}) {
  let index = -1
  let kind = ''
  const end = () => {
    const closing = kind === '' ? [] : [words.close(index, kind)]
    kind = ''
    return closing
  }
  const piece = (said: Block): E[] => {
    const isNew = kind !== said.type || said.type === 'call'
    const closing = isNew ? end() : []
    if (isNew) index++
    kind = said.type
    return [...closing, ...(isNew ? [words.open(index, said)] : []), words.more(index, said)]
  }
  return { piece, end }
}

const anthropicReasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' }

const anthropic: Dialect = {
  streamType: 'text/event-stream',
  base: '/v1',
  isEmbedding: () => false,
  read: (_path, body) => ({ model: String(body.model), tools: functionTools(body.tools as Json[], 'input_schema') }),
  writer: () => {
    const event = (type: string, data: Json) => sse({ type, ...data }, type)
    const { piece: block, end } = blocks({
      open: (index, piece) => event('content_block_start', { index, content_block: anthropicBlock(piece) }),
      more: (index, piece) => event('content_block_delta', { index, delta: anthropicDelta(piece) }),
      close: index => event('content_block_stop', { index }),
    })
    return piece => {
      if (piece.type === 'start') {
        const usage = { input_tokens: piece.promptTokens, output_tokens: 1 }
        const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], usage }
        return event('message_start', { message: { ...message, stop_reason: null, stop_sequence: null } })
      }
      if (piece.type !== 'end') return block(piece).join('')
      const { prompt_tokens, completion_tokens } = piece.usage
      const cached = piece.cached ?? 0
      const usage = {
        input_tokens: prompt_tokens - cached,
        cache_read_input_tokens: cached,
        output_tokens: completion_tokens,
      }
      const delta = { stop_reason: anthropicReasons[piece.reason], stop_sequence: null }
      return [...end(), event('message_delta', { delta, usage }), event('message_stop', {})].join('')
    }
  },
  error: (status, message) => ({ type: 'error', error: { type: anthropicErrors[status] ?? 'api_error', message } }),
  embedding: () => ({}),
  models: names => ({ data: names.map(id => ({ type: 'model', id, created_at: '2025-02-19T00:00:00Z' })) }),
}

const anthropicErrors: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
}

function anthropicBlock(piece: Block): Json {
  if (piece.type === 'call') return { type: 'tool_use', id: piece.id, name: piece.name, input: {} }
  return piece.type === 'thought' ? { type: 'thinking', thinking: '' } : { type: 'text', text: '' }
}

function anthropicDelta(piece: Block): Json {
  if (piece.type === 'call') return { type: 'input_json_delta', partial_json: piece.args }
  if (piece.type === 'thought') return { type: 'thinking_delta', thinking: piece.text }
  return { type: 'text_delta', text: piece.text }
}

const googleReasons = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP', content_filter: 'SAFETY' }

const google: Dialect = {
  streamType: 'text/event-stream',
  base: '/v1beta',
  isEmbedding: path => path.includes(':embedContent'),
  read: (path, body) => {
    const declared = (body.tools as { functionDeclarations: Json[] }[] | undefined)?.[0]?.functionDeclarations
    return { model: /models\/([^:]+):/.exec(path)?.[1] ?? '', tools: functionTools(declared, 'parameters') }
  },
  writer: () => piece => {
    const said = (part: Json) => sse({ candidates: [{ index: 0, content: { role: 'model', parts: [part] } }] })
    if (piece.type === 'start') return ''
    if (piece.type === 'text') return said({ text: piece.text })
    if (piece.type === 'thought') return said({ text: piece.text, thought: true })
    if (piece.type === 'call') return said({ functionCall: { name: piece.name, args: JSON.parse(piece.args) } })
    const { prompt_tokens, completion_tokens, total_tokens } = piece.usage
    const usageMetadata = {
      promptTokenCount: prompt_tokens,
      candidatesTokenCount: completion_tokens,
      totalTokenCount: total_tokens,
      cachedContentTokenCount: piece.cached ?? 0,
    }
    return sse({ candidates: [{ index: 0, finishReason: googleReasons[piece.reason] }], usageMetadata })
  },
  error: (code, message) => ({ error: { code, message, status: 'FAILED' } }),
  embedding: (values, tokens) => ({ embedding: { values }, usageMetadata: { promptTokenCount: tokens } }),
  models: names => ({ models: names.map(name => ({ name: `models/${name}`, inputTokenLimit: 8_192 })) }),
}

/** OpenAI's chunks, which Mistral and Azure write too, the first with the counts in the last chunk of the answer. */
function openAiWriter(countsApart: boolean) {
  let calls = 0
  const chunk = (delta: Json, finish_reason: string | null = null, more: Json = {}) =>
    sse({ id: 'c', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }], ...more })
  return (piece: Piece) => {
    if (piece.type === 'start') return chunk({ role: 'assistant', content: '' })
    if (piece.type === 'text') return chunk({ content: piece.text })
    if (piece.type === 'thought') {
      return chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: piece.text }] }] })
    }
    if (piece.type === 'call') {
      const call = { id: piece.id, type: 'function', function: { name: piece.name, arguments: piece.args } }
      return chunk({ tool_calls: [{ index: calls++, ...call }] })
    }
    const usage = { ...piece.usage, prompt_tokens_details: { cached_tokens: piece.cached ?? 0 } }
    if (!countsApart) return chunk({ content: '' }, piece.reason, { usage }) + sse('[DONE]')
    const counts = { id: 'c', created: 1, model: 'm', choices: [], usage }
    return chunk({}, piece.reason) + sse(counts) + sse('[DONE]')
  }
}

const mistral: Dialect = {
  streamType: 'text/event-stream',
  base: '/v1',
  isEmbedding: path => path.endsWith('/embeddings'),
  read: plainRead,
  writer: () => openAiWriter(false),
  error: (_status, message) => ({ object: 'error', message, type: 'failed', param: null, code: null }),
  embedding: (embedding, tokens) => ({ data: [{ index: 0, embedding }], usage: { prompt_tokens: tokens } }),
  models: names => ({ object: 'list', data: names.map(id => ({ id, object: 'model', created: 1 })) }),
}

const azure: Dialect = {
  ...mistral,
  base: '/openai/v1',
  writer: () => openAiWriter(true),
  error: (_status, message) => ({ error: { message, type: 'failed', param: null, code: null } }),
  embedding: (embedding, tokens) => ({
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding }],
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }),
  models: undefined,
}

const cohereReasons = { stop: 'COMPLETE', length: 'MAX_TOKENS', tool_calls: 'TOOL_CALL', content_filter: 'ERROR' }

const cohere: Dialect = {
  streamType: 'text/event-stream',
  base: '/v2',
  isEmbedding: path => path.endsWith('/embed'),
  read: plainRead,
  writer: () => {
    const event = (type: string, data: Json) => sse({ type, ...data }, type)
    const { piece: block, end } = blocks({
      open: (index, piece) => {
        if (piece.type === 'call') return event('tool-call-start', { index, delta: { message: cohereCall(piece) } })
        const content = piece.type === 'thought' ? { type: 'thinking', thinking: '' } : { type: 'text', text: '' }
        return event('content-start', { index, delta: { message: { content } } })
      },
      more: (index, piece) => {
        if (piece.type === 'call') {
          const tool_calls = { function: { arguments: piece.args } }
          return event('tool-call-delta', { index, delta: { message: { tool_calls } } })
        }
        const { text } = piece
        const content = piece.type === 'thought' ? { thinking: text } : { text }
        return event('content-delta', { index, delta: { message: { content } } })
      },
      close: (index, kind) => event(kind === 'call' ? 'tool-call-end' : 'content-end', { index }),
    })
    return piece => {
      if (piece.type === 'start') {
        return event('message-start', { id: 'm', delta: { message: { role: 'assistant', content: [] } } })
      }
      if (piece.type !== 'end') return block(piece).join('')
      const { prompt_tokens: input_tokens, completion_tokens: output_tokens } = piece.usage
      const usage = { tokens: { input_tokens, output_tokens }, cached_tokens: piece.cached ?? 0 }
      const finish_reason = cohereReasons[piece.reason]
      return [...end(), event('message-end', { delta: { finish_reason, usage } })].join('')
    }
  },
  error: (_status, message) => ({ id: 'e', message }),
  embedding: (vector, tokens) => ({
    embeddings: { float: [vector] },
    meta: { billed_units: { input_tokens: tokens } },
  }),
  models: names => ({ models: names.map(name => ({ name, endpoints: ['chat'], context_length: 4_096 })) }),
}

function cohereCall({ id, name }: { id: string; name: string }) {
  return { tool_calls: { id, type: 'function', function: { name, arguments: '' } } }
}

/** One message of AWS's event streams: lengths, checksum, headers, body, checksum. */
export function frame(type: string, data: unknown, isException = false): Uint8Array {
  const headers = Buffer.concat([
    textHeader(':message-type', isException ? 'exception' : 'event'),
    textHeader(isException ? ':exception-type' : ':event-type', type),
    textHeader(':content-type', 'application/json'),
  ])
  const body = Buffer.from(JSON.stringify(data))
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(16 + headers.length + body.length, 0)
  prelude.writeUInt32BE(headers.length, 4)
  const message = Buffer.concat([prelude, checksum(prelude), headers, body])
  return Buffer.concat([message, checksum(message)])
}

function textHeader(name: string, value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(Buffer.byteLength(value))
  return Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(7), length, Buffer.from(value)])
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum
}

const bedrockReasons = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'content_filtered',
}

const bedrock: Dialect = {
  streamType: 'application/vnd.amazon.eventstream',
  base: '',
  isEmbedding: path => path.endsWith('/invoke'),
  read: (path, body) => {
    const specs = (body.toolConfig as { tools: { toolSpec: Json }[] } | undefined)?.tools
    const tools = specs?.map(({ toolSpec: { name, inputSchema } }) => ({
      type: 'function',
      function: { name, parameters: (inputSchema as Json).json },
    }))
    return { model: decodeURIComponent(/model\/([^/]+)\//.exec(path)?.[1] ?? ''), tools }
  },
  writer: () => {
    const { piece: block, end } = blocks({
      open: (contentBlockIndex, piece) => {
        const toolUse = piece.type === 'call' ? { toolUse: { toolUseId: piece.id, name: piece.name } } : {}
        return frame('contentBlockStart', { contentBlockIndex, start: toolUse })
      },
      more: (contentBlockIndex, piece) => frame('contentBlockDelta', { contentBlockIndex, delta: bedrockDelta(piece) }),
      close: contentBlockIndex => frame('contentBlockStop', { contentBlockIndex }),
    })
    return piece => {
      if (piece.type === 'start') return frame('messageStart', { role: 'assistant' })
      if (piece.type !== 'end') return Buffer.concat(block(piece))
      const { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: totalTokens } = piece.usage
      const cached = piece.cached ?? 0
      const usage = { inputTokens: inputTokens - cached, outputTokens, totalTokens, cacheReadInputTokens: cached }
      const stopReason = bedrockReasons[piece.reason]
      return Buffer.concat([...end(), frame('messageStop', { stopReason }), frame('metadata', { usage })])
    }
  },
  error: (_status, message) => ({ message }),
  embedding: (embedding, tokens) => ({ embedding, inputTextTokenCount: tokens }),
  models: undefined,
}

function bedrockDelta(piece: Block): Json {
  if (piece.type === 'call') return { toolUse: { input: piece.args } }
  const { text } = piece
  return piece.type === 'thought' ? { reasoningContent: { text } } : { text }
}

export const dialects: Readonly<Record<ServiceKind, Dialect>> = { anthropic, google, mistral, cohere, bedrock, azure }
