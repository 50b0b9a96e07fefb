import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openStage, type Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  setTracingDisabled(true)
  stage = await openStage()
})
afterEach(async () => expect(await stage.misfits()).toEqual([]))
afterAll(() => stage?.stop())

describe.each([
  ['chat completions', false],
  ['responses', true],
])('an agent that speaks %s', (_, useResponses) => {
  const runner = () => {
    const openAIClient = new OpenAI({ ...stage, maxRetries: 0 })
    const modelProvider = new OpenAIProvider({ openAIClient: openAIClient as never, useResponses })
    return new Runner({ modelProvider, tracingDisabled: true })
  }
  const agent = (asked: string[]) => {
    const weather = tool({
      name: 'weather',
      description: 'The weather.',
      parameters: z.object({ city: z.string() }),
      execute: async ({ city }) => {
        asked.push(city)
        return '21 degrees'
      },
    })
    return new Agent({ name: 'Meteorologist', instructions: 'Tell the weather.', model: 'talker', tools: [weather] })
  }

  test('uses its tool and answers', async () => {
    const asked: string[] = []
    const result = await runner().run(agent(asked), 'How warm is it?')
    expect(result.finalOutput).toBe('It is 21 degrees in Bern.')
    expect(asked.sort()).toEqual(['Bern', 'Zürich'])
  })

  test('streams', async () => {
    const asked: string[] = []
    const result = await runner().run(agent(asked), 'How warm is it?', { stream: true })
    const text = await Array.fromAsync(result.toTextStream())
    await result.completed
    expect(text.join('')).toBe('It is 21 degrees in Bern.')
    expect(result.finalOutput).toBe('It is 21 degrees in Bern.')
    expect(asked.sort()).toEqual(['Bern', 'Zürich'])
  })
})
