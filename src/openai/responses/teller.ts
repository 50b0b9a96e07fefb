import type { ToolCallDelta } from '../chat.ts'
import type { Chunk } from '../chunk.ts'
import type { ErrorBody } from '../error.ts'
import { createToolCalls } from '../tool-calls.ts'
import type { Usage } from '../usage.ts'
import { createOutput } from './output.ts'
import type { ResponsesRequest } from './request.ts'
import { type ResponseState, type ResponseStatus, responseBody } from './response.ts'

/** One event of the Responses API as JSON. Their `sequence_number` counts up from zero without a gap. */
export interface ResponsesEvent {
  readonly type: string
  readonly data: string
}

/** Tells the chunks of a chat as a response: event by event, or as the one body it comes to. */
export interface ResponsesTeller {
  tell: (chunk: Chunk) => ResponsesEvent[]
  /** After the last chunk. `counted` stands in where the chunks reported no usage. */
  end: (counted: Usage | undefined) => ResponsesEvent[]
  /** After a failure: an `error`, for readers of the stream, and the failed response. */
  fail: (error: ErrorBody['error']) => ResponsesEvent[]
  /** The response as it is now. */
  body: () => Record<string, unknown>
}

interface ChatPiece {
  created?: unknown
  model?: unknown
  choices?: { index?: number; delta?: Delta | null; finish_reason?: string | null; logprobs?: Logprobs | null }[]
}

interface Delta {
  content?: unknown
  reasoning_content?: unknown
  reasoning?: unknown
  refusal?: unknown
  tool_calls?: ToolCallDelta[] | null
}

interface Logprobs {
  content?: { token: string; logprob: number; bytes?: number[] | null; top_logprobs?: unknown[] }[] | null
}

/** `id` names the response and, with a prefix, each item in it. */
export function createResponsesTeller(request: ResponsesRequest, id: string): ResponsesTeller {
  let events: ResponsesEvent[] = []
  let told = 0
  let state: Omit<ResponseState, 'id' | 'output'> = { createdAt: 0, model: request.model, status: 'in_progress' }
  const calls = createToolCalls()
  const emit = (type: string, fields: object) => {
    events.push({ type, data: JSON.stringify({ type, sequence_number: told++, ...fields }) })
  }
  const output = createOutput(id, emit)
  const body = () => responseBody(request, { ...state, id: `resp_${id}`, output: output.items })
  const taken = () => {
    const all = events
    events = []
    return all
  }
  const open = (created: unknown, model: unknown) => {
    if (told > 0) return
    if (typeof created === 'number') state = { ...state, createdAt: created }
    if (typeof model === 'string' && model !== '') state = { ...state, model }
    for (const type of ['response.created', 'response.in_progress']) emit(type, { response: body() })
  }
  const close = (status: Exclude<ResponseStatus, 'in_progress'>, error?: ResponseState['error']) => {
    state = { ...state, status, error }
    emit(`response.${status}`, { response: body() })
    return taken()
  }
  const read = (delta: Delta, logprobs: Logprobs | null | undefined) => {
    const thought = textOf(delta.reasoning_content) || textOf(delta.reasoning)
    if (thought !== '') output.say('reasoning_text', thought)
    const text = textOf(delta.content)
    if (text !== '') output.say('output_text', text, logprobs?.content?.map(logprob) ?? [])
    const refusal = textOf(delta.refusal)
    if (refusal !== '') output.say('refusal', refusal)
    for (const call of delta.tool_calls ?? []) output.call(calls.add(call))
  }
  const take = (chunk: Chunk) => {
    const { created, model, choices } = chunk.json() as ChatPiece
    open(created, model)
    const [choice] = (choices ?? []).filter(({ index }) => (index ?? 0) === 0)
    if (choice?.delta != null) read(choice.delta, choice.logprobs)
    const finishReason = choice?.finish_reason ?? state.finishReason
    state = { ...state, finishReason, usage: chunk.usage() ?? state.usage }
  }
  return {
    tell: chunk => {
      for (const part of chunk.parts()) take(part)
      return taken()
    },
    end: counted => {
      open(undefined, undefined)
      const status = statusOf(state.finishReason)
      output.end(status === 'completed' ? 'completed' : 'incomplete')
      state = { ...state, usage: state.usage ?? counted }
      return close(status, status === 'failed' ? modelFailed : undefined)
    },
    fail: ({ code, message, param }) => {
      open(undefined, undefined)
      output.abandon()
      const error = { code: String(code ?? 'server_error'), message }
      emit('error', { ...error, param: param ?? null, error: { type: 'server_error', ...error, param: param ?? null } })
      return close('failed', { ...error, code: failureCode(error.code) })
    },
    body,
  }
}

const modelFailed = { code: 'server_error', message: 'the model failed in the middle of its answer; ask again' }

function statusOf(finishReason: string | null | undefined): 'completed' | 'incomplete' | 'failed' {
  if (finishReason === 'length' || finishReason === 'content_filter') return 'incomplete'
  return finishReason === 'error' ? 'failed' : 'completed'
}

/** The few codes a response may fail with. */
function failureCode(code: string): string {
  if (code === 'rate_limited') return 'rate_limit_exceeded'
  return code === 'invalid_request' || code === 'context_length_exceeded' ? 'invalid_prompt' : 'server_error'
}

/** Text, or the texts among parts, which a few servers stream. */
function textOf(said: unknown): string {
  if (typeof said === 'string') return said
  if (!Array.isArray(said)) return ''
  return said.map((part: { text?: unknown } | null) => (typeof part?.text === 'string' ? part.text : '')).join('')
}

function logprob({ token, logprob, bytes, top_logprobs }: NonNullable<Logprobs['content']>[number]): unknown {
  const tops = (top_logprobs ?? []).map(top => ({ bytes: [], ...(top as object) }))
  return { token, logprob, bytes: bytes ?? [], top_logprobs: tops }
}
