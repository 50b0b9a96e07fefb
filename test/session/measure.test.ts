import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TokenCall } from '../../src/core/index.ts'
import { Chunk } from '../../src/openai/index.ts'
import { commitmentKey, commitToPrompt, commitToResponse, measurePrompt, sessionName } from '../../src/session/index.ts'
import { textBytes } from '../../src/session/measure.ts'

const chat = (messages: object[], fields: object = {}): TokenCall =>
  ({ task: 'chat', body: { model: 'm', messages, ...fields } }) as unknown as TokenCall

test('a prompt is measured by its UTF-8 bytes, a quarter of them and 8 per message', () => {
  expect(measurePrompt(chat([{ role: 'user', content: 'abcdefgh' }]))).toEqual({ tokens: 10, tokensMax: 72 })
  expect(measurePrompt(chat([{ role: 'user', content: 'é'.repeat(4) }])).tokens).toBe(10)
  const parts = [
    { type: 'text', text: 'abcd' },
    { type: 'image_url', image_url: { url: 'data:' } },
  ]
  expect(measurePrompt(chat([{ role: 'user', content: parts }])).tokens).toBe(1 + 8 + 1_024)
  const tools = [{ type: 'function', function: { name: 'f' } }]
  expect(measurePrompt(chat([{ role: 'user', content: '' }], { tools })).tokens).toBe(
    8 + Math.ceil(JSON.stringify(tools).length / 4),
  )
})

test('inputs and prompts are measured too, and token ids count one each', () => {
  const embed = (input: unknown) =>
    measurePrompt({ task: 'embedding', body: { model: 'm', input } } as TokenCall).tokens
  expect(embed('abcd')).toBe(9)
  expect(embed(['abcd', 'abcd'])).toBe(18)
  expect(embed([1, 2, 3])).toBe(11)
  expect(embed([[1, 2], [3]])).toBe(19)
  const complete = { task: 'completion', body: { model: 'm', prompt: 'abcd', suffix: 'ab' } } as TokenCall
  expect(measurePrompt(complete).tokens).toBe(18)
})

const spoken = (delta: object) =>
  Chunk.of({ id: 'x"delta"', choices: [{ index: 0, delta, finish_reason: null }], usage: { content: 'no' } })

test('the text of a chunk is found without parsing it, quotes and all', () => {
  expect(textBytes(spoken({ content: 'word' }))).toBeGreaterThanOrEqual(4)
  expect(textBytes(Chunk.of({ choices: [{ delta: { role: 'assistant' } }] }))).toBe(0)
  expect(textBytes(Chunk.of({ choices: [{ text: 'abc', finish_reason: 'stop' }] }))).toBe(3)
  expect(textBytes(Chunk.of({ data: [{ embedding: 'AAAA' }] }))).toBe(0)
  const call = { tool_calls: [{ index: 0, function: { name: 'go', arguments: '{"a":1}' } }] }
  expect(textBytes(Chunk.of({ choices: [{ delta: call }] }))).toBe(2 + '{\\"a\\":1}'.length)
})

test('no text is ever counted as less than its bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), content => {
      const chunk = Chunk.of({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
      const counted = textBytes(chunk)
      expect(counted).toBe(Buffer.byteLength(JSON.stringify(content)) - 2)
      expect(counted).toBeGreaterThanOrEqual(content.isWellFormed() ? Buffer.byteLength(content) : 0)
    }),
  )
})

test('a commitment binds the prompt and nothing else, and another session makes another', () => {
  const key = commitmentKey(`0x${'01'.repeat(32)}`)
  const call = chat([{ role: 'user', content: 'secret' }])
  expect(commitToPrompt(key, call)).toBe(commitToPrompt(key, chat([{ content: 'secret', role: 'user' }], { seed: 1 })))
  expect(commitToPrompt(key, call)).not.toBe(commitToPrompt(key, chat([{ role: 'user', content: 'other' }])))
  expect(commitToPrompt(commitmentKey(`0x${'02'.repeat(32)}`), call)).not.toBe(commitToPrompt(key, call))
  expect(sessionName(`0x${'01'.repeat(32)}`)).not.toContain('0101')
})

test('a response commitment is over the payloads, however they were framed and cut', () => {
  const key = commitmentKey(`0x${'01'.repeat(32)}`)
  const value = (frames: string[]) => {
    const commitment = commitToResponse(key)
    for (const frame of frames) commitment.add(Chunk.relayed(Buffer.from(frame)))
    return commitment.value()
  }
  const plain = value(['data: {"a":1}\n\n', 'data: {"b":2}\n\n'])
  expect(value(['data:{"a":1}\r\n\r\n', 'id: 7\ndata: {"b":2}\n\n'])).toBe(plain)
  expect(value([': ping\n\n', 'data: {"a":1}\n\n', 'data: {"b":2}\n\n'])).toBe(plain)
  expect(value(['data: {"a":1}\n\n'])).not.toBe(plain)
})
