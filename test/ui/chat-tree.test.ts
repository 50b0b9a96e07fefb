import { describe, expect, test } from 'vitest'
import { isTooDeep, needsOf, withDollars } from '../../src/ui/chat/markdown/bounds.ts'
import { chosenModel, costOf, type Model, type Offer, ranked, summaryOf } from '../../src/ui/chat/rank.ts'
import {
  branchFrom,
  copyOfPath,
  erased,
  headWithout,
  leafUnder,
  merged,
  pathTo,
  siblingsOf,
} from '../../src/ui/chat/tree.ts'
import { parametersOf, roughTokens, titleOf, wireOf } from '../../src/ui/chat/wire.ts'
import type { Message } from '../../src/ui/storage/documents.ts'

let clock = 0

function message(id: string, parentId: string | null, more: Partial<Message> = {}): Message {
  const at = ++clock
  const role = id.startsWith('p') ? 'user' : 'assistant'
  return { id, parentId, role, chatId: 'c', text: id, state: 'done', createdAt: at, updatedAt: at, ...more }
}

/** p1 → a1 → p2 → (a2, a3); p1 → a1 → p3 → a4. */
const tree = [
  message('p1', null),
  message('a1', 'p1'),
  message('p2', 'a1'),
  message('a2', 'p2'),
  message('a3', 'p2'),
  message('p3', 'a1'),
  message('a4', 'p3'),
]
const ids = (messages: readonly Message[]) => messages.map(({ id }) => id)
const byId = (id: string) => tree.find(each => each.id === id)!

describe('the tree of messages', () => {
  test('a path leads from the first message to the head', () => {
    expect(ids(pathTo(tree, 'a3'))).toEqual(['p1', 'a1', 'p2', 'a3'])
    expect(pathTo(tree, null)).toEqual([])
    expect(pathTo(tree, 'nobody')).toEqual([])
  })

  test('what leads in a circle is no path, and does not hang', () => {
    const circle = [message('p8', 'a8'), message('a8', 'p8')]
    expect(pathTo(circle, 'a8').length).toBeLessThanOrEqual(2)
    expect(leafUnder(circle, 'p8')).toMatch(/8$/)
    expect(branchFrom(circle, 'p8')).toHaveLength(2)
  })

  test('siblings share a parent and a role, oldest first', () => {
    expect(ids(siblingsOf(tree, byId('a3')))).toEqual(['a2', 'a3'])
    expect(ids(siblingsOf(tree, byId('p2')))).toEqual(['p2', 'p3'])
    expect(ids(siblingsOf(tree.toReversed(), byId('p3')))).toEqual(['p2', 'p3'])
  })

  test('a branch is shown to its newest leaf', () => {
    expect(leafUnder(tree, 'p1')).toBe('a4')
    expect(leafUnder(tree, 'p2')).toBe('a3')
    expect(leafUnder(tree, 'a2')).toBe('a2')
  })

  test('a branch that is deleted takes all below along, and another one is shown', () => {
    expect(ids(branchFrom(tree, 'p3')).toSorted()).toEqual(['a4', 'p3'])
    expect(headWithout(tree, 'p3')).toBe('a3')
    expect(headWithout(tree, 'a2')).toBe('a3')
    expect(headWithout(tree, 'p1')).toBeNull()
  })

  test('what is deleted keeps no word, and is on no path any more', () => {
    const gone = erased({ ...byId('a3'), reasoning: 'secret', attachments: [] }, 1)
    expect(JSON.stringify(gone)).not.toMatch(/secret|"text":"a3"/)
    expect(gone.updatedAt).toBeGreaterThan(byId('a3').updatedAt)
    const after = merged(tree, [gone])
    expect(leafUnder(after, 'p2')).toBe('a2')
    expect(ids(siblingsOf(after, byId('a2')))).toEqual(['a2'])
    expect(pathTo(after, 'a3')).toHaveLength(1)
  })

  test('a fork begins with copies that belong to the new chat', () => {
    let next = 0
    const copies = copyOfPath(pathTo(tree, 'a2'), 'other', () => `n${++next}`)
    expect(copies.map(({ id, parentId, chatId, text }) => [id, parentId, chatId, text])).toEqual([
      ['n1', null, 'other', 'p1'],
      ['n2', 'n1', 'other', 'a1'],
      ['n3', 'n2', 'other', 'p2'],
      ['n4', 'n3', 'other', 'a2'],
    ])
  })

  test('of two versions the later one stays; nothing new is the same list', () => {
    const later = { ...byId('a1'), text: 'later', updatedAt: 1e9 }
    expect(merged(tree, [later]).find(({ id }) => id === 'a1')?.text).toBe('later')
    expect(merged(merged(tree, [later]), [byId('a1')]).find(({ id }) => id === 'a1')?.text).toBe('later')
    expect(merged(tree, [byId('a2')])).toBe(tree)
    expect(merged(tree, [message('p9', 'a4')])).toHaveLength(tree.length + 1)
  })
})

describe('what is sent', () => {
  test('the system prompt first, answers without a word left out', () => {
    const path = [message('p1', null), message('a1', 'p1', { text: '', state: 'failed' }), message('p2', 'a1')]
    expect(wireOf(path, ' be kind ')).toEqual([
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'p1' },
      { role: 'user', content: 'p2' },
    ])
  })

  test('files of text come in a fence that they cannot end, images as parts', () => {
    const base = { id: 'x', mediaType: 'text/plain', bytes: 1 }
    const attachments = [
      { ...base, name: 'a.md', kind: 'text' as const, text: 'one\n````\ntwo' },
      { ...base, name: 'b.png', kind: 'image' as const, dataUrl: 'data:image/png;base64,AA' },
    ]
    const [{ content } = { content: '' }] = wireOf([message('p1', null, { attachments })], '')
    expect(content).toEqual([
      { type: 'text', text: 'a.md:\n`````md\none\n````\ntwo\n`````\n\np1' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } },
    ])
  })

  test('only what was set', () => {
    expect(parametersOf({})).toEqual({})
    expect(parametersOf({ temperature: 0, topP: 0.5, maxTokens: 9 })).toEqual({
      temperature: 0,
      top_p: 0.5,
      max_tokens: 9,
    })
  })

  test('a title is the first words of the first line', () => {
    expect(titleOf('  Hello\nworld')).toBe('Hello')
    expect(titleOf('word '.repeat(40))).toMatch(/^(word )+word…$/)
    expect(titleOf('x'.repeat(100))).toHaveLength(61)
    expect(titleOf('', [{ id: 'x', name: 'cat.png', mediaType: '', bytes: 1, kind: 'image' }])).toBe('cat.png')
  })

  test('tokens are about a fourth of the letters', () => {
    expect(roughTokens('x'.repeat(400))).toBe(104)
  })
})

describe('what is drawn as Markdown', () => {
  test.each([
    ['quotes', '>'.repeat(5_000)],
    ['quotes with spaces', '> '.repeat(60)],
    ['lists in one line', `${'- '.repeat(60)}x`],
    ['lists by indentation', `${' '.repeat(200)}- x`],
    ['brackets', '['.repeat(20_000)],
    ['stars', '*'.repeat(1_000)],
    ['a table of a thousand columns', '|a'.repeat(1_000)],
  ])('%s are too deep', (_, text) => expect(isTooDeep(`fine\n\n${text}`)).toBe(true))

  test('what people and models write is not', () => {
    const usual = [
      '# Title\n\n> quote\n> > deeper\n\n- one\n  - two\n    - three\n\n1. first\n',
      '```js\nconst a = [[[1]]]\n```',
      `${'-'.repeat(200)}\n${'| a '.repeat(20)}|`,
      '> - a list in a quote\n',
    ]
    for (const text of usual) expect(isTooDeep(text)).toBe(false)
  })

  test('code and formulas are seen', () => {
    expect(needsOf('a\n```js\n1')).toEqual({ code: true, math: false })
    expect(needsOf('so $$x$$')).toEqual({ code: false, math: true })
    expect(needsOf('costs $5 and `x`')).toEqual({ code: false, math: false })
  })

  test('the brackets of TeX become dollars, but not in code', () => {
    expect(withDollars('so \\(x^2\\) is')).toBe('so $$x^2$$ is')
    expect(withDollars('`\\(x\\)` and\n```\n\\[y\\]\n```')).toBe('`\\(x\\)` and\n```\n\\[y\\]\n```')
  })
})

describe('which model answers', () => {
  const offer = (provider: string, more: Partial<Offer> = {}): Offer => ({
    ...{ provider, kind: 'api', privacy: 'upstream', state: 'up', running: 0, priceIn: null, priceOut: null },
    ...{ currency: null, unit: 'tokens', ttftP50Ms: null, ttftP95Ms: null, tokensPerSecond: null, uptime: null },
    ...{ contextLength: null, ...more },
  })
  const model = (id: string, ...offers: Offer[]): Model => ({
    ...{ id, contextLength: null, maxOutputTokens: null, capabilities: null, pricing: null, offers },
  })
  const local = model('small', offer('parley', { kind: 'local', privacy: 'local', ttftP50Ms: 400 }))
  const cheap = model('cheap', offer('a', { priceIn: '0.1', priceOut: '0.2', currency: 'USD', ttftP50Ms: 200 }))
  const quick = model('quick', offer('b', { priceIn: '3', priceOut: '9', currency: 'USD', ttftP50Ms: 50 }))
  const gone = model('gone', offer('c', { state: 'down' }))
  const peer = model(
    'peer',
    offer('d', { kind: 'peer', privacy: 'peer', priceIn: '1', priceOut: '1', currency: 'PAR' }),
  )
  const all = [gone, peer, quick, cheap, local]
  const names = (models: readonly Model[]) => models.map(({ id }) => id)

  test('by price, by delay, and what is up before what is down', () => {
    expect(names(ranked(all, 'cheapest', []))).toEqual(['small', 'cheap', 'peer', 'quick', 'gone'])
    expect(names(ranked(all, 'fastest', []))[0]).toBe('quick')
    expect(names(ranked(all, 'best', [])).at(-1)).toBe('gone')
    expect(names(ranked(all, 'cheapest', ['quick']))[0]).toBe('quick')
  })

  test('the last one, else a pinned one, else the best that can be paid', () => {
    const nobody = { last: null, pins: [], canPay: false }
    expect(chosenModel(all, nobody)).toBe('small')
    expect(chosenModel(all, { ...nobody, last: 'quick' })).toBe('quick')
    expect(chosenModel(all, { ...nobody, last: 'gone' })).toBe('small')
    expect(chosenModel(all, { ...nobody, pins: ['cheap'] })).toBe('cheap')
    expect(chosenModel([peer, cheap], nobody)).toBe('cheap')
    expect(chosenModel([], nobody)).toBeNull()
  })

  test('what only peers give for money needs a wallet', () => {
    expect(summaryOf(peer)).toMatchObject({ needsWallet: true, privacy: ['peer'] })
    expect(summaryOf(cheap)).toMatchObject({ needsWallet: false, price: { in: 0.1, out: 0.2, currency: 'USD' } })
    expect(summaryOf(gone)).toMatchObject({ isDown: true })
  })

  test('what an answer costs, by what its provider asks', () => {
    expect(costOf(quick, 'b', { prompt: 1_000, completion: 1_000 })).toEqual({ cost: '0.012', currency: 'USD' })
    expect(costOf(cheap, undefined, { prompt: 1, completion: 0 })).toEqual({ cost: '0.0000001', currency: 'USD' })
    expect(costOf(local, 'parley', { prompt: 1, completion: 1 })).toBeUndefined()
  })
})
