import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Backend, Call, Context, Reply } from '../../src/core/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import { type JoinedEmbeddingsOptions, joinedEmbeddings } from '../../src/gateway/index.ts'
import { Chunk, usageOf } from '../../src/openai/index.ts'
import { compliance, contextOf, drain, until } from '../compliance.ts'
import { candidate, routed } from './routed.ts'

compliance('embeddings that may be joined, each alone', async truth => ({ backend: joinedEmbeddings()(truth) }))

type Input = string | number[]
interface Embedded {
  data: { index: number; embedding: number[] }[]
  usage: { prompt_tokens: number; total_tokens: number }
}

/** Answers each input with its length; `bad` inputs spoil a call, and answers come back to front. */
function createEmbedder(delayMs = 30) {
  const asked: { inputs: Input[]; context: Context }[] = []
  let open = 0
  const backend: Backend = {
    name: 'embedder',
    models: async () => [],
    run: async function* (call, context): Reply {
      const { input } = call.body as { input: Input | Input[] }
      const inputs = (Array.isArray(input) && typeof input[0] !== 'number' ? input : [input]) as Input[]
      asked.push({ inputs, context })
      open++
      try {
        await sleep(delayMs, undefined, { signal: context.signal }).catch(cause => {
          throw ParleyError.from(cause, context.signal)
        })
        if (inputs.includes('down')) throw new ParleyError('overloaded', 'no room')
        if (inputs.includes('dear')) throw new ParleyError('price_too_high', 'too dear')
        if (inputs.includes('bad')) throw new ParleyError('invalid_request', 'a bad input')
        const data = inputs.map((text, index) => ({ object: 'embedding', index, embedding: [text.length] }))
        const tokens = inputs.length * 10 + 1
        yield Chunk.of({ object: 'list', model: 'm', data: data.toReversed(), usage: usageOf(tokens, 0) })
        return { usage: usageOf(tokens, 0), servedBy: 'embedder', cost: 7n }
      } finally {
        open--
      }
    },
  }
  return { asked, backend, open: () => open }
}

function embed(input: Input | Input[], extra: object = {}): Call {
  return { task: 'embedding', body: { model: 'm', input: input as string, ...extra } }
}

function start(options: JoinedEmbeddingsOptions = {}, delayMs?: number) {
  const embedder = createEmbedder(delayMs)
  const backend = joinedEmbeddings(options)(embedder.backend)
  const ask = (call: Call, extra: Partial<Context> = {}) => drain(backend.run(call, contextOf(extra)))
  return { ...embedder, ask, calls: () => embedder.asked.map(({ inputs }) => inputs.length) }
}

const bodyOf = ({ chunks }: { chunks: Chunk[] }) => chunks[0]!.json() as Embedded
const words = (count: number) => Array.from({ length: count }, (_, i) => 'x'.repeat(i + 1))

test('the first goes at once, those that come while it runs go together, each answer is that of its input', async () => {
  const { ask, calls } = start()
  const all = await Promise.all(words(100).map(word => ask(embed(word))))
  expect(calls().length).toBeLessThanOrEqual(10)
  expect(calls()[0]).toBe(1)
  expect(calls().reduce((sum, count) => sum + count)).toBe(100)
  expect(Math.max(...calls())).toBeLessThanOrEqual(64)
  expect(all.map(answer => bodyOf(answer).data)).toEqual(
    words(100).map(({ length }) => [{ object: 'embedding', index: 0, embedding: [length] }]),
  )
})

test('usage and cost are split by the length of the inputs and sum exactly', async () => {
  const { ask, calls } = start()
  const all = await Promise.all(words(30).map(word => ask(embed(word))))
  expect(calls()).toEqual([1, 29])
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
  expect(sum(all.map(({ outcome }) => outcome.usage.prompt_tokens))).toBe(11 + 291)
  expect(all.map(answer => bodyOf(answer).usage.prompt_tokens)).toEqual(
    all.map(({ outcome }) => outcome.usage.prompt_tokens),
  )
  expect(Math.min(...all.map(({ outcome }) => outcome.usage.prompt_tokens))).toBeGreaterThan(0)
  expect(all.reduce((total, { outcome }) => total + outcome.cost!, 0n)).toBe(14n)
  expect(all[29]!.outcome.usage.prompt_tokens).toBeGreaterThan(all[2]!.outcome.usage.prompt_tokens)
})

test('a lone call waits for nobody, and behind one that runs no longer than the window', async () => {
  const { ask, asked } = start({ windowMs: 20 }, 500)
  const first = ask(embed('a'))
  expect(asked).toHaveLength(1)
  const second = ask(embed('b'))
  expect(asked).toHaveLength(1)
  expect(await until(() => asked.length === 2, 300)).toBe(true)
  expect(asked[1]!.inputs).toEqual(['b'])
  await Promise.all([first, second])
})

describe('what does not go together', () => {
  const other: Partial<Context> = { principal: { kind: 'key', id: 'other' } }
  const apart: [what: string, call: Call, extra?: Partial<Context>][] = [
    ['callers', embed('c'), other],
    ['models', embed('c', { model: 'n' })],
    ['dimensions', embed('c', { dimensions: 2 })],
    ['encodings', embed('c', { encoding_format: 'base64' })],
    ['other fields', embed('c', { user: 'u' })],
    ['tokens with texts', embed([1, 2])],
    ['wishes', embed('c'), { wishes: { only: ['x'] } }],
    ['long inputs', embed('c'.repeat(40_000))],
    ['several inputs', embed(['c', 'd'])],
  ]
  test.each(apart)('%s', async (_what, call, extra) => {
    const { ask, calls } = start()
    const all = [ask(embed('a')), ask(embed('b')), ask(call, extra)]
    await Promise.all(all)
    expect(calls()).toHaveLength(3)
  })

  test('lists of one input, and of tokens, do', async () => {
    const { ask, calls } = start()
    await Promise.all([ask(embed('a')), ask(embed(['b'])), ask(embed('c'))])
    expect(calls()).toEqual([1, 2])
    await Promise.all([ask(embed([1, 2])), ask(embed([[3, 4]])), ask(embed([5]))])
    expect(calls()).toEqual([1, 2, 1, 2])
  })
})

describe('failures', () => {
  test('are those of all', async () => {
    const { ask, calls } = start()
    const all = ['a', 'b', 'down', 'c'].map(word => ask(embed(word)).catch(error => error.code))
    const [, ...rest] = await Promise.all(all)
    expect(rest).toEqual(['overloaded', 'overloaded', 'overloaded'])
    expect(calls()).toEqual([1, 3])
  })

  test('that may be the fault of one are its alone', async () => {
    const { ask, calls } = start()
    const all = ['a', 'b', 'bad', 'c'].map(word => ask(embed(word)).catch(error => error.code))
    const [, b, bad, c] = await Promise.all(all)
    expect(bad).toBe('invalid_request')
    expect([bodyOf(b).data, bodyOf(c).data]).toMatchObject([[{ embedding: [1] }], [{ embedding: [1] }]])
    expect(calls()).toEqual([1, 3, 1, 1, 1])
  })
})

describe('whoever leaves', () => {
  test('leaves alone', async () => {
    const { ask, calls, asked } = start({}, 100)
    const gone = [0, 1, 2].map(() => new AbortController())
    const first = ask(embed('a'))
    const [waits, runs, stays] = gone.map(({ signal }, i) => ask(embed(`b${i}`), { signal }).catch(error => error.code))
    gone[0]!.abort()
    expect(await waits).toBe('cancelled')
    expect(await until(() => asked.length === 2)).toBe(true)
    gone[1]!.abort()
    expect(await runs).toBe('cancelled')
    expect(bodyOf(await stays!).data).toMatchObject([{ embedding: [2] }])
    await first
    expect(calls()).toEqual([1, 2])
  })

  test('as the last ends the work', async () => {
    const { ask, asked, open } = start({}, 60_000)
    const gone = new AbortController()
    const all = ['a', 'b', 'c'].map(word => ask(embed(word), { signal: gone.signal }).catch(error => error.code))
    expect(await until(() => asked.length === 2)).toBe(true)
    gone.abort()
    expect(await Promise.all(all)).toEqual(['cancelled', 'cancelled', 'cancelled'])
    expect(await until(() => open() === 0)).toBe(true)
    expect(asked).toHaveLength(2)
  })
})

test('calls of five callers, one round after another, are each asked once', async () => {
  const { ask, calls } = start({}, 1)
  for (let round = 0; round < 3; round++) {
    await Promise.all(words(50).map((word, i) => ask(embed(word), { principal: { kind: 'key', id: `k${i % 5}` } })))
  }
  expect(calls().reduce((sum, count) => sum + count)).toBe(150)
})

describe('what a call may cost', () => {
  test('is for it alone, so it goes alone', async () => {
    const { ask, asked } = start()
    const limits = { maxPrice: 5n }
    await Promise.all(['a', 'long'.repeat(20), 'c'].map(word => ask(embed(word), limits)))
    expect(asked.map(({ inputs, context }) => [inputs.length, context.maxPrice])).toEqual(Array(3).fill([1, 5n]))
  })

  test('may be less than what all cost together: then each goes alone', async () => {
    const { ask, calls } = start()
    const all = await Promise.all(['a', 'b', 'dear', 'c'].map(word => ask(embed(word)).catch(error => error.code)))
    expect(all[2]).toBe('price_too_high')
    expect(bodyOf(all[3]).data).toMatchObject([{ embedding: [1] }])
    expect(calls()).toEqual([1, 3, 1, 1, 1])
  })
})

describe('an answer that does not fit', () => {
  type Vectors = Record<string, unknown>[]
  const misfits: [what: string, spoil: (vectors: Vectors) => unknown][] = [
    ['too few vectors', vectors => vectors.slice(1)],
    ['one vector', vectors => vectors.slice(0, 1)],
    ['too many', vectors => [...vectors, vectors[0]]],
    ['two of one number', vectors => vectors.map(vector => ({ ...vector, index: 0 }))],
    ['numbers that are none', vectors => vectors.map((vector, at) => ({ ...vector, index: at === 0 ? 'x' : at }))],
    ['a gap', vectors => vectors.map((vector, at) => (at === 0 ? null : vector))],
    ['an empty one', vectors => vectors.map((vector, at) => (at === 0 ? { index: vector.index } : vector))],
    ['nothing', () => undefined],
  ]

  /** Lists are answered wrongly, each input alone is not. */
  function startWrong(spoil: (vectors: Vectors) => unknown, options: JoinedEmbeddingsOptions = {}) {
    const embedder = createEmbedder()
    const run: Backend['run'] = async function* (call, context) {
      const reply = embedder.backend.run(call, context)
      let step = await reply.next()
      for (; step.done !== true; step = await reply.next()) {
        const body = step.value.json() as Embedded
        const isList = body.data.length > 1
        yield isList ? Chunk.of({ ...body, data: spoil(body.data as unknown as Vectors) }) : step.value
      }
      return step.value
    }
    const { backend, log, ranking } = routed([candidate({ ...embedder.backend, run })])
    const joined = joinedEmbeddings(options)(backend)
    const ask = (text: string, extra: Partial<Context> = {}) => drain(joined.run(embed(text), contextOf(extra)))
    return { ...embedder, ask, log, ranking, calls: () => embedder.asked.map(({ inputs }) => inputs.length) }
  }

  test.each(misfits)(
    '%s: is a failure on record, and asked once more, one by one from then on',
    async (_what, spoil) => {
      const { ask, calls, log, ranking } = startWrong(spoil)
      const all = await Promise.all(['a', 'bb', 'ccc'].map(text => ask(text)))
      expect(all.map(answer => bodyOf(answer).data[0]!.embedding)).toEqual([[1], [2], [3]])
      expect(calls()).toEqual([1, 2, 1, 1])
      const failed = log.recent().filter(({ type }) => type === 'call.attempted')
      expect(failed).toMatchObject([{ backend: 'embedder', code: 'backend_failed' }])
      expect(ranking.snapshot()).toMatchObject([{ name: 'embedder', failures: 1, running: 0 }])
      await Promise.all(['a', 'bb', 'ccc'].map(text => ask(text, { principal: { kind: 'key', id: 'other' } })))
      expect(calls()).toEqual([1, 2, 1, 1, 1, 1, 1])
    },
  )

  test('also ends the joining of those who wait', async () => {
    const { ask, calls, asked } = startWrong(vectors => vectors.slice(1), { windowMs: 5_000 })
    const first = ['a', 'b', 'c'].map(text => ask(text))
    expect(await until(() => asked.length === 2)).toBe(true)
    const later = ['d', 'e', 'f'].map(text => ask(text))
    await Promise.all([...first, ...later])
    expect(calls().filter(inputs => inputs > 1)).toEqual([2])
  })

  test('an answer without numbers is in the order of its inputs', async () => {
    const { ask, calls } = startWrong(vectors => vectors.toReversed().map(({ index: _, ...vector }) => vector))
    const all = await Promise.all(['a', 'bb', 'ccc'].map(text => ask(text)))
    expect(all.map(answer => bodyOf(answer).data[0]!.embedding)).toEqual([[1], [2], [3]])
    expect(calls()).toEqual([1, 2])
  })
})
