import { describe, expect, test } from 'vitest'
import { createJoint } from '../../src/gateway/joint.ts'

function joined(said: string, pieces: readonly string[]): { text: string; isRewording: boolean } {
  const joint = createJoint(said)
  const text = pieces.map(piece => joint.push(piece)).join('') + joint.end()
  return { text, isRewording: joint.isRewording }
}

/** Every way to cut a text in two, and the text in single characters. */
function cuts(text: string): string[][] {
  const halves = Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)])
  return [...halves, Array.from(text)]
}

describe('what meets what was said', () => {
  test.each([
    ['a continuation', 'The quick brown', ' fox jumps.', ' fox jumps.'],
    ['the last word said again', 'The quick brown', ' brown fox.', ' fox.'],
    ['the last words said again', 'The quick brown ', 'quick brown fox.', 'fox.'],
    ['a word that was cut, begun again', 'The quick bro', 'brown fox.', 'wn fox.'],
    ['a word that was cut, gone on with', 'The quick bro', 'wn fox.', 'wn fox.'],
    ['the whole answer said again', 'The quick brown', 'The quick brown fox.', ' fox.'],
    ['nothing new', 'The quick brown', 'brown', ''],
    ['letters that meet within a word', 'Mis', 'sissippi', 'sissippi'],
    ['white space alone', 'def f():\n  ', '  return 1', '  return 1'],
    ['a sign', 'one, two,', ' two, three', ' three'],
    ['other letters', 'Ich grüße die 世界', '世界 👋🏽 und', ' 👋🏽 und'],
    ['a beginning of it that ends early', 'The quick brown fox', 'quick', 'quick'],
  ])('%s', (_name, said, next, rest) => {
    for (const pieces of cuts(next)) expect(joined(said, pieces)).toEqual({ text: rest, isRewording: false })
  })

  test('of several repetitions the longest goes', () => {
    expect(joined('a b a b', ['a b', ' c']).text).toBe(' c')
    expect(joined('x y z x y', ['x y', ' w']).text).toBe(' w')
  })

  test('an answer that begins anew in other words is none', () => {
    const said = 'Once upon a time there was a king who had three daughters and a garden.'
    const anew = 'Once upon a time there was a king who had three daughters but no crown.'
    for (const pieces of cuts(anew)) expect(joined(said, pieces).isRewording).toBe(true)
    expect(joined(said, ['Once upon a time, again']).isRewording).toBe(false)
  })

  test('a long answer is taken up, and also one that is said again from its first word', () => {
    const said = Array.from({ length: 40_000 }, (_, i) => `word${i} `).join('')
    expect(joined(said, ['word39998 word39999 ', 'more'])).toMatchObject({ text: 'more' })
    expect(joined(said, [said.slice(0, 100_000), said.slice(100_000), 'more'])).toMatchObject({ text: 'more' })
  })

  test('a text that repeats itself does not take long', () => {
    const said = 'a '.repeat(50_000)
    const startedAt = performance.now()
    joined(said, [...Array.from('a '.repeat(10_000)), 'b'])
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })
})
