import { describe, expect, test } from 'vitest'
import { Chunk, hiddenUsage, readEvents, type UsageView, usageAtEnd } from '../../src/openai/index.ts'

const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
const counted = { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 }
const choices = [{ index: 0, delta: { content: 'say "usage" }{' }, finish_reason: null }]
const relayed = (event: string) => Chunk.relayed(Buffer.from(event))
const json = (body: unknown) => relayed(`data: ${JSON.stringify(body)}\n\n`)

/** What a reader gets, read back from its bytes. */
async function seen(view: UsageView, chunks: readonly Chunk[]): Promise<unknown[]> {
  const shown = [...chunks.map(chunk => view.see(chunk)), view.last(counted)].filter(chunk => chunk !== undefined)
  const source = async function* () {
    for (const { bytes } of shown) yield bytes
  }
  return (await Array.fromAsync(readEvents(source()))).map(({ bytes }) => Chunk.relayed(bytes).json())
}

describe('a reader that asked for usage', () => {
  test.each([
    ['once, behind the choices', [json({ id: 'c', choices }), json({ id: 'c', x: 1, choices: [], usage })]],
    ['once, with a choice', [json({ id: 'c', choices }), json({ id: 'c', x: 1, choices, usage })]],
    ['with every choice', [json({ id: 'c', choices, usage: counted }), json({ id: 'c', x: 1, choices, usage })]],
  ])('sees it last and null before, told %s', async (_, chunks) => {
    const all = (await seen(usageAtEnd(), chunks)) as { choices: unknown[]; usage: unknown }[]
    expect(all.slice(0, -1).map(body => [body.choices, body.usage])).toEqual(
      all.slice(0, -1).map(() => [choices, null]),
    )
    expect(all.at(-1)).toEqual({ id: 'c', x: 1, choices: [], usage })
    expect(all.length).toBeGreaterThan(1)
  })

  test('sees what was counted where nobody told', async () => {
    expect(await seen(usageAtEnd(), [json({ id: 'c', choices })])).toEqual([
      { id: 'c', choices, usage: null },
      { id: 'c', choices: [], usage: counted },
    ])
  })

  test.each([
    ['with line ends of its own', 'data: {"id":"c","n":{"a":1}}\r\n\r\n', { id: 'c', n: { a: 1 }, usage: null }],
    ['in several lines', 'data: {"id":"c",\ndata: "n":1\ndata: }\n\n', { id: 'c', n: 1, usage: null }],
    ['with fields behind it', 'data: {"id":"c"}\nid: {7}\n\n', { id: 'c', usage: null }],
    ['that is empty', 'data: {}\n\n', { usage: null }],
    ['that says null itself', 'data: {"usage":null,"id":"c"}\n\n', { id: 'c', usage: null }],
    [
      'that names usage deeper',
      'data: {"id":"c","x":{"usage":{"a":1}}}\n\n',
      { id: 'c', x: { usage: { a: 1 } }, usage: null },
    ],
    [
      'with a number longer than JSON reads',
      'data: {"id":12345678901234567890}\n\n',
      { id: Number('12345678901234567890'), usage: null },
    ],
  ])('gets null in an event %s', (_, event, expected) => {
    const view = usageAtEnd()
    expect(view.see(relayed(event))?.json()).toEqual(expected)
  })

  test('costs no parsing where the chunk names no usage', () => {
    const broken = relayed('data: {"id": not JSON}\n\n')
    expect(Buffer.from(usageAtEnd().see(broken)!.bytes).toString()).toBe('data: {"id": not JSON,"usage":null}\n\n')
  })
})

test('a reader that did not ask sees none, nor chunks that carry nothing else', async () => {
  const chunks = [json({ id: 'c', choices, usage }), json({ id: 'c', choices: [], usage }), json({ id: 'c', choices })]
  expect(await seen(hiddenUsage(), chunks)).toEqual([
    { id: 'c', choices },
    { id: 'c', choices },
  ])
})
