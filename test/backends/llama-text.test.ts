import { expect, test } from 'vitest'
import { stopFinder, textStream } from '../../src/backends/llama/text-stream.ts'

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
