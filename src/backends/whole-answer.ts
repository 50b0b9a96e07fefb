import type { Outcome, TokenCall } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { Chunk, noUsage, Usage } from '../openai/index.ts'
import { finishReasonOf } from './finish-reason.ts'
import { upstreamError } from './refusal.ts'
import { type Endpoint, secretsOf } from './send.ts'

type Fields = Record<string, unknown>

const bytesPerToken = 4

/**
 * An answer that came as one body, as the chunks it would have been: what was said, why it ended, what it took. Servers
 * that cannot stream answer so, and some that can when they fail.
 */
export function* wholeAnswer(
  endpoint: Endpoint,
  { task }: TokenCall,
  body: unknown,
): Generator<Chunk, Omit<Outcome, 'servedBy'>, void> {
  const { name } = endpoint
  if (!isFields(body)) throw new ParleyError('backend_failed', `${name} answered something that is no object`)
  if (body.error != null) throw upstreamError({ name, body, secrets: secretsOf(endpoint) })
  if (task === 'embedding') return yield* vectors(endpoint, body)
  const choices = Array.isArray(body.choices) ? body.choices.filter(isFields) : []
  if (choices.length === 0) throw new ParleyError('backend_failed', `${name} answered without an answer`)
  const object = task === 'chat' ? 'chat.completion.chunk' : 'text_completion'
  const { choices: _choices, usage: _usage, ...rest } = body
  const head = { id: '', created: 0, model: '', ...rest, object }
  const usage = Usage.safeParse(body.usage).data ?? estimate(choices)
  const said = task === 'chat' ? choices.map(asDelta) : choices.map(choice => ({ ...choice, finish_reason: null }))
  yield Chunk.of({ ...head, choices: said })
  const empty = task === 'chat' ? { delta: {} } : { text: '' }
  const ends = choices.map(({ index = 0, finish_reason = null }) => ({ index, ...empty, finish_reason }))
  yield Chunk.of({ ...head, choices: ends })
  yield Chunk.of({ ...head, choices: [], usage }, { isLast: true })
  return { usage, finishReason: finishReasonOf(choices) }
}

function* vectors({ name }: Endpoint, body: Fields): Generator<Chunk, Omit<Outcome, 'servedBy'>, void> {
  if (!Array.isArray(body.data)) throw new ParleyError('backend_failed', `${name} answered without embeddings`)
  const chunk = Chunk.of(body)
  yield chunk
  return { usage: chunk.usage() ?? noUsage }
}

/** Tool calls of a message have no index; those of a delta need one. */
function asDelta({ index = 0, message, logprobs }: Fields): Fields {
  const { tool_calls, ...delta } = isFields(message) ? message : {}
  const calls = Array.isArray(tool_calls) ? tool_calls.map((call: Fields, at) => ({ index: at, ...call })) : undefined
  return {
    index,
    delta: { ...delta, ...(calls !== undefined && { tool_calls: calls }) },
    finish_reason: null,
    ...(logprobs != null && { logprobs }),
  }
}

/** A server that does not count: by the length of what it said, and marked as a guess. */
function estimate(choices: readonly Fields[]): Usage {
  const said = choices.map(({ message, text }) => JSON.stringify(text ?? message ?? ''))
  const tokens = Math.ceil(Buffer.byteLength(said.join('')) / bytesPerToken)
  return { prompt_tokens: 0, completion_tokens: tokens, total_tokens: tokens, estimated: true }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
