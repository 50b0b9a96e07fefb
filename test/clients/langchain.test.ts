import { HumanMessage, ToolMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openStage, type Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterEach(async () => expect(await stage.misfits()).toEqual([]))
afterAll(() => stage?.stop())

const hello = 'Grüezi, wie goht’s? 👋🏽'
const given = () => {
  const { baseURL, apiKey, fetch } = stage
  return { model: 'talker', apiKey, maxRetries: 0, configuration: { baseURL, fetch } }
}

test.each([false, true])('invokes a chat model (responses API: %s)', async useResponsesApi => {
  const answer = await new ChatOpenAI({ ...given(), useResponsesApi }).invoke('hi')
  expect(answer.text).toBe(hello)
  expect(answer.usage_metadata).toMatchObject({ input_tokens: 7, output_tokens: 5, total_tokens: 12 })
})

test.each([false, true])('streams a chat model (responses API: %s)', async useResponsesApi => {
  const stream = await new ChatOpenAI({ ...given(), useResponsesApi }).stream('hi')
  const chunks = await Array.fromAsync(stream)
  expect(chunks.map(({ text }) => text).join('')).toBe(hello)
  const whole = chunks.slice(1).reduce((sum, chunk) => sum.concat(chunk), chunks[0]!)
  expect(whole.usage_metadata).toMatchObject({ input_tokens: 7, output_tokens: 5 })
})

test.each([false, true])('binds tools (responses API: %s)', async useResponsesApi => {
  const weather = tool(async ({ city }: { city: string }) => `21 degrees in ${city}`, {
    name: 'weather',
    description: 'The weather.',
    schema: z.object({ city: z.string() }),
  })
  const model = new ChatOpenAI({ ...given(), useResponsesApi }).bindTools([weather])
  const messages = [new HumanMessage('hi')]
  const asked = await model.invoke(messages)
  expect(asked.tool_calls).toMatchObject([{ args: { city: 'Bern' } }, { args: { city: 'Zürich' } }])
  const results = asked.tool_calls!.map(({ id }) => new ToolMessage({ content: '21', tool_call_id: id! }))
  expect((await model.invoke([...messages, asked, ...results])).text).toBe('It is 21 degrees in Bern.')
})

test('invokes a completion model', async () => {
  expect(await new OpenAI({ ...given() }).invoke('Once')).toBe('Once … ever after')
})

test('embeds', async () => {
  const vectors = await new OpenAIEmbeddings({ ...given(), model: 'numbers' }).embedDocuments(['a dog', 'boat'])
  expect(vectors.map(vector => vector.map(Math.fround))).toEqual([
    [5, 0.1, -1e-7].map(Math.fround),
    [4, 0.1, -1e-7].map(Math.fround),
  ])
})
