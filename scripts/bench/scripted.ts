import type { Backend, Call, Reply } from '../../src/core/index.ts'
import { Chunk, usageOf } from '../../src/openai/index.ts'

/** Names of the scripted models: how many words they say, all ready at once. */
export const scriptedModels = { word: 'words-1', stream: 'words-2000', bulk: 'bulk-16' } as const

/** A backend that thinks for no time at all: what is measured with it is the way, not the model. */
export function createScripted(): Backend {
  return {
    name: 'scripted',
    models: async () =>
      Object.values(scriptedModels).map(id => ({ id, object: 'model', created: 1, owned_by: 'bench' })),
    run: perform,
  }
}

async function* perform(call: Call): Reply {
  const { model } = call.body
  const count = Number(model.split('-')[1])
  for (const event of eventsOf(model)) yield Chunk.of(event, 'usage' in event ? { isLast: true } : { outputTokens: 1 })
  return { usage: usageOf(promptTokens, count), servedBy: 'scripted', finishReason: 'stop' }
}

const promptTokens = 8

/** What is said under a model's name, as OpenAI's chunks. */
export function* eventsOf(model: string): Generator<object> {
  const [kind, amount] = model.split('-')
  const head = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1, model }
  for (let index = 0; index < Number(amount); index++) {
    const content = kind === 'bulk' ? bulk : ` word${index}`
    yield { ...head, choices: [{ index: 0, delta: { content }, finish_reason: null }] }
  }
  yield { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
  yield { ...head, choices: [], usage: usageOf(promptTokens, Number(amount)) }
}

const bulk = 'x'.repeat(1 << 20)
