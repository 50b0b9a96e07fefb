import { expect, test } from 'vitest'
import { Chunk, chatFolder, completionFolder } from '../../src/openai/index.ts'

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
