import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openStage, type Stage } from './stage.ts'

/** The same, answered by a model in the node itself. */
let stage: Stage
let ai: OpenAI

beforeAll(async () => {
  stage = await openStage({ nano: true })
  ai = new OpenAI({ ...stage, maxRetries: 0 })
})
afterEach(async () => expect(await stage.misfits()).toEqual([]))
afterAll(() => stage?.stop())

const model = 'parley-nano'
const question = 'What is the capital of France?'
const messages = [{ role: 'user' as const, content: question }]

test('a response is the answer of the chat, whole and streamed', async () => {
  const asked = { model, temperature: 0, seed: 1 }
  const chat = await ai.chat.completions.create({ ...asked, messages })
  const whole = await ai.responses.create({ ...asked, input: question })
  const streamed = await ai.responses.stream({ ...asked, input: question }).finalResponse()
  expect(whole.output_text).toContain('Paris')
  for (const response of [whole, streamed]) {
    expect(response.output_text).toBe(chat.choices[0]!.message.content)
    expect(response.usage).toMatchObject({
      input_tokens: chat.usage!.prompt_tokens,
      output_tokens: chat.usage!.completion_tokens,
    })
  }
})

test('a chat is streamed with its usage, several answers side by side', async () => {
  const asked = { model, messages, n: 2, stream: true as const, stream_options: { include_usage: true } }
  const chunks = await Array.fromAsync(await ai.chat.completions.create(asked))
  expect(new Set(chunks.flatMap(({ choices }) => choices.map(({ index }) => index)))).toEqual(new Set([0, 1]))
  expect(chunks.slice(0, -1).map(({ usage }) => usage)).toEqual(chunks.slice(0, -1).map(() => null))
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } })
})

test('completions of many prompts, and embeddings in both forms', async () => {
  const { choices } = await ai.completions.create({ model, prompt: ['Once', 'Twice'], max_tokens: 4 })
  expect(choices.map(({ index }) => index)).toEqual([0, 1])
  const packed = await ai.embeddings.create({ model, input: 'a dog' })
  const plain = await ai.embeddings.create({ model, input: 'a dog', encoding_format: 'float' })
  expect([...packed.data[0]!.embedding]).toEqual(plain.data[0]!.embedding.map(Math.fround))
})
