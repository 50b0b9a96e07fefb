import { expect, test } from 'vitest'
import { Chunk, chatFolder, completionFolder } from '../../src/openai/index.ts'
import { misfit } from '../schemas.ts'

const head = { id: 'c', object: 'chat.completion.chunk', created: 7, model: 'm', system_fingerprint: 'fp' }
const chunk = (choices: unknown[], extra: object = {}) => Chunk.of({ ...head, choices, ...extra })

test('folds interleaved choices, tool calls by index, reasoning and usage into one answer', () => {
  const folder = chatFolder()
  folder.add(chunk([{ index: 1, delta: { role: 'assistant', content: 'b' } }]))
  folder.add(chunk([{ index: 0, delta: { role: 'assistant', reasoning_content: 'hm' } }]))
  folder.add(
    chunk([{ index: 0, delta: { tool_calls: [{ index: 1, id: 'y', function: { name: 'g', arguments: '{' } }] } }]),
  )
  folder.add(
    chunk([{ index: 0, delta: { tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{}' } }] } }]),
  )
  folder.add(chunk([{ index: 0, delta: { tool_calls: [{ index: 1, function: { arguments: '}' } }] } }]))
  folder.add(
    chunk([
      { index: 0, delta: {}, finish_reason: 'tool_calls' },
      { index: 1, delta: { content: 'c' }, finish_reason: 'stop' },
    ]),
  )
  folder.add(chunk([], { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }))
  expect(folder.body()).toEqual({
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        finish_reason: 'tool_calls',
        logprobs: null,
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          reasoning_content: 'hm',
          tool_calls: [
            { type: 'function', id: 'x', function: { name: 'f', arguments: '{}' } },
            { type: 'function', id: 'y', function: { name: 'g', arguments: '{}' } },
          ],
        },
      },
      { index: 1, finish_reason: 'stop', logprobs: null, message: { role: 'assistant', content: 'bc', refusal: null } },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  })
})

test('joins log probabilities', () => {
  const folder = chatFolder()
  folder.add(chunk([{ index: 0, delta: { content: 'a' }, logprobs: { content: [{ token: 'a' }] } }]))
  folder.add(
    chunk([{ index: 0, delta: { content: 'b' }, logprobs: { content: [{ token: 'b' }] }, finish_reason: 'stop' }]),
  )
  expect(folder.body()).toMatchObject({ choices: [{ logprobs: { content: [{ token: 'a' }, { token: 'b' }] } }] })
})

test('folds completions by choice', () => {
  const folder = completionFolder()
  const completion = (choices: unknown[]) =>
    Chunk.of({ id: 'c', object: 'text_completion', created: 1, model: 'm', choices })
  folder.add(completion([{ index: 0, text: 'a' }]))
  folder.add(completion([{ index: 0, text: 'b', finish_reason: 'stop' }]))
  expect(folder.body()).toMatchObject({
    object: 'text_completion',
    choices: [{ index: 0, text: 'ab', finish_reason: 'stop' }],
  })
})

/** Folds deltas of one choice, and holds the body against the published schema. */
function message(deltas: readonly object[], finish_reason: string | null = 'stop') {
  const folder = chatFolder()
  for (const delta of deltas) folder.add(chunk([{ index: 0, delta, finish_reason: null }]))
  folder.add(chunk([{ index: 0, finish_reason }]))
  const body = folder.body() as { choices: { message: Record<string, unknown>; finish_reason: string }[] }
  expect(misfit('CreateChatCompletionResponse', body)).toBeUndefined()
  return body.choices[0]!
}

const calls = (...deltas: object[]) => deltas.map(delta => ({ tool_calls: [delta] }))
const call = (id: string, text: string) => ({ id, type: 'function', function: { name: 'f', arguments: text } })

test.each([
  [
    'in pieces, the id and the name only once',
    calls(
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"n":' } },
      { index: 0, function: { arguments: '9007199254740993}' } },
    ),
    [call('a', '{"n":9007199254740993}')],
  ],
  [
    'with id and name repeated, or empty, in every piece',
    calls(
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{' } },
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '}' } },
      { index: 0, id: '', type: null, function: { name: null, arguments: '' } },
    ),
    [call('a', '{}')],
  ],
  [
    'without indexes',
    calls(
      { id: 'a', function: { name: 'f', arguments: '{' } },
      { function: { arguments: '}' } },
      { id: 'b', function: { name: 'f', arguments: '[]' } },
    ),
    [call('a', '{}'), call('b', '[]')],
  ],
  [
    'with indexes that have gaps and come in any order',
    calls({ index: 900_000_000, id: 'b', function: { name: 'f' } }, { index: 7, id: 'a', function: { name: 'f' } }),
    [call('a', ''), call('b', '')],
  ],
])('folds tool calls told %s', (_, deltas, expected) => {
  expect(message(deltas, 'tool_calls')).toMatchObject({
    finish_reason: 'tool_calls',
    message: { content: null, tool_calls: expected },
  })
})

test('folds more calls than any model makes into an error', () => {
  const folder = chatFolder()
  const many = Array.from({ length: 2_000 }, (_, index) => ({ index, id: `${index}`, function: { name: 'f' } }))
  expect(() => folder.add(chunk([{ index: 0, delta: { tool_calls: many } }]))).toThrow(RangeError)
})

test('folds what else a message may hold: refusals, thoughts of either name, a function of old, sound, parts', () => {
  const folded = (...deltas: object[]) => message(deltas).message
  expect(folded({ refusal: 'I ' }, { refusal: 'won’t' }).refusal).toBe('I won’t')
  expect(folded({ reasoning: 'a' }, { reasoning: 'b', content: 'c' })).toMatchObject({ reasoning: 'ab', content: 'c' })
  expect(folded({ function_call: { name: 'f', arguments: '' } }, { function_call: { arguments: '{}' } })).toMatchObject(
    {
      function_call: { name: 'f', arguments: '{}' },
    },
  )
  const sound = [
    { id: 's', transcript: 'he' },
    { id: 's', transcript: 'llo', data: 'AA==', expires_at: 1 },
  ]
  expect(folded(...sound.map(audio => ({ audio }))).audio).toEqual({
    id: 's',
    transcript: 'hello',
    data: 'AA==',
    expires_at: 1,
  })
  expect(folded({ annotations: [] }, { content: null, annotations: [] }).annotations).toEqual([])
})

test('joins parts and texts where a server streams both', () => {
  const folder = chatFolder()
  const thought = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }
  for (const content of ['', [thought], 'a']) folder.add(chunk([{ index: 0, delta: { content } }]))
  expect(folder.body()).toMatchObject({ choices: [{ message: { content: [thought, { type: 'text', text: 'a' }] } }] })
})

test('keeps what nobody here knows, in a choice and beside it, and takes the first id that is one', () => {
  const folder = chatFolder()
  folder.add(Chunk.of({ id: '', created: 0, model: '', choices: [], prompt_filter_results: [1] }))
  folder.add(chunk([{ index: 0, delta: { content: 'a' }, finish_reason: null, stop_reason: null }]))
  folder.add(chunk([{ index: 0, delta: {}, finish_reason: 'stop', stop_reason: 12 }], { x_server: { ms: 1 } }))
  expect(folder.body()).toMatchObject({
    id: 'c',
    created: 7,
    model: 'm',
    prompt_filter_results: [1],
    x_server: { ms: 1 },
    choices: [{ finish_reason: 'stop', stop_reason: 12 }],
  })
})

test('a whole answer without a reason has come to its end, and is as long as was counted', () => {
  const counted = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
  const folder = chatFolder()
  folder.add(chunk([{ index: 0, delta: { content: 'a' } }]))
  expect(folder.body(counted)).toMatchObject({ usage: counted, choices: [{ finish_reason: 'stop' }] })
  const told = completionFolder()
  told.add(chunk([{ index: 0, text: 'a' }], { usage: { ...counted, total_tokens: 7 } }))
  expect(told.body(counted)).toMatchObject({
    usage: { total_tokens: 7 },
    choices: [{ finish_reason: 'stop', text: 'a' }],
  })
})

test('joins the probabilities of completions', () => {
  const folder = completionFolder()
  const logprobs = (token: string, offset: number) => ({
    tokens: [token],
    token_logprobs: [-0.5],
    text_offset: [offset],
  })
  folder.add(chunk([{ index: 0, text: 'a', logprobs: logprobs('a', 0) }]))
  folder.add(chunk([{ index: 0, text: 'b', logprobs: logprobs('b', 1), finish_reason: 'length' }]))
  const body = folder.body()
  expect(body).toMatchObject({
    choices: [{ logprobs: { tokens: ['a', 'b'], token_logprobs: [-0.5, -0.5], text_offset: [0, 1] } }],
  })
  expect(misfit('CreateCompletionResponse', body)).toBeUndefined()
})
