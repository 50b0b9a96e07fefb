import { expect, test } from 'vitest'
import { stopFinder, textStream } from '../../src/backends/llama/text-stream.ts'
import { type Spoken, toolCallReader } from '../../src/backends/llama/tool-calls.ts'

/** One byte per token, as the rarest characters of a byte-level vocabulary. */
const bytes = textStreamOf(tokens => Buffer.from(tokens).toString('utf8'))

function textStreamOf(decode: (tokens: Uint32Array) => string) {
  return (text: string): string[] => {
    const stream = textStream(decode)
    return [...[...Buffer.from(text)].map(byte => stream.push(byte)), stream.flush()]
  }
}

test('a character is given out whole, with its last byte', () => {
  expect(bytes('é🎉a').filter(piece => piece !== '')).toEqual(['é', '🎉', 'a'])
})

test('bytes that never become a character are given out in the end', () => {
  const stream = textStream(tokens => Buffer.from(tokens).toString('utf8'))
  expect(stream.push(0xf0)).toBe('')
  expect(stream.flush()).toBe('\uFFFD')
})

test('a space that only appears between two words is kept', () => {
  const words = ['', 'hello', 'world']
  const stream = textStream(tokens => [...tokens].map(token => words[token]).join(' '))
  expect([stream.push(1), stream.push(2)].join('')).toBe('hello world')
})

/** What a finder lets through, fed in every possible pieces of one or two characters. */
function through(text: string, stops: string[], size: number): { text: string; stopped: boolean } {
  const finder = stopFinder(stops)
  let said = ''
  for (let at = 0; at < text.length; at += size) {
    const step = finder.push(text.slice(at, at + size))
    said += step.text
    if (step.stopped) return { text: said, stopped: true }
  }
  return { text: said + finder.flush(), stopped: false }
}

test('the finder stops where the whole text would, however it is cut', () => {
  const cases: [string, string[]][] = [
    ['abcabd', ['abd']],
    ['aaab', ['aab']],
    ['one END two', ['END', 'two']],
    ['ends with EN', ['END']],
    ['\n\n\n', ['\n\n']],
    ['nothing', ['absent', 'gone']],
  ]
  for (const [text, stops] of cases) {
    const found = stops.map(stop => text.indexOf(stop)).filter(index => index !== -1)
    const expected =
      found.length === 0 ? { text, stopped: false } : { text: text.slice(0, Math.min(...found)), stopped: true }
    for (const size of [1, 2, 3, 100]) expect(through(text, stops, size)).toEqual(expected)
  }
})

/** What a reader makes of a text fed in pieces of `size`, neighbouring texts joined. */
function spoken(text: string, size: number): Spoken[] {
  const reader = toolCallReader()
  const parts: Spoken[] = []
  for (let at = 0; at < text.length; at += size) parts.push(...reader.push(text.slice(at, at + size)))
  parts.push(...reader.flush())
  const joined: Spoken[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part.kind === 'text' && last?.kind === 'text')
      joined[joined.length - 1] = { kind: 'text', text: last.text + part.text }
    else joined.push(part)
  }
  return joined
}

test('tool calls are found however the text is cut', () => {
  const one = '<tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool_call>'
  const text = `Let me see. ${one}${one.replace('Bern', 'Rome')} <tool`
  for (const size of [1, 2, 7, 1_000]) {
    expect(spoken(text, size)).toEqual([
      { kind: 'text', text: 'Let me see. ' },
      { kind: 'call', name: 'weather', arguments: '{"city":"Bern"}' },
      { kind: 'call', name: 'weather', arguments: '{"city":"Rome"}' },
      { kind: 'text', text: ' <tool' },
    ])
  }
})

test('a call that is not JSON, has no name or never ends stays text', () => {
  for (const text of [
    '<tool_call>weather(Bern)</tool_call>',
    '<tool_call>{"arguments":{}}</tool_call> and',
    '<tool_call>{"name"',
  ]) {
    for (const size of [1, 5, 1_000]) expect(spoken(text, size)).toEqual([{ kind: 'text', text }])
  }
})
