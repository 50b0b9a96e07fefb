import OpenAI from 'openai'
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openStage, type Stage } from './stage.ts'

let stage: Stage
let ai: OpenAI

beforeAll(async () => {
  stage = await openStage()
  ai = new OpenAI({ ...stage, maxRetries: 0 })
})
afterEach(async () => expect(await stage.misfits()).toEqual([]))
afterAll(() => stage?.stop())

const model = 'talker'
const hello = 'Grüezi, wie goht’s? 👋🏽'
const messages = [{ role: 'user' as const, content: 'hi' }]
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }]
const cities = ['{"city":"Bern"}', '{"city":"Zürich"}']
const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 }

describe('chat', () => {
  test('in one piece', async () => {
    const answer = await ai.chat.completions.create({ model, messages, n: 2 })
    expect(answer.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, hello],
      [1, hello],
    ])
    expect(answer.usage).toMatchObject(usage)
  })

  test('streamed, with usage in the last chunk alone', async () => {
    const asked = { model, messages, stream: true as const, stream_options: { include_usage: true } }
    const chunks = await Array.fromAsync(await ai.chat.completions.create(asked))
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(hello)
    expect(chunks.slice(0, -1).map(chunk => chunk.usage)).toEqual(chunks.slice(0, -1).map(() => null))
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage })
  })

  test('streamed without usage for who did not ask', async () => {
    const chunks = await Array.fromAsync(await ai.chat.completions.create({ model, messages, stream: true }))
    expect(chunks.filter(chunk => chunk.choices.length === 0 || chunk.usage != null)).toEqual([])
  })

  test('with tools called side by side, whole and streamed', async () => {
    const whole = await ai.chat.completions.create({ model, messages, tools })
    const streamed = await ai.chat.completions.stream({ model, messages, tools }).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      const calls = (choices[0]!.message.tool_calls ?? []) as OpenAI.Chat.ChatCompletionMessageFunctionToolCall[]
      expect(calls.map(call => [call.id, call.function.name, call.function.arguments])).toEqual([
        ['call_0', 'weather', cities[0]],
        ['call_1', 'weather', cities[1]],
      ])
      expect(choices[0]!.finish_reason).toBe('tool_calls')
    }
  })

  test('with a tool runner', async () => {
    const asked: string[] = []
    const run = ai.chat.completions.runTools({
      model,
      messages,
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: 'The weather.',
            parameters,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              asked.push(city)
              return '21 degrees'
            },
          },
        },
      ],
    })
    expect(await run.finalContent()).toBe('It is 21 degrees in Bern.')
    expect(asked.sort()).toEqual(['Bern', 'Zürich'])
  })

  test('with a schema', async () => {
    const shape = z.object({ city: z.string(), degrees: z.number() })
    const asked = { model, messages, response_format: zodResponseFormat(shape, 'weather') }
    const answer = await ai.chat.completions.parse(asked)
    expect(answer.choices[0]!.message.parsed).toEqual({ city: 'Bern', degrees: 21 })
  })

  test('that breaks off is an error, not an end', async () => {
    await expect(ai.chat.completions.create({ model: 'cut', messages })).rejects.toMatchObject({ code: 'stream_cut' })
    const stream = await ai.chat.completions.create({ model: 'cut', messages, stream: true })
    await expect(Array.fromAsync(stream)).rejects.toMatchObject({ code: 'stream_cut' })
  })
})

describe('completions', () => {
  test('of one prompt and of many, whole and streamed', async () => {
    const asked = { model, prompt: ['Once', 'Twice'], n: 2 }
    const { choices } = await ai.completions.create(asked)
    const texts = ['Once', 'Once', 'Twice', 'Twice'].map(prompt => `${prompt} … ever after`)
    expect(choices.map(({ index, text }) => [index, text])).toEqual([...texts.entries()])
    const streamed = texts.map(() => '')
    for await (const chunk of await ai.completions.create({ ...asked, stream: true })) {
      for (const { index, text } of chunk.choices) streamed[index] += text
    }
    expect(streamed).toEqual(texts)
  })
})

describe('embeddings', () => {
  test.each(['vectors', 'numbers'])('of %s, packed and plain', async vectors => {
    const asked = { model: vectors, input: ['a dog', 'boat'] }
    const packed = await ai.embeddings.create(asked)
    expect(stage.service.asked.at(-1)!.body.encoding_format).toBe('base64')
    const plain = await ai.embeddings.create({ ...asked, encoding_format: 'float', dimensions: 3 })
    expect(plain.data.map(({ embedding }) => embedding)).toEqual([
      [5, 0.1, -1e-7],
      [4, 0.1, -1e-7],
    ])
    for (const [i, { embedding }] of packed.data.entries()) {
      expect([...embedding]).toEqual(plain.data[i]!.embedding.map(Math.fround))
    }
    expect(stage.service.asked.at(-1)!.body).toMatchObject({ dimensions: 3 })
  })
})

describe('responses', () => {
  const offered = [{ type: 'function' as const, name: 'weather', parameters, strict: false }]

  test('in one piece', async () => {
    const answer = await ai.responses.create({ model, input: 'hi', instructions: 'Be kind.' })
    expect(answer).toMatchObject({ object: 'response', status: 'completed', output_text: hello, error: null })
    expect(answer.usage).toMatchObject({ input_tokens: 7, output_tokens: 5, total_tokens: 12 })
    expect(answer.usage!.input_tokens_details.cached_tokens).toBe(2)
    expect(answer.usage!.output_tokens_details.reasoning_tokens).toBe(1)
    expect(stage.service.asked.at(-1)).toMatchObject({
      path: '/v1/chat/completions',
      body: { messages: [{ role: 'system', content: 'Be kind.' }, ...messages] },
    })
  })

  test('streamed, adding up to the same', async () => {
    const stream = ai.responses.stream({ model: 'thinker', input: 'hi' })
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => {
      text += delta
    })
    const answer = await stream.finalResponse()
    expect(text).toBe(hello)
    expect(answer.output_text).toBe(hello)
    expect(answer.output).toMatchObject([
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Let me think.' }] },
      { type: 'message', content: [{ type: 'output_text', text: hello }] },
    ])
  })

  test('with tools, whose results come back as input', async () => {
    const streamed = await ai.responses.stream({ model, input: 'hi', tools: offered }).finalResponse()
    const whole = await ai.responses.create({ model, input: 'hi', tools: offered })
    for (const { output } of [streamed, whole]) {
      const calls = output as OpenAI.Responses.ResponseFunctionToolCall[]
      expect(calls.map(call => [call.call_id, call.name, call.arguments])).toEqual([
        ['call_0', 'weather', cities[0]],
        ['call_1', 'weather', cities[1]],
      ])
    }
    const results = ['call_0', 'call_1'].map(call_id => {
      return { type: 'function_call_output' as const, call_id, output: '21' }
    })
    const called = whole.output as OpenAI.Responses.ResponseFunctionToolCall[]
    const input = [{ role: 'user' as const, content: 'hi' }, ...called, ...results]
    const answer = await ai.responses.create({ model, input, tools: offered })
    expect(answer.output_text).toBe('It is 21 degrees in Bern.')
    const sent = stage.service.asked.at(-1)!.body.messages!
    expect(sent.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool'])
  })

  test('with a schema', async () => {
    const shape = z.object({ city: z.string(), degrees: z.number() })
    const answer = await ai.responses.parse({ model, input: 'hi', text: { format: zodTextFormat(shape, 'weather') } })
    expect(answer.output_parsed).toEqual({ city: 'Bern', degrees: 21 })
  })

  test('that run into their limit are incomplete', async () => {
    const whole = await ai.responses.create({ model: 'clipped', input: 'hi', max_output_tokens: 16 })
    const streamed = await ai.responses.stream({ model: 'clipped', input: 'hi' }).finalResponse()
    for (const answer of [whole, streamed]) {
      expect(answer).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    }
  })

  test('that break off are an error, and never complete', async () => {
    await expect(ai.responses.create({ model: 'cut', input: 'hi' })).rejects.toMatchObject({ code: 'stream_cut' })
    const types: string[] = []
    const reading = async () => {
      for await (const event of await ai.responses.create({ model: 'cut', input: 'hi', stream: true })) {
        types.push(event.type)
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'stream_cut' })
    expect(types).toContain('response.output_text.delta')
    expect(types).not.toContain('response.completed')
  })

  test('are not kept', async () => {
    await expect(ai.responses.retrieve('resp_1')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(ai.responses.delete('resp_1')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    const asked = { model, input: 'hi', previous_response_id: 'resp_1' }
    await expect(ai.responses.create(asked)).rejects.toMatchObject({ status: 400, param: 'previous_response_id' })
  })

  test('refuse the tools that nothing here can run, by name', async () => {
    const asked = { model, input: 'hi', tools: [{ type: 'image_generation' as const }] }
    const refused = await ai.responses.create(asked).catch((cause: unknown) => cause)
    expect(refused).toBeInstanceOf(OpenAI.BadRequestError)
    expect(String(refused)).toContain('image_generation')
  })

  test('do without a search that apps offer by default, and say so', async () => {
    const tools = [{ type: 'web_search' as const }]
    const { status, tools: offered } = await ai.responses.create({ model, input: 'hi', tools })
    expect({ status, offered }).toEqual({ status: 'completed', offered: [] })
  })
})

test('models', async () => {
  const { data } = await ai.models.list()
  expect(data.map(({ id }) => id)).toContain(model)
  expect(await ai.models.retrieve(model)).toMatchObject({ id: model, object: 'model' })
})
