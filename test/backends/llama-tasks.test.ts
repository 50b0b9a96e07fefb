import { afterAll, expect, test } from 'vitest'
import { createLlamaBackend } from '../../src/backends/llama/index.ts'
import { createEventLog, systemClock, systemRandom } from '../../src/core/index.ts'
import { CompletionChunk, EmbeddingResponse, Model } from '../../src/openai/index.ts'
import { ask, hear, nanoBackend, nanoPath, never } from './llama-stage.ts'

const backend = nanoBackend()
afterAll(() => backend.stop())

const question = '<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n'

async function complete(more: Record<string, unknown>) {
  return await hear(backend, { task: 'completion', body: { model: 'nano', prompt: question, temperature: 0, ...more } })
}

async function embed(more: Record<string, unknown>) {
  const { chunks, outcome } = await hear(backend, {
    task: 'embedding',
    body: { model: 'nano', input: 'hello', ...more },
  })
  expect(chunks).toHaveLength(1)
  const body = EmbeddingResponse.parse(chunks[0]!.json())
  return { body, outcome, vectors: body.data.map(({ embedding }) => embedding) }
}

test('a completion continues the text it is given', async () => {
  const { chunks, texts, outcome } = await complete({})
  expect(texts[0]).toBe('The capital of France is Paris.')
  for (const chunk of chunks) expect(() => CompletionChunk.parse(chunk.json())).not.toThrow()
  expect(chunks[0]!.meta.promptTokens).toBe(outcome.usage.prompt_tokens)
})

test('several prompts get their answers by index, and each prompt is counted', async () => {
  const single = await complete({})
  const { texts, outcome } = await complete({ prompt: [question, question], n: 2 })
  expect(texts).toEqual(Array.from({ length: 4 }, () => single.texts[0]))
  expect(outcome.usage.prompt_tokens).toBe(2 * single.outcome.usage.prompt_tokens)
})

test('echo puts the prompt before the answer', async () => {
  const { texts } = await complete({ prompt: 'Good', echo: true, max_tokens: 3 })
  expect(texts[0]!.startsWith('Good')).toBe(true)
  expect(texts[0]!.length).toBeGreaterThan(4)
})

test('echo without an answer gives the prompt back, and no token more', async () => {
  const { texts, outcome } = await complete({ prompt: 'Good', echo: true, max_tokens: 0 })
  expect(texts).toEqual(['Good'])
  expect(outcome).toMatchObject({ finishReason: 'length', usage: { completion_tokens: 0 } })
})

test('token ids are taken as prompts, and refused when the vocabulary does not have them', async () => {
  const { outcome } = await complete({ prompt: [318, 440, 307], max_tokens: 2 })
  expect(outcome.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 2 })
  expect((await complete({ prompt: [[318], [440, 307]], max_tokens: 1 })).outcome.usage.prompt_tokens).toBe(3)
  for (const prompt of [[318, 999_999], [-1], [[2_048]]]) {
    await expect(complete({ prompt })).rejects.toMatchObject({ code: 'invalid_request', param: 'prompt' })
  }
})

test('a suffix is refused by a model that was not trained to fill in', async () => {
  await expect(complete({ suffix: 'end' })).rejects.toMatchObject({ code: 'unsupported', param: 'suffix' })
})

test('an empty prompt and too many answers are refused', async () => {
  await expect(complete({ prompt: '' })).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(complete({ prompt: Array.from({ length: 65 }, () => 'a'), n: 2 })).rejects.toMatchObject({
    code: 'too_large',
  })
})

test('vectors have length 1, the same for the same text, others for others', async () => {
  const { vectors } = await embed({ input: ['a dog', 'a dog', 'the capital of France'] })
  const [first, again, other] = vectors as number[][]
  expect(Math.hypot(...first!)).toBeCloseTo(1, 5)
  expect(again).toEqual(first)
  expect(other).not.toEqual(first)
})

test('base64 holds the same numbers as float', async () => {
  const floats = (await embed({ encoding_format: 'float' })).vectors[0] as number[]
  const bytes = Buffer.from((await embed({ encoding_format: 'base64' })).vectors[0] as string, 'base64')
  expect([...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)]).toEqual(floats)
})

test('embeddings take token ids and count what they read', async () => {
  const { outcome, body } = await embed({ input: [[318, 440], [307]] })
  expect(outcome.usage).toEqual({ prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 })
  expect(body.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 })
  await expect(embed({ input: [5_000] })).rejects.toMatchObject({ code: 'invalid_request', param: 'input' })
})

test('fewer dimensions and inputs that are too long are refused', async () => {
  await expect(embed({ dimensions: 64 })).rejects.toMatchObject({ code: 'unsupported', param: 'dimensions' })
  await expect(embed({ input: 'word '.repeat(3_000) })).rejects.toMatchObject({ code: 'context_length_exceeded' })
  await expect(embed({ input: [''] })).rejects.toMatchObject({ code: 'invalid_request' })
})

test('an abort ends embeddings', async () => {
  const context = { id: 'x', signal: AbortSignal.abort(), principal: { kind: 'self', id: 's' } as const, headers: {} }
  const call = { task: 'embedding' as const, body: { model: 'nano', input: 'hello' } }
  await expect(hear(backend, call, context)).rejects.toMatchObject({ code: 'cancelled' })
})

test('the list of models tells what each can do, without loading any', async () => {
  const log = createEventLog(() => 0)
  const lazy = nanoBackend({ log })
  const [model, ...others] = await lazy.models(never)
  expect(others).toEqual([])
  expect(Model.parse(model)).toMatchObject({
    id: 'nano',
    owned_by: 'local',
    context_length: 2_048,
    max_model_len: 2_048,
    capabilities: ['chat', 'completion', 'embedding'],
  })
  expect(log.recent()).toEqual([])
  await hear(lazy, ask('Hello', { max_tokens: 1 }))
  expect(log.recent()).toMatchObject([{ type: 'model.loaded', model: 'nano' }])
  await lazy.stop()
})

test('one load serves all who come meanwhile', async () => {
  const log = createEventLog(() => 0)
  const lazy = nanoBackend({ log })
  await Promise.all([1, 2, 3].map(() => hear(lazy, ask('Hello', { max_tokens: 1 }))))
  expect(log.recent()).toHaveLength(1)
  await lazy.stop()
})

test('a smaller context is kept to', async () => {
  const models = [{ id: 'nano', path: nanoPath, contextTokens: 256, parallel: 1 }]
  const small = createLlamaBackend({ models, clock: systemClock, random: systemRandom, gpu: false })
  expect((await small.models(never))[0]).toMatchObject({ context_length: 256 })
  await expect(hear(small, ask('word '.repeat(300)))).rejects.toMatchObject({ code: 'context_length_exceeded' })
  expect((await hear(small, ask('What is the capital of France?'))).texts[0]).toContain('Paris')
  await small.stop()
})

test('starting fails on a missing file, a double id and numbers out of range', async () => {
  const start = (models: { id: string; path: string; parallel?: number }[]) =>
    createLlamaBackend({ models, clock: systemClock, random: systemRandom, gpu: false }).start(never)
  const nano = { id: 'nano', path: nanoPath }
  await expect(start([{ id: 'gone', path: '/nowhere/gone.gguf' }])).rejects.toMatchObject({ code: 'not_found' })
  await expect(start([nano, nano])).rejects.toMatchObject({ code: 'config_invalid' })
  await expect(start([{ ...nano, parallel: 1_000 }])).rejects.toMatchObject({ code: 'config_invalid' })
  await expect(nanoBackend({ threads: 0 }).start(never)).rejects.toMatchObject({ code: 'config_invalid' })
})
