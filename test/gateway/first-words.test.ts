import { expect, test } from 'vitest'
import { createFirstWords, samplesMin } from '../../src/gateway/first-words.ts'

test('95 of 100 come within the time told, once enough were seen', () => {
  const words = createFirstWords()
  for (let i = 1; i < samplesMin; i++) words.note(i)
  expect(words.p95()).toBeUndefined()
  words.note(1_000)
  expect(words.p95()).toBe(samplesMin - 1)
  words.note(2_000)
  expect(words.p95()).toBe(1_000)
})

test('the newest count, in whatever order they come', () => {
  const words = createFirstWords()
  for (let i = 0; i < 1_000; i++) words.note(5_000)
  for (let i = 128; i > 0; i--) words.note(i)
  expect(words.p95()).toBe(122)
})
