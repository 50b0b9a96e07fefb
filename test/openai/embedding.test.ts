import { expect, test } from 'vitest'
import { Chunk, embeddingFolder, fromBase64, toBase64 } from '../../src/openai/index.ts'

const vector = [1, -0.5, 3.4028234663852886e38, 1e-7]
const floats = vector.map(Math.fround)
const bodyOf = (embedding: unknown, more: object = {}) => ({
  object: 'list',
  model: 'm',
  data: [{ object: 'embedding', index: 0, embedding, x_norm: 1 }],
  usage: { prompt_tokens: 1, total_tokens: 1 },
  ...more,
})
const folded = (body: unknown, format?: 'float' | 'base64' | null) => {
  const folder = embeddingFolder(format)
  folder.add(Chunk.of(body))
  return folder.body({ prompt_tokens: 4, completion_tokens: 0, total_tokens: 4 })
}

test('base64 is four little-endian bytes a number, and comes back', () => {
  expect(toBase64([1])).toBe('AACAPw==')
  expect(fromBase64(toBase64(vector))).toEqual(floats)
})

test('the other form than asked for is changed, the asked one is not touched', () => {
  expect(folded(bodyOf(vector), 'base64')).toEqual(bodyOf(toBase64(vector)))
  for (const format of ['float', null, undefined] as const) {
    expect(folded(bodyOf(toBase64(vector)), format)).toEqual(bodyOf(floats))
    expect(folded(bodyOf(vector), format)).toEqual(bodyOf(vector))
  }
  expect(folded(bodyOf(toBase64(vector)), 'base64')).toEqual(bodyOf(toBase64(vector)))
})

test('vectors of vectors stay as they are', () => {
  expect(folded(bodyOf([[1, 2], [3]]), 'base64')).toEqual(bodyOf([[1, 2], [3]]))
})

test('usage that the server left out is what was counted', () => {
  expect(folded(bodyOf(vector, { usage: undefined }))).toEqual(
    bodyOf(vector, { usage: { prompt_tokens: 4, total_tokens: 4 } }),
  )
})
