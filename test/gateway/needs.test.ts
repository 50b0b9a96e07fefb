import { expect, test } from 'vitest'
import type { Call } from '../../src/core/index.ts'
import { fittingFirst, lackOf, needsOf } from '../../src/gateway/needs.ts'

const chat = (body: object) => ({ task: 'chat', body: { model: 'm', messages: [], ...body } }) as unknown as Call
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }

test('what a request needs is read from its body', () => {
  expect(needsOf(chat({})).capabilities).toEqual([])
  const all = chat({
    messages: [{ role: 'user', content: [{ type: 'text', text: 'x'.repeat(400) }, image] }],
    tools: [{ type: 'function', function: { name: 'f' } }],
    response_format: { type: 'json_schema' },
    max_tokens: 50,
  })
  expect(needsOf(all)).toEqual({ capabilities: ['vision', 'tools', 'json'], tokens: 150 })
  expect(needsOf(chat({ tools: [], response_format: { type: 'text' } })).capabilities).toEqual([])
  expect(needsOf({ task: 'embedding', body: { model: 'm', input: ['abcd', 'efgh'] } } as Call).tokens).toBe(2)
})

test('candidates that are known not to fit go last, and nobody is left out', () => {
  const blind = { name: 'blind', kind: 'api' as const, capabilities: ['chat'] }
  const seeing = { name: 'seeing', kind: 'api' as const, capabilities: ['chat', 'vision'] }
  const unknown = { name: 'unknown', kind: 'api' as const }
  const short = { name: 'short', kind: 'api' as const, contextTokens: 100 }
  const names = (call: Call) => fittingFirst([blind, short, unknown, seeing], call).map(({ name }) => name)
  expect(names(chat({}))).toEqual(['blind', 'short', 'unknown', 'seeing'])
  expect(names(chat({ messages: [{ role: 'user', content: [image] }] }))).toEqual([
    'short',
    'unknown',
    'seeing',
    'blind',
  ])
  expect(names(chat({ max_tokens: 101 }))).toEqual(['blind', 'unknown', 'seeing', 'short'])
})

test('a priority never brings one that lacks something before one that may do it', () => {
  const blind = { name: 'blind', kind: 'api' as const, priority: 1, capabilities: ['chat'] }
  const unknown = { name: 'unknown', kind: 'api' as const, priority: 2 }
  const seeing = { name: 'seeing', kind: 'api' as const, priority: 3, capabilities: ['vision'] }
  const looking = chat({ messages: [{ role: 'user', content: [image] }] })
  const names = (list: { name: string }[]) => list.map(({ name }) => name)
  expect(names(fittingFirst([blind, unknown, seeing], looking))).toEqual(['unknown', 'seeing', 'blind'])
  expect(names(fittingFirst([blind, { ...unknown, capabilities: [] }], looking))).toEqual(['blind', 'unknown'])
})

test('what is lacking is named', () => {
  const kind = 'api' as const
  const needs = { capabilities: ['vision', 'tools'], tokens: 900 }
  expect(lackOf({ name: 'a', kind, capabilities: ['tools'] }, needs)).toBe('no vision')
  expect(lackOf({ name: 'a', kind, contextTokens: 899 }, needs)).toContain('899 tokens, the request needs about 900')
  expect(lackOf({ name: 'a', kind, contextTokens: 900 }, needs)).toBeUndefined()
})

test('text is measured in bytes: letters of other scripts are tokens of their own', () => {
  expect(needsOf(chat({ messages: [{ role: 'user', content: '世'.repeat(400) }] })).tokens).toBe(300)
})
