import { expect, test } from 'vitest'
import type { ChatPiece } from '../../src/openai/stream-client.ts'
import { grown, type Run } from '../../src/ui/chat/grown.ts'

const begun: Run = {
  ...{ chatId: 'c', messageId: 'm', parentId: 'p', model: 'x', provider: undefined, requestId: undefined },
  ...{ text: '', reasoning: '', toolCalls: [], notices: [], isCached: false, startedAt: 0, firstAt: undefined },
}
const after = (...pieces: ChatPiece[]) => pieces.reduce(grown, begun)
const tool = (index: number, more: { id?: string; name?: string; arguments?: string }): ChatPiece => ({
  ...{ type: 'tool', index },
  ...more,
})

test('calls of tools are put together by their number', () => {
  const pieces = [
    tool(0, { id: 'a', name: 'f' }),
    tool(1, { id: 'b', name: 'g' }),
    tool(0, { arguments: '{"x":' }),
    tool(1, { arguments: '{}' }),
    tool(0, { arguments: '1}' }),
  ]
  expect(after(...pieces).toolCalls).toEqual([
    { id: 'a', name: 'f', arguments: '{"x":1}' },
    { id: 'b', name: 'g', arguments: '{}' },
  ])
})

test('also where a service counts from one', () => {
  const first = [tool(1, { id: 'a', name: 'f' }), tool(1, { arguments: '{' }), tool(1, { arguments: '}' })]
  const second = [tool(2, { id: 'b', name: 'g' }), tool(2, { arguments: '[]' })]
  expect(after(...first, ...second).toolCalls).toEqual([
    { id: 'a', name: 'f', arguments: '{}' },
    { id: 'b', name: 'g', arguments: '[]' },
  ])
})

test('what was answered before is known to have cost nothing, and who goes on is who answers', () => {
  expect(after({ type: 'notice', code: 'cached', text: '', about: '' }).isCached).toBe(true)
  const moved = after({ type: 'start', provider: 'one', headers: new Headers() }, { type: 'text', text: 'a' })
  expect(grown(moved, { type: 'notice', code: 'continued', text: '', about: 'two' })).toMatchObject({
    provider: 'two',
    text: 'a',
    isCached: false,
  })
})
