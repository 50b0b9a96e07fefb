import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany, generateText, isStepCount, Output, streamText, tool } from 'ai'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
let provider: ReturnType<typeof createOpenAICompatible>

beforeAll(async () => {
  stage = await openStage()
  const { baseURL, apiKey, fetch } = stage
  const options = { baseURL, apiKey, fetch, includeUsage: true, supportsStructuredOutputs: true }
  provider = createOpenAICompatible({ name: 'parley', ...options })
})
afterEach(async () => expect(await stage.misfits()).toEqual([]))
afterAll(() => stage?.stop())

const prompt = 'hi'
const hello = 'Grüezi, wie goht’s? 👋🏽'
const weather = tool({
  description: 'The weather.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `21 degrees in ${city}`,
})

test('generates text, with the thoughts before it and its usage', async () => {
  const { text, reasoningText, usage } = await generateText({ model: provider('thinker'), prompt, maxRetries: 0 })
  expect([text, reasoningText]).toEqual([hello, 'Let me think.'])
  expect(usage).toMatchObject({ inputTokens: 7, outputTokens: 5, totalTokens: 12 })
})

test('streams text', async () => {
  const stream = streamText({ model: provider('thinker'), prompt, maxRetries: 0 })
  expect((await Array.fromAsync(stream.textStream)).join('')).toBe(hello)
  expect(await stream.usage).toMatchObject({ inputTokens: 7, outputTokens: 5 })
  expect(await stream.finishReason).toBe('stop')
})

test('runs tools until there is an answer, whole and streamed', async () => {
  const asked = { model: provider('talker'), prompt, tools: { weather }, stopWhen: isStepCount(3), maxRetries: 0 }
  const whole = await generateText(asked)
  const stream = streamText(asked)
  await stream.consumeStream()
  const streamed = { text: await stream.text, steps: await stream.steps }
  for (const { text, steps } of [whole, streamed]) {
    expect(text).toBe('It is 21 degrees in Bern.')
    expect(steps[0]!.toolResults.map(({ output }) => output)).toEqual(['21 degrees in Bern', '21 degrees in Zürich'])
  }
})

test('answers by a schema', async () => {
  const schema = z.object({ city: z.string(), degrees: z.number() })
  const asked = { model: provider('talker'), prompt, output: Output.object({ schema }), maxRetries: 0 }
  expect((await generateText(asked)).output).toEqual({ city: 'Bern', degrees: 21 })
})

test('embeds', async () => {
  const model = provider.embeddingModel('vectors')
  const { embeddings, usage } = await embedMany({ model, values: ['a dog', 'boat'], maxRetries: 0 })
  expect(embeddings).toEqual([
    [5, 0.1, -1e-7],
    [4, 0.1, -1e-7],
  ])
  expect(usage.tokens).toBe(7)
})

test('is told when an answer breaks off', async () => {
  const stream = streamText({ model: provider('cut'), prompt, maxRetries: 0, onError: () => {} })
  const parts = await Array.fromAsync(stream.fullStream)
  expect(parts.some(({ type }) => type === 'error')).toBe(true)
})
