import { expect, test } from 'vitest'
import type { Backend, Call } from '../../src/core/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import { Chunk, usageOf } from '../../src/openai/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'
import { createScripted } from '../scripted.ts'
import { candidate, routed } from './routed.ts'

const role = { choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] }
const word = { choices: [{ index: 0, delta: { content: 'word' }, finish_reason: null }] }

/** Says these chunks and breaks. */
function breaking(...chunks: unknown[]): Backend {
  return {
    name: 'a',
    models: async () => [],
    run: async function* () {
      for (const chunk of chunks) yield Chunk.of(chunk)
      throw new ParleyError('stream_cut', 'a broke off')
    },
  }
}

async function answeredBy(first: Backend, call: Call = chat('say-1')): Promise<string> {
  const { backend } = routed([candidate(first), candidate(createScripted('b'))], { policy: 'priority' })
  return (await drain(backend.run(call, contextOf()))).outcome.servedBy
}

const progress = { choices: [], prompt_progress: { done: 3, total: 9 } }
const empties = { choices: [{ index: 0, delta: { content: '', tool_calls: [], refusal: null }, finish_reason: null }] }

test('what says nothing is held back, so that another can still answer', async () => {
  expect(await answeredBy(breaking(role, progress, empties, progress))).toBe('b')
  expect(await answeredBy(breaking(...Array.from({ length: 64 }, () => role)))).toBe('b')
  const completion: Call = { task: 'completion', body: { model: 'say-1', prompt: 'x' } }
  expect(await answeredBy(breaking({ choices: [{ index: 0, text: '', finish_reason: null }] }), completion)).toBe('b')
})

test.each([
  ['a word', word],
  ['a thought', { choices: [{ index: 0, delta: { reasoning_content: 'hm' } }] }],
  ['a tool call', { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'c' }] } }] }],
  ['an end', { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }],
])('%s is something: nobody else answers after it', async (_name, chunk) => {
  await expect(answeredBy(breaking(role, chunk))).rejects.toMatchObject({ code: 'stream_cut' })
})

test('is bounded, in chunks and in bytes', async () => {
  await expect(answeredBy(breaking(...Array.from({ length: 66 }, () => role)))).rejects.toMatchObject({
    code: 'stream_cut',
  })
  const large = { choices: [], note: 'x'.repeat(200_000) }
  await expect(answeredBy(breaking(large, large, large))).rejects.toMatchObject({ code: 'stream_cut' })
})

test('what was held comes in its order, and also when nothing was ever said', async () => {
  const silent: Backend = {
    name: 'a',
    models: async () => [],
    run: async function* () {
      yield Chunk.of(role)
      yield Chunk.of(progress)
      return { usage: usageOf(1, 0), servedBy: 'a' }
    },
  }
  const { backend } = routed([candidate(silent)])
  const { chunks } = await drain(backend.run(chat('say-1'), contextOf()))
  expect(chunks.map(chunk => chunk.json())).toEqual([role, progress])
})
