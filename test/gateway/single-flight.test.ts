import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Backend, Call, Context, Route } from '../../src/core/index.ts'
import { filter } from '../../src/core/index.ts'
import { singleFlight } from '../../src/gateway/index.ts'
import { chat, compliance, contextOf, drain, textOf, until } from '../compliance.ts'
import { createScripted } from '../scripted.ts'

const alike = { temperature: 0 }
const embedding: Call = { task: 'embedding', body: { model: 'vec-1', input: 'hi' } }

function shared(bufferBytes?: number) {
  const truth = createScripted()
  const wrap = singleFlight(bufferBytes === undefined ? {} : { bufferBytes })
  return { truth, script: truth.script, backend: wrap(truth) }
}

function start(backend: Backend, call: Call, extra: Partial<Context> = {}) {
  return drain(backend.run(call, contextOf(extra)))
}

compliance('calls that may share, each alone', async truth => {
  const seeded = filter((inner, call, context) =>
    inner.run({ ...call, body: { ...call.body, seed: 1, user: context.id } } as Call, context),
  )
  return { backend: seeded(singleFlight()(truth)) }
})

describe('what runs once', () => {
  const same: [what: string, a: Call, b: Call][] = [
    ['the same words at a temperature of 0', chat('slow-3', alike), chat('slow-3', alike)],
    ['the same words with a seed', chat('slow-3', { seed: 7 }), chat('slow-3', { seed: 7 })],
    ['fields in another order', chat('slow-3', { seed: 7, top_p: 1 }), chat('slow-3', { top_p: 1, seed: 7 })],
    ['streamed and whole', chat('slow-3', { ...alike, stream: true }), chat('slow-3', alike)],
    ['embeddings', embedding, embedding],
  ]
  test.each(same)('%s', async (_what, a, b) => {
    const { backend, script } = shared()
    const [first, second] = await Promise.all([start(backend, a), start(backend, b)])
    expect(script.opened).toBe(1)
    expect(second.chunks.map(chunk => chunk.json())).toEqual(first.chunks.map(chunk => chunk.json()))
    expect(second.outcome).toEqual(first.outcome)
  })

  test('also for one that comes later: it hears everything from the start', async () => {
    const { backend, script } = shared()
    const first = start(backend, chat('slow-20', alike))
    expect(await until(() => script.produced > 5)).toBe(true)
    const second = await start(backend, chat('slow-20', alike))
    expect(textOf(second.chunks)).toBe(textOf((await first).chunks))
    expect(script.opened).toBe(1)
    await start(backend, chat('say-1', alike))
    expect(script.opened).toBe(2)
  })
})

describe('what runs for each caller', () => {
  const other: Partial<Context> = { principal: { kind: 'key', id: 'other' } }
  const apart: [what: string, a: Call, b: Call, extra?: Partial<Context>][] = [
    ['the same of two callers', chat('slow-3', alike), chat('slow-3', alike), other],
    ['the same with other wishes', chat('slow-3', alike), chat('slow-3', alike), { wishes: { only: ['x'] } }],
    ['the same at another price', chat('slow-3', alike), chat('slow-3', alike), { maxPrice: 7n }],
    ['answers that are not alike', chat('slow-3'), chat('slow-3')],
    ['other words', chat('slow-3', alike), chat('slow-3', { ...alike, stop: 'x' })],
    ['another field of the name options', chat('slow-3', { ...alike, options: { num_ctx: 1 } }), chat('slow-3', alike)],
    ['several choices', chat('slow-3', { ...alike, n: 2 }), chat('slow-3', { ...alike, n: 2 })],
    ['what is to be stored', chat('slow-3', { ...alike, store: true }), chat('slow-3', { ...alike, store: true })],
  ]
  test.each(apart)('%s', async (_what, a, b, extra) => {
    const { backend, script } = shared()
    await Promise.all([start(backend, a), start(backend, b, extra)])
    expect(script.opened).toBe(2)
  })
})

test('whoever leaves leaves alone; the last one ends the work', async () => {
  const { backend, script } = shared()
  const gone = [0, 1, 2].map(() => new AbortController())
  const all = gone.map(({ signal }) => start(backend, chat('slow-1000', alike), { signal }).catch(error => error.code))
  expect(await until(() => script.produced > 2)).toBe(true)
  gone[0]!.abort()
  expect(await all[0]).toBe('cancelled')
  gone[1]!.abort()
  expect(await all[1]).toBe('cancelled')
  const produced = script.produced
  expect(await until(() => script.produced > produced)).toBe(true)
  expect(script.open).toBe(1)
  gone[2]!.abort()
  expect(await all[2]).toBe('cancelled')
  expect(await until(() => script.open === 0)).toBe(true)
  await start(backend, chat('say-1', alike))
  expect(script.opened).toBe(2)
})

test('a silent answer is ended when the last one leaves', async () => {
  const { backend, script } = shared()
  const gone = new AbortController()
  const all = [0, 1].map(() =>
    start(backend, chat('mute-1', alike), { signal: gone.signal }).catch(error => error.code),
  )
  expect(await until(() => script.open === 1)).toBe(true)
  gone.abort()
  expect(await Promise.all(all)).toEqual(['cancelled', 'cancelled'])
  expect(await until(() => script.open === 0)).toBe(true)
})

test('a failure is that of all: before the first word, and behind the same words', async () => {
  const { backend, script } = shared()
  const early = [0, 1].map(() => start(backend, chat('absent-1', alike)).catch(error => error.code))
  expect(await Promise.all(early)).toEqual(['model_not_found', 'model_not_found'])
  expect(script.opened).toBe(1)
  const late = async () => {
    const words: string[] = []
    try {
      for await (const chunk of backend.run(chat('break-3', alike), contextOf())) words.push(textOf([chunk]))
    } catch (cause) {
      words.push((cause as { code: string }).code)
    }
    return words
  }
  const [a, b] = await Promise.all([late(), late()])
  expect(a).toEqual(['', 'w0 ', 'w1 ', 'overloaded'])
  expect(b).toEqual(a)
  expect(script.opened).toBe(2)
})

test('cost and receipt are booked once, usage by each', async () => {
  const route: Route = { servedBy: 'x', model: 'm', attempts: 1, waitedMs: 0, isFallback: false }
  const paid = filter(async function* (inner, call, context) {
    context.onRoute?.(route)
    return { ...(yield* inner.run(call, context)), cost: 5n }
  })
  const truth = createScripted()
  const backend = singleFlight()(paid(truth))
  const routes: Route[] = []
  const onRoute = (taken: Route) => void routes.push(taken)
  const all = await Promise.all([0, 1, 2].map(() => start(backend, chat('slow-2', alike), { onRoute })))
  expect(all.map(({ outcome }) => outcome.cost).filter(cost => cost !== undefined)).toEqual([5n])
  expect(all.map(({ outcome }) => outcome.usage.completion_tokens)).toEqual([2, 2, 2])
  const shared = { ...route, isShared: true }
  expect(routes).toEqual([route, shared, shared])
  expect(all.map(({ outcome }) => outcome.cost ?? 0n)).toEqual([5n, 0n, 0n])
})

test('it is counted for who stays: the first hears that it is not, the next that it is', async () => {
  const route: Route = { servedBy: 'x', model: 'm', attempts: 1, waitedMs: 0, isFallback: false }
  const routed = filter(async function* (inner, call, context) {
    context.onRoute?.(route)
    return { ...(yield* inner.run(call, context)), route, cost: 5n }
  })
  const backend = singleFlight()(routed(createScripted()))
  const told: (true | undefined)[][] = [[], []]
  const gone = new AbortController()
  const first = start(backend, chat('slow-9', alike), {
    signal: gone.signal,
    onRoute: ({ isShared }) => void told[0]!.push(isShared),
  }).catch(error => error.code)
  const second = start(backend, chat('slow-9', alike), { onRoute: ({ isShared }) => void told[1]!.push(isShared) })
  await sleep(50)
  gone.abort()
  expect(await first).toBe('cancelled')
  expect((await second).outcome).toMatchObject({ cost: 5n, route })
  expect(told).toEqual([
    [undefined, true],
    [true, undefined],
  ])
})

describe('memory', () => {
  test('a reader that falls behind slows the answer; what is held stays within the buffer', async () => {
    const { backend, script } = shared(64 * 1024)
    const slow = backend.run(chat('flood-400', alike), contextOf())
    await slow.next()
    const fast = start(backend, chat('flood-400', alike))
    await sleep(100)
    const produced = script.produced
    expect(produced).toBeLessThan(32)
    expect(script.opened).toBe(1)
    const rest = await drain(slow)
    expect(textOf(rest.chunks)).toBe(textOf((await fast).chunks))
    expect(script.produced).toBe(400)
  })

  test('one that comes too late asks for itself', async () => {
    const { backend, script } = shared(64 * 1024)
    const first = backend.run(chat('flood-60', alike), contextOf())
    for (let i = 0; i < 30; i++) await first.next()
    const second = await start(backend, chat('flood-60', alike))
    expect(script.opened).toBe(2)
    expect(textOf(second.chunks)).toHaveLength(60 * 4_096)
    await drain(first)
  })

  test('a slow reader that leaves lets the others go on', async () => {
    const { backend } = shared(64 * 1024)
    const slow = backend.run(chat('flood-400', alike), contextOf())
    await slow.next()
    const fast = start(backend, chat('flood-400', alike))
    await sleep(50)
    await slow.return(undefined as never)
    expect(textOf((await fast).chunks)).toHaveLength(400 * 4_096)
  })
})
