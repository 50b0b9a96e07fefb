import { afterAll, expect, test } from 'vitest'
import { ChatChunk, chatFolder } from '../../src/openai/index.ts'
import { ask, choicesOf, contextFor, endless, hear, nanoBackend, never } from './llama-stage.ts'

const backend = nanoBackend()
afterAll(() => backend.stop())

test('the model knows the capital of France', async () => {
  const { texts, outcome } = await hear(backend, ask('What is the capital of France?'))
  expect(texts[0]).toContain('Paris')
  expect(outcome).toMatchObject({ servedBy: 'llama', finishReason: 'stop' })
})

test('chunks have the shape of OpenAI: role first, then words, the reason to end, then usage', async () => {
  const { chunks, outcome } = await hear(backend, ask('What is the capital of France?'))
  for (const chunk of chunks) expect(() => ChatChunk.parse(chunk.json())).not.toThrow()
  expect(choicesOf(chunks[0]!)[0]).toMatchObject({ index: 0, delta: { role: 'assistant', content: '' } })
  expect(choicesOf(chunks.at(-2)!)[0]).toMatchObject({ delta: {}, finish_reason: 'stop' })
  expect(chunks.at(-1)!.json()).toMatchObject({ choices: [], usage: outcome.usage })
  expect(chunks[0]!.meta.promptTokens).toBe(outcome.usage.prompt_tokens)
})

test('the tokens told with the chunks add up to the usage', async () => {
  for (const more of [{}, { stop: ' of' }, { max_tokens: 4 }, { n: 3, temperature: 1, seed: 4 }]) {
    const { chunks, outcome } = await hear(backend, ask('Tell me a story about a cat.', { max_tokens: 40, ...more }))
    const told = chunks.reduce((sum, chunk) => sum + (chunk.meta.outputTokens ?? 0), 0)
    expect(told).toBe(outcome.usage.completion_tokens)
  }
})

test('usage equals the counts of the model: prompt as rendered, answer as tokens', async () => {
  const { texts, outcome } = await hear(backend, ask('What is the capital of France?'))
  const rendered = '<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n'
  const count = async (prompt: string) => {
    const body = { model: 'nano', prompt, max_tokens: 1 }
    return (await hear(backend, { task: 'completion', body })).outcome.usage.prompt_tokens
  }
  expect(outcome.usage.prompt_tokens).toBe(await count(rendered))
  expect(outcome.usage.completion_tokens).toBe(await count(texts[0]!))
})

test('the same seed gives the same words, another seed others', async () => {
  const tell = async (seed: number) => {
    const call = ask('Tell me a story about a dog.', {
      temperature: 1.5,
      top_k: 0,
      top_p: 1,
      min_p: 0,
      seed,
      max_tokens: 40,
    })
    return (await hear(backend, call)).texts[0]
  }
  const [first, again, other] = [await tell(11), await tell(11), await tell(12)]
  expect(again).toBe(first)
  expect(other).not.toBe(first)
})

test('concurrent calls keep their own words', async () => {
  const questions = {
    'What is the capital of France?': 'Paris',
    'What is 7 plus 5?': '12',
    'What is the opposite of hot?': 'cold',
  }
  const rounds = [1, 2, 3].flatMap(() => Object.entries(questions))
  const answers = await Promise.all(rounds.map(async ([question]) => (await hear(backend, ask(question))).texts[0]))
  for (const [index, [, expected]] of rounds.entries()) expect(answers[index]).toContain(expected)
})

test('n answers come with their own index, each whole', async () => {
  const { chunks, texts, outcome } = await hear(backend, ask('What is the capital of France?', { n: 6 }))
  expect(texts).toHaveLength(6)
  for (const text of texts) expect(text).toContain('Paris')
  const folder = chatFolder()
  for (const chunk of chunks) folder.add(chunk)
  const body = folder.body() as { choices: { index: number; finish_reason: string }[] }
  expect(body.choices.map(choice => choice.index)).toEqual([0, 1, 2, 3, 4, 5])
  expect(body.choices.every(choice => choice.finish_reason === 'stop')).toBe(true)
  expect(outcome.usage.prompt_tokens).toBe(17)
})

test('a stop string ends the answer before it, also across tokens, and is never shown', async () => {
  const { texts, outcome } = await hear(
    backend,
    ask('What is the capital of France?', { stop: ['of Fra', 'never said'] }),
  )
  expect(texts[0]).toBe('The capital ')
  expect(outcome.finishReason).toBe('stop')
})

test('text that only begins like a stop string is not lost', async () => {
  const { texts } = await hear(backend, ask('What is the capital of France?', { stop: 'Paris. And then' }))
  expect(texts[0]).toBe('The capital of France is Paris.')
})

test('max_tokens ends the answer with length, exactly there', async () => {
  for (const field of ['max_tokens', 'max_completion_tokens']) {
    const { outcome } = await hear(backend, ask('Tell me a story about a dog.', { [field]: 5 }))
    expect(outcome).toMatchObject({ finishReason: 'length', usage: { completion_tokens: 5 } })
  }
})

test('an answer may fill the context and ends there with length', async () => {
  const { outcome } = await hear(backend, endless({ prompt: 'a b c d '.repeat(480) }))
  expect(outcome.finishReason).toBe('length')
  expect(outcome.usage.total_tokens).toBe(2_048)
})

test('a prompt that does not fit is refused before work, and so is an answer that cannot', async () => {
  const long = ask('word '.repeat(3_000))
  await expect(hear(backend, long)).rejects.toMatchObject({ code: 'context_length_exceeded' })
  const greedy = ask('Hello', { max_tokens: 4_096 })
  await expect(hear(backend, greedy)).rejects.toMatchObject({ code: 'context_length_exceeded' })
})

test('system and developer messages and parts of text reach the template; images are refused', async () => {
  const parts = [
    { type: 'text', text: 'What is the capital' },
    { type: 'text', text: 'of France?' },
  ]
  for (const role of ['system', 'developer'] as const) {
    const messages = [
      { role, content: 'You are Parley.' },
      { role: 'user' as const, content: parts },
    ]
    const { outcome } = await hear(backend, { task: 'chat', body: { model: 'nano', messages, max_tokens: 1 } })
    expect(outcome.usage.prompt_tokens).toBe(27)
  }
  const image = ask('')
  const body = { ...image.body, messages: [{ role: 'user' as const, content: [{ type: 'image_url' }] }] }
  await expect(hear(backend, { task: 'chat', body })).rejects.toMatchObject({ code: 'unsupported', param: 'messages' })
})

test('tools are handed to the template', async () => {
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }]
  const bare = await hear(backend, ask('Hello', { max_tokens: 1 }))
  const { outcome } = await hear(backend, ask('Hello', { max_tokens: 1, tools }))
  expect(outcome.usage.prompt_tokens).toBeGreaterThan(bare.outcome.usage.prompt_tokens + 20)
})

test('a control token in the text of a user is only letters', async () => {
  const short = await hear(backend, ask('a', { max_tokens: 1 }))
  const { outcome } = await hear(backend, ask('a<|im_end|>', { max_tokens: 1 }))
  expect(outcome.usage.prompt_tokens).toBeGreaterThan(short.outcome.usage.prompt_tokens + 3)
})

test('characters of several tokens arrive whole', async () => {
  const spell = 'é🎉日本語'
  const { texts, chunks } = await hear(backend, {
    task: 'completion',
    body: {
      model: 'nano',
      prompt: spell,
      echo: true,
      temperature: 2,
      top_k: 0,
      top_p: 1,
      min_p: 0,
      seed: 3,
      max_tokens: 120,
    },
  })
  expect(texts[0]!.startsWith(spell)).toBe(true)
  for (const chunk of chunks) for (const choice of choicesOf(chunk)) expect(choice.text).not.toMatch(/[\uD800-\uDBFF]$/)
})

test('response_format json_object gives JSON', async () => {
  const call = ask('Hello', { response_format: { type: 'json_object' }, max_tokens: 60, seed: 1 })
  const { texts } = await hear(backend, call)
  expect(texts[0]!.trimStart()[0]).toBe('{')
})

test('bad sampling fields are refused by name', async () => {
  for (const [field, value] of Object.entries({ top_k: 'many', min_p: 2, presence_penalty: 9, logit_bias: { x: 1 } })) {
    await expect(hear(backend, ask('Hello', { [field]: value }))).rejects.toMatchObject({
      code: 'invalid_request',
      param: field,
    })
  }
})

test('penalties and bias change the answer', async () => {
  const plain = (await hear(backend, ask('What is the capital of France?'))).texts[0]
  const biased = (await hear(backend, ask('What is the capital of France?', { logit_bias: { 645: -100, 318: -100 } })))
    .texts[0]
  const punished = await hear(
    backend,
    endless({ temperature: 0, frequency_penalty: 2, presence_penalty: 2, max_tokens: 60 }),
  )
  const unpunished = await hear(backend, endless({ temperature: 0, max_tokens: 60 }))
  expect(biased).not.toBe(plain)
  expect(punished.texts[0]).not.toBe(unpunished.texts[0])
})

test('the beginning of a conversation is not computed twice for the same caller, and not shared with another', async () => {
  const call = ask('Tell me a story about a boat and a fish and a robot.', { max_tokens: 2 })
  await hear(backend, call, contextFor(never, 'anna'))
  const again = await hear(backend, call, contextFor(never, 'anna'))
  const foreign = await hear(backend, call, contextFor(never, 'bert'))
  expect(again.outcome.usage.prompt_tokens_details).toMatchObject({
    cached_tokens: again.outcome.usage.prompt_tokens - 1,
  })
  expect(foreign.outcome.usage.prompt_tokens_details).toMatchObject({ cached_tokens: 0 })
  expect(again.texts).toEqual(foreign.texts)
})

test('an unknown model is named in the error', async () => {
  const call = { task: 'chat' as const, body: { ...ask('Hello').body, model: 'other' } }
  await expect(hear(backend, call)).rejects.toMatchObject({ code: 'model_not_found' })
})
