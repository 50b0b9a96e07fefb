import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/core/index.ts'
import { decodeEntry, encodeEntry } from '../../src/gateway/cache-entry.ts'
import { createReplay } from '../../src/gateway/cache-replay.ts'
import { Chunk, usageOf } from '../../src/openai/index.ts'
import { seeded } from './routed.ts'

const id = 'chatcmpl-1'
const uuid = 'f'.repeat(32)
const outcome: Outcome = {
  usage: { ...usageOf(3, 2), estimated: true },
  servedBy: 'a',
  finishReason: 'stop',
  cost: 5n,
  units: { unit: 'characters', count: 2 },
  route: { servedBy: 'a', model: 'm', isFallback: false, attempts: 2, waitedMs: 3 },
}
const piece = (delta: object, finish_reason: string | null = null) => ({
  id,
  choices: [{ index: 0, delta, finish_reason }],
})
const event = (json: unknown) => Buffer.from(`data: ${JSON.stringify(json)}\n\n`)

function runOf(...pieces: object[]): Chunk {
  const events = pieces.map(event)
  let end = 0
  return Chunk.run(
    Buffer.concat(events),
    events.map(({ length }) => (end += length)),
  )
}

const chunks = [
  Chunk.of(piece({ role: 'assistant' }), { promptTokens: 3 }),
  Chunk.of(piece({ content: 'grüezi' }), { outputTokens: 1 }),
  runOf(piece({ content: '"id":"chatcmpl-1"' }), piece({ content: '👋🏽\n\n' })),
  Chunk.relayed(
    Buffer.from(`data: {"id" : "${id}", "choices":[{"index":0,"delta":{},"finish_reason": "stop"}]}\r\n\r\n`),
  ),
  Chunk.of(piece({}, 'stop')),
  Chunk.of({ id, choices: [], usage: usageOf(3, 2) }, { isLast: true }),
]

const stored = (told: readonly Chunk[] = chunks) => encodeEntry({ key: 'k', keptAt: 7, chunks: told, outcome, uuid })
const told = (entry: Buffer, takesRuns: boolean, next = 'a'.repeat(32)) =>
  createReplay(decodeEntry(entry, 'k')!, { uuid: next, model: 'm', takesRuns })!

/** What a chunk says, with any id as the same. */
const said = (of: readonly Chunk[]) =>
  of.flatMap(chunk => [...chunk.parts()]).map(part => ({ ...(part.json() as object), id: '' }))

describe('an entry', () => {
  test.each([true, false])('gives back what was told, in runs: %s', takesRuns => {
    const replay = told(stored(), takesRuns)
    expect(said(replay.chunks)).toEqual(said(chunks))
    expect(replay.chunks.map(({ count }) => count)).toEqual(takesRuns ? [5, 1, 1] : [1, 1, 1, 1, 1, 1, 1])
    expect(replay.chunks.map(({ meta }) => meta.isLast === true)).toEqual(
      replay.chunks.map((_, i, { length }) => i === length - 1),
    )
    expect(replay.chunks.at(-1)!.usage()).toEqual(usageOf(3, 2))
    const route = { servedBy: 'a', model: 'm', isFallback: false, attempts: 0, waitedMs: 0, isCached: true }
    const { cost: _cost, ...free } = outcome
    expect(replay.outcome).toEqual({ ...free, route })
  })

  test('has a new id with each telling, the same in all of its events, and leaves words alone', () => {
    const entry = stored()
    const before = Buffer.from(entry)
    for (const next of ['a'.repeat(32), 'b'.repeat(32)]) {
      const { chunks: again } = told(entry, false, next)
      expect(new Set(again.map(chunk => (chunk.json() as { id: string }).id))).toEqual(new Set([`chatcmpl-${next}`]))
    }
    expect(entry.equals(before)).toBe(true)
  })

  test('of one body without an id keeps its bytes and its type', () => {
    const body = Buffer.from('{"results":[]}')
    const meta = { contentType: 'application/json', isLast: true }
    const [again] = told(stored([Chunk.raw(body, meta, { results: [] })]), true).chunks
    expect(again).toMatchObject({ isRaw: true, meta })
    expect(Buffer.from(again!.bytes).equals(body)).toBe(true)
    expect(again!.json()).toEqual({ results: [] })
  })

  test('takes the memory of its own bytes and no more', () => {
    const entry = stored()
    expect(entry.buffer.byteLength).toBe(entry.length)
  })

  test('is told in chunks that a slow reader can be waited for with', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => Chunk.of(piece({ content: `word ${i} ` })))
    const { chunks: again } = told(stored(many), true)
    expect(said(again)).toEqual(said(many))
    expect(again.length).toBeGreaterThan(5)
    expect(Math.max(...again.map(({ bytes }) => bytes.length))).toBeLessThan(20 * 1024)
  })
})

/** An entry whose checksum is right and whose head is anything. */
function forged(head: unknown, bytes = Buffer.from('data: {}\n\n')): Buffer {
  const text = Buffer.from(typeof head === 'string' ? head : JSON.stringify(head))
  const entry = Buffer.concat([Buffer.from('pac1'), Buffer.alloc(8), text, bytes])
  entry.writeUInt32LE(text.length, 8)
  entry.writeUInt32LE(crc32(entry.subarray(8)), 4)
  return entry
}

const head = { key: 'k', keptAt: 1, id: '', chunks: [{ ends: [10] }], outcome: { usage: usageOf(1, 1), servedBy: 'a' } }

describe('what is no entry', () => {
  test('a good one is', () => {
    expect(decodeEntry(forged(head), 'k')).toBeDefined()
  })

  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['null', 'null'],
    ['a list', []],
    ['another key', { ...head, key: 'other' }],
    ['no time', { ...head, keptAt: 'now' }],
    ['no chunks', { ...head, chunks: [] }],
    ['chunks that are none', { ...head, chunks: [null] }],
    ['chunks without ends', { ...head, chunks: [{ ends: [] }] }],
    ['ends that go back', { ...head, chunks: [{ ends: [10] }, { ends: [5] }] }],
    ['ends behind the end', { ...head, chunks: [{ ends: [11] }] }],
    ['ends before the end', { ...head, chunks: [{ ends: [9] }] }],
    ['ends that are no numbers', { ...head, chunks: [{ ends: ['10'] }] }],
    [
      'a media type that is a header of its own',
      { ...head, chunks: [{ ends: [10], contentType: 'a\r\nset-cookie: b' }] },
    ],
    ['no outcome', { ...head, outcome: undefined }],
    ['no usage', { ...head, outcome: { servedBy: 'a' } }],
    ['an id that is too short to be replaced', { ...head, id: 'd' }],
    ['units of nothing', { ...head, outcome: { ...head.outcome, units: {} } }],
  ])('%s', (_what, wrong) => {
    expect(decodeEntry(forged(wrong), 'k')).toBeUndefined()
  })

  test('any of it cut short, and any bit of it turned', () => {
    const entry = stored()
    for (let length = 0; length < entry.length; length++)
      expect(decodeEntry(entry.subarray(0, length), 'k')).toBeUndefined()
    for (let at = 0; at < entry.length; at++) {
      const wrong = Buffer.from(entry)
      wrong[at]! ^= 1 << (at % 8)
      expect(decodeEntry(wrong, 'k')).toBeUndefined()
    }
  })

  test('noise', () => {
    const random = seeded(1)
    for (let i = 0; i < 2_000; i++) {
      const bytes = Buffer.from(Array.from({ length: 60 }, () => Math.floor(random.fraction() * 256)))
      if (i % 2 === 0) Buffer.from('pac1').copy(bytes)
      expect(decodeEntry(bytes, 'k')).toBeUndefined()
    }
  })

  test('a body that should be JSON', () => {
    const chunk = { ends: [10], isRaw: true, isLast: true, contentType: 'application/json' }
    const entry = decodeEntry(forged({ ...head, chunks: [chunk] }), 'k')!
    expect(createReplay(entry, { uuid, model: 'm', takesRuns: true })).toBeUndefined()
  })
})
