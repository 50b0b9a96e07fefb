import type { LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider'
import { ParleyError } from '../../core/index.ts'
import { Chunk, type Usage } from '../../openai/index.ts'

type Delta = Readonly<Record<string, unknown>>
type Finish = Extract<LanguageModelV4StreamPart, { type: 'finish' }>

export interface Head {
  readonly id: string
  /** Unix seconds. */
  readonly created: number
  /** The model's name as it was asked for. */
  readonly model: string
}

/** Turns the parts of an answer into OpenAI's chunks. */
export interface ChunkWriter {
  /** Chunks of one part; none for what OpenAI's wire has no place for. */
  readonly write: (part: LanguageModelV4StreamPart) => readonly Chunk[]
  /** The last chunks and what goes into the outcome. Throws when the service did not say that the answer is whole. */
  readonly finish: (name: string, part: Finish) => Ending
}

export interface Ending {
  readonly chunks: readonly Chunk[]
  readonly usage: Usage
  readonly finishReason: string
}

const toolCallsMax = 1_000

/** A chat: text, thoughts as `reasoning_content`, pictures, and tool calls by index. */
export function chatWriter(head: Head): ChunkWriter {
  let hasBegun = false
  let deltas = 0
  const calls = createToolCalls()
  const shape = (choices: unknown[], extra = {}) => ({ ...head, object: 'chat.completion.chunk', choices, ...extra })
  const chunk = (delta: Delta, finish_reason: string | null = null) =>
    Chunk.of(shape([{ index: 0, delta, finish_reason }]))
  const opening = () => {
    if (hasBegun) return []
    hasBegun = true
    return [chunk({ role: 'assistant', content: '' })]
  }
  return {
    write: part => {
      const delta = contentDelta(part) ?? calls.delta(part)
      if (delta === undefined) return []
      deltas++
      return [...opening(), chunk(delta)]
    },
    finish: (name, { finishReason: reason, usage: counted }) => {
      const finishReason = wholeReason(name, reason, calls.count() > 0)
      const usage = usageOf(counted, deltas)
      const last = Chunk.of(shape([], { usage }), { isLast: true })
      return { chunks: [...opening(), chunk({}, finishReason), last], usage, finishReason }
    },
  }
}

/** A completion: text alone. */
export function completionWriter(head: Head): ChunkWriter {
  let deltas = 0
  const shape = (choices: unknown[], extra = {}) => ({ ...head, object: 'text_completion', choices, ...extra })
  const chunk = (text: string, finish_reason: string | null = null) =>
    Chunk.of(shape([{ index: 0, text, logprobs: null, finish_reason }]))
  return {
    write: part => {
      if (part.type !== 'text-delta' || part.delta === '') return []
      deltas++
      return [chunk(part.delta)]
    },
    finish: (name, { finishReason: reason, usage: counted }) => {
      const finishReason = wholeReason(name, reason, false)
      const usage = usageOf(counted, deltas)
      const last = Chunk.of(shape([], { usage }), { isLast: true })
      return { chunks: [chunk('', finishReason), last], usage, finishReason }
    },
  }
}

function contentDelta(part: LanguageModelV4StreamPart): Delta | undefined {
  if (part.type === 'text-delta') return part.delta === '' ? undefined : { content: part.delta }
  if (part.type === 'reasoning-delta') return part.delta === '' ? undefined : { reasoning_content: part.delta }
  if (part.type !== 'file' || part.data.type !== 'data' || !part.mediaType.startsWith('image/')) return undefined
  const { data } = part.data
  const base64 = typeof data === 'string' ? data : Buffer.from(data).toString('base64')
  return { images: [{ type: 'image_url', image_url: { url: `data:${part.mediaType};base64,${base64}` } }] }
}

/** Calls of tools, told in pieces, whole, or both; each argument text is sent once. */
function createToolCalls() {
  const known = new Map<string, { index: number; hasArguments: boolean }>()
  const open = (id: string, name: string, args: string): Delta => {
    if (known.size >= toolCallsMax) throw new ParleyError('backend_failed', `more than ${toolCallsMax} tool calls came`)
    const index = known.size
    known.set(id, { index, hasArguments: args !== '' })
    return { tool_calls: [{ index, id, type: 'function', function: { name, arguments: args } }] }
  }
  const more = (id: string, text: string): Delta | undefined => {
    const call = known.get(id)
    if (call === undefined || text === '') return undefined
    call.hasArguments = true
    return { tool_calls: [{ index: call.index, function: { arguments: text } }] }
  }
  return {
    count: () => known.size,
    delta: (part: LanguageModelV4StreamPart): Delta | undefined => {
      if (part.type === 'tool-input-start') return part.providerExecuted ? undefined : open(part.id, part.toolName, '')
      if (part.type === 'tool-input-delta') return more(part.id, part.delta)
      if (part.type !== 'tool-call' || part.providerExecuted) return undefined
      const call = known.get(part.toolCallId)
      if (call === undefined) return open(part.toolCallId, part.toolName, part.input)
      return call.hasArguments ? undefined : more(part.toolCallId, part.input)
    },
  }
}

const reasons = {
  stop: 'stop',
  length: 'length',
  'content-filter': 'content_filter',
  'tool-calls': 'tool_calls',
} as const

/** The packages end every stream alike; whether the service itself did shows in its own word for why, or in none. */
function wholeReason(name: string, { unified, raw }: LanguageModelV4FinishReason, hasToolCalls: boolean): string {
  if (raw === undefined || unified === 'interrupted') {
    throw new ParleyError('stream_cut', `${name} ended its answer without saying why`)
  }
  // What is none of the known ways to end well is no good end.
  if (unified === 'error' || unified === 'other')
    throw new ParleyError('model_failed', `${name} ended its answer with an error`)
  const reason = reasons[unified]
  return reason === 'stop' && hasToolCalls ? 'tool_calls' : reason
}

/** Counts as OpenAI reports them. Where the service counted nothing, one token a chunk is the nearest honest guess. */
function usageOf({ inputTokens, outputTokens, raw }: LanguageModelV4Usage, deltas: number): Usage {
  const prompt = countOf(inputTokens.total)
  const completion = countOf(outputTokens.total)
  const [prompted, completed] = [prompt ?? 0, completion ?? deltas]
  return {
    prompt_tokens: prompted,
    completion_tokens: completed,
    total_tokens: prompted + completed,
    prompt_tokens_details: { cached_tokens: countOf(inputTokens.cacheRead) ?? countOf(raw?.cached_tokens) ?? 0 },
    completion_tokens_details: { reasoning_tokens: countOf(outputTokens.reasoning) ?? 0 },
    ...((prompt === undefined || completion === undefined) && { estimated: true }),
  }
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}
