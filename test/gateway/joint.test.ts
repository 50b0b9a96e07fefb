import { describe, expect, test } from 'vitest'
import { createJoint } from '../../src/gateway/joint.ts'

function joined(said: string, pieces: readonly string[]): { text: string; isDoubtful: boolean } {
  const joint = createJoint(said)
  const text = pieces.map(piece => joint.push(piece)).join('') + joint.end()
  return { text, isDoubtful: joint.isDoubtful }
}

/** Every way to cut a text in two, and the text in single characters and in halves of them. */
function cuts(text: string): string[][] {
  const halves = Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)])
  return [...halves, Array.from(text), text.split('')]
}

/** However it comes, all of it is new. */
function expectNew(said: string, next: string): void {
  for (const pieces of cuts(next)) expect(joined(said, pieces)).toEqual({ text: next, isDoubtful: false })
}

const fox = 'The quick brown fox jumps'
const drop = 'The drop 👋🏽 in the cafe'

describe('what the model may well say again is said again', () => {
  test.each([
    ['a digit', 'That makes 10', '0 apples'],
    ['digits', 'The code is 12 12', '12 12 34'],
    ['a long run of digits', `It is ${'0'.repeat(40)}`, `${'0'.repeat(20)}1`],
    ['a number of many digits', 'Pi is 3.141592653589793', '3.141592653589793 is its double half'],
    ['a word', 'Oh no ', 'no no'],
    ['a word that is the rest of another', 'I said bye-', 'bye, and left'],
    ['several words', 'She said: very, very ', 'very, very good'],
    ['a refrain', 'We will rock you! We will rock you! ', 'We will rock you! Sing it!'],
    ['a line of code', '  return await send(it)\n}\n\n  return await send(it)\n', '  return await send(it)\n}'],
    ['a rule of a table', '| a | b |\n|-----------------', '-----------------|\n'],
    ['white space', 'def f():\n  ', '  return 1'],
    ['a sign', 'one, two,', ', three'],
    ['letters that meet within a word', 'He lived in Mis', 'sissippi'],
    ['a beginning of a word', 'The quick bro', 'brown fox'],
    ['the last words', 'The quick brown ', 'quick brown foxes are many'],
    ['a picture of two signs', 'Hello 👋🏽', '👋🏽 friends'],
    ['the half of a sign', 'x 👋', '👌'],
    ['a mark on a letter', 'I drink in the cafe', '\u0301 au lait'],
    ['a flag', 'We love 🇫🇷', '🇫🇷🇫🇷'],
  ])('%s', (_name, said, next) => expectNew(said, next))

  test('whatever it is, of anything short', () => {
    const words = ['a', 'b', '1', '0', ' ', ', ']
    const texts = words.flatMap(first => words.flatMap(second => words.map(third => `${first}${second}${third}`)))
    const wrong = texts.flatMap(said =>
      texts.filter(next => joined(`Now this is said: ${said}`, Array.from(next)).text !== next),
    )
    expect(wrong).toEqual([])
  })
})

describe('an echo is dropped', () => {
  test.each([
    ['of the whole answer', fox, `${fox} high`, ' high'],
    ['of a part that is long', `He wrote: ${fox}`, `${fox} high`, ' high'],
    ['with nothing behind it', fox, fox, ''],
    ['behind white space', fox, `\n ${fox} high`, ' high'],
    ['of an answer that began with white space', `\n\n${fox}`, `${fox} high`, ' high'],
    ['that ends within a word', 'The quick brown fo', 'The quick brown fox.', 'x.'],
    ['that ends with white space', `${fox} `, `${fox} high`, 'high'],
    ['with signs of two units', drop, `${drop} or the bar`, ' or the bar'],
    ['that ends with such a sign', 'The quick brown 👋', 'The quick brown 👋🏽 fox', '🏽 fox'],
    ['that ends before a mark on a letter', drop, `${drop}\u0301`, '\u0301'],
    ['of a number that is whole', 'It costs as much as 1,250', 'It costs as much as 1,250 apples', ' apples'],
  ])('%s', (_name, said, next, rest) => {
    for (const pieces of cuts(next)) expect(joined(said, pieces)).toEqual({ text: rest, isDoubtful: false })
  })

  test('also of a long answer, from its first word or from one of its last', () => {
    const said = Array.from({ length: 40_000 }, (_, i) => `word${i} `).join('')
    expect(joined(said, ['word39998 word39999 ', 'more'])).toMatchObject({ text: 'more', isDoubtful: false })
    expect(joined(said, [said.slice(0, 100_000), said.slice(100_000), 'more'])).toMatchObject({ text: 'more' })
  })
})

describe('nobody can tell', () => {
  test.each([
    ['whether a short answer is begun anew', 'no ', 'no no'],
    ['whether a word is said again', 'Hello', 'Hello there'],
    ['whether words are', 'tick tock ', 'tick tock tick'],
    ['whether one begins anew with other white space', 'Hello ', 'Hello! How are you?'],
    ['whether an answer that repeats itself begins anew', 'la la la la la la la la ', 'la la la la la la la la la'],
    ['where an echo within a number goes on', 'It costs as much as 12', 'It costs as much as 125 apples'],
    ['whether silence means that all was said', fox, ''],
    ['whether white space does', fox, ' \n'],
  ])('%s', (_name, said, next) => {
    for (const pieces of cuts(next)) expect(joined(said, pieces).isDoubtful).toBe(true)
  })

  test('an answer that begins anew in other words', () => {
    for (const anew of ['The quick brown foxes jump', 'The quick brown fox', ' The quick brown fo']) {
      for (const pieces of cuts(anew)) expect(joined(fox, pieces).isDoubtful).toBe(true)
    }
    const said = `Once upon a time there was a king who had three daughters and a garden. ${fox}.`
    const part = 'there was a king who had three daughters and a garden. But'
    for (const pieces of cuts(part)) expect(joined(said, pieces).isDoubtful).toBe(true)
  })

  test('but of two lines that begin alike the third may, too', () => {
    expectNew('2024-01-01T10:00 INFO a\n2024-01-01T10:01 INFO b\n', '2024-01-01T10:02 INFO c\n')
  })
})

test('a text that repeats itself does not take long', () => {
  const said = 'a '.repeat(50_000)
  const startedAt = performance.now()
  joined(said, [...Array.from('a '.repeat(10_000)), 'b'])
  joined(`${said}b`, ['a '.repeat(49_999), 'b'])
  expect(performance.now() - startedAt).toBeLessThan(15_000)
})
