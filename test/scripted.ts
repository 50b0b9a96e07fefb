import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend, Call, Context, Reply } from '../src/core/index.ts'
import { ParleyError } from '../src/core/index.ts'
import { Chunk, usageOf } from '../src/openai/index.ts'

export interface Script {
  /** Calls running right now, calls and chunks so far, and the newest request as it arrived. */
  open: number
  opened: number
  produced: number
  lastBody: unknown
  lastHeaders: Readonly<Record<string, string>>
}

export interface Scripted extends Backend {
  readonly script: Script
}

const verbs = ['say', 'slow', 'mute', 'break', 'cut', 'big', 'greet', 'tool', 'vec', 'flood']
const listed = ['say-5', 'slow-1000', 'vec-1']

/** A backend that does what its model name says: the truth the tests compare with. */
export function createScripted(name = 'scripted', extraModels: readonly string[] = []): Scripted {
  const script: Script = { open: 0, opened: 0, produced: 0, lastBody: undefined, lastHeaders: {} }
  return {
    name,
    script,
    models: async () =>
      [...listed, ...extraModels].map(id => ({ id, object: 'model' as const, created: 1, owned_by: name })),
    run: async function* (call, context) {
      script.open++
      script.opened++
      script.lastBody = call.body
      script.lastHeaders = context.headers
      try {
        return yield* perform(call, context, script, name)
      } catch (cause) {
        throw ParleyError.from(cause, context.signal)
      } finally {
        script.open--
      }
    },
  }
}

async function* perform(call: Call, context: Context, script: Script, name: string): Reply {
  const [verb = '', amount = '1'] = call.body.model.split('-')
  const count = Number(amount)
  if (!verbs.includes(verb)) throw new ParleyError('model_not_found', `no model ${call.body.model}`)
  const usage = usageOf(3, call.task === 'embedding' ? 0 : count)
  if (call.task === 'embedding') {
    yield Chunk.of(embedding(call.body.model))
    return { usage, servedBy: name, finishReason: null }
  }
  const chunk = (delta: Record<string, unknown>, finish: string | null = null, meta = {}) =>
    Chunk.of(shape(call, context.id, delta, finish), meta)
  yield chunk({ role: 'assistant', content: '' }, null, { promptTokens: 3 })
  for (let i = 0; i < count; i++) {
    context.signal.throwIfAborted()
    if (verb === 'mute') await sleep(60_000, undefined, { signal: context.signal })
    if (verb === 'slow') await sleep(20, undefined, { signal: context.signal })
    if (verb === 'break' && i === count - 1) throw new ParleyError('overloaded', 'out of memory')
    if (verb === 'cut' && i === count - 1) throw new ParleyError('stream_cut', 'the line went dead')
    script.produced++
    yield chunk(verb === 'tool' ? toolDelta : { content: word(verb, i) }, null, { outputTokens: 1 })
  }
  const finishReason = verb === 'tool' ? 'tool_calls' : 'stop'
  yield chunk({}, finishReason)
  yield Chunk.of({ ...shape(call, context.id, {}, null), choices: [], usage })
  return { usage, servedBy: name, finishReason }
}

function word(verb: string, index: number): string {
  if (verb === 'big') return 'x'.repeat(1 << 20)
  if (verb === 'flood') return 'x'.repeat(4_096)
  return verb === 'greet' ? 'grüezi 世界 👋🏽\n\n' : `w${index} `
}

const toolDelta = {
  tool_calls: [
    { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
  ],
}

function shape(call: Call, id: string, delta: Record<string, unknown>, finish_reason: string | null) {
  const head = { id, created: 1, model: call.body.model }
  if (call.task === 'chat') {
    return { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] }
  }
  return { ...head, object: 'text_completion', choices: [{ index: 0, text: delta.content ?? '', finish_reason }] }
}

function embedding(model: string) {
  return {
    object: 'list',
    model,
    data: [{ object: 'embedding', index: 0, embedding: [1, 2, 3] }],
    usage: { prompt_tokens: 3, total_tokens: 3 },
  }
}
