import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Chunk, decodeEvent, encodeComment, encodeEvent, readEvents } from '../../src/openai/index.ts'

async function* pieces(bytes: Uint8Array, cuts: readonly number[]) {
  let from = 0
  for (const cut of [...new Set(cuts)].sort((a, b) => a - b)) {
    yield bytes.subarray(from, cut)
    from = cut
  }
  yield bytes.subarray(from)
}

async function read(bytes: Uint8Array, cuts: readonly number[] = []) {
  const events: { event: string | undefined; data: string | undefined }[] = []
  for await (const { bytes: raw } of readEvents(pieces(bytes, cuts))) events.push(decodeEvent(raw))
  return events
}

describe('the SSE codec', () => {
  test('gives back what was framed, however the bytes are cut', async () => {
    const event = fc.record({
      event: fc.option(fc.stringMatching(/^[a-z.]{1,12}$/), { nil: undefined }),
      data: fc.string({ unit: 'grapheme' }),
    })
    const streams = fc.tuple(fc.array(event, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 20 }))
    await fc.assert(
      fc.asyncProperty(streams, async ([events, cuts]) => {
        const clean = events.map(({ event, data }) => ({ event, data: data.replaceAll('\r', '') }))
        const bytes = Buffer.concat(clean.map(({ event, data }) => encodeEvent(data, event)))
        const inside = cuts.filter(cut => cut < bytes.length)
        expect(await read(bytes, inside)).toEqual(clean)
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['LF', 'data: a\n\ndata: b\n\n'],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n'],
    ['CR', 'data: a\r\rdata: b\r\r '],
    ['no space after the colon', 'data:a\n\ndata:b\n\n'],
    ['comments and ids between', ': hello\n\nid: 1\ndata: a\n\n: ping\n\nretry: 5\ndata: b\n\n'],
  ])('reads %s', async (_name, text) => {
    for (let cut = 0; cut < text.length; cut++) {
      const events = (await read(Buffer.from(text), [cut])).filter(({ data }) => data !== undefined)
      expect(events.map(({ data }) => data)).toEqual(['a', 'b'])
    }
  })

  test('several data lines are one payload', async () => {
    expect(await read(Buffer.from('data: a\ndata: b\n\n'))).toEqual([{ event: undefined, data: 'a\nb' }])
  })

  test('what follows the last blank line is no event', async () => {
    expect(await read(Buffer.from('data: whole\n\ndata: cut of'))).toHaveLength(1)
  })

  test('an event without end is refused at its limit', async () => {
    async function* endless() {
      for (;;) yield Buffer.alloc(1_024, 120)
    }
    const reading = async () => {
      for await (const _ of readEvents(endless(), { maxEventBytes: 10_000 }));
    }
    await expect(reading()).rejects.toThrow(RangeError)
  })

  test('an event in very many pieces is read in one go', { timeout: 30_000 }, async () => {
    const size = 8 << 20
    async function* inPieces() {
      yield Buffer.from('data: first\n\ndata: ')
      for (let i = 0; i < size; i += 128) yield Buffer.alloc(128, 97 + ((i >> 7) % 26))
      yield Buffer.from('\n')
      yield Buffer.from('\ndata: la')
      yield Buffer.from('st\n\n')
    }
    const events: (string | undefined)[] = []
    for await (const { bytes } of readEvents(inPieces())) events.push(decodeEvent(bytes).data)
    expect(events.map(data => data?.length)).toEqual([5, size, 4])
    expect(events[1]!.slice(0, 384)).toBe(`${'a'.repeat(128)}${'b'.repeat(128)}${'c'.repeat(128)}`)
    expect(events[2]).toBe('last')
  })

  test('an event that was given away stays as it is while the rest arrives', async () => {
    const text = 'data: a\n\n'.repeat(50)
    for (const step of [1, 2, 3, 5, 7, 11, 13]) {
      const cuts = Array.from({ length: Math.floor(text.length / step) }, (_, i) => (i + 1) * step)
      const kept: Uint8Array[] = []
      for await (const { bytes } of readEvents(pieces(Buffer.from(text), cuts))) kept.push(bytes)
      expect(kept.map(bytes => Buffer.from(bytes).toString())).toEqual(Array.from({ length: 50 }, () => 'data: a\n\n'))
    }
  })

  test('a comment is no data', () => {
    expect(decodeEvent(encodeComment('ping'))).toEqual({ event: undefined, data: undefined })
  })
})

describe('a chunk', () => {
  test('passes relayed bytes through untouched', () => {
    const bytes = Buffer.from('data:  {"odd" : "spacing"}\r\n\r\n')
    expect(Chunk.relayed(bytes).bytes).toBe(bytes)
  })

  test('reads usage from an object only', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    expect(Chunk.relayed(encodeEvent('{"choices":[],"usage":null}')).usage()).toBeUndefined()
    expect(Chunk.relayed(encodeEvent(JSON.stringify({ choices: [], usage }))).usage()).toEqual(usage)
    expect(Chunk.of({ usage }).usage()).toEqual(usage)
    expect(
      Chunk.relayed(encodeEvent('{"choices":[{"delta":{"content":"say \\"usage\\": {"}}]}')).usage(),
    ).toBeUndefined()
  })

  test('names messages between nodes', () => {
    const message = Chunk.message('parley.receipt', { total: '1' })
    expect(message.event).toBe('parley.receipt')
    expect(Chunk.relayed(message.bytes).event).toBe('parley.receipt')
    expect(Chunk.relayed(encodeEvent('{"content":"event: no"}')).event).toBeUndefined()
  })
})
