import { expect, test, vi } from 'vitest'
import type { Call, DollarPrices } from '../../src/core/index.ts'
import type { Candidate } from '../../src/gateway/index.ts'
import { priceFor } from '../../src/node/prices.ts'
import { createPricing } from '../../src/node/pricing.ts'
import { usageOf } from '../../src/openai/index.ts'
import { startGateway, startService } from './gateway.ts'

const chat: Call = { task: 'chat', body: { model: 'm', messages: [] } }
const candidate = (name: string, dollars?: DollarPrices): Candidate => ({
  ...{ name, kind: 'api', backend: { name, models: async () => [], run: undefined as never } },
  ...(dollars && { dollars }),
})

function priced(candidates: readonly Candidate[], unitCost?: (units: bigint) => bigint) {
  return createPricing({ serving: (_call, model) => (model === 'm' ? candidates : []), ...(unitCost && { unitCost }) })
}

test('the first price that fits a model holds, exact to a millionth of a dollar', () => {
  const prices = [
    { model: 'gpt-?-mini', in: '0.15', out: '0.600001' },
    { model: 'gpt-*', in: '2', image: '0.04' },
    { model: 'whisper*', minute: '0.006' },
  ]
  expect(priceFor(prices, 'gpt-5-mini')).toEqual({ in: 150_000n, out: 600_001n })
  expect(priceFor(prices, 'gpt-5')).toEqual({ in: 2_000_000n, image: 40_000n })
  expect(priceFor(prices, 'whisper-1')).toEqual({ minute: 6_000n })
  expect(priceFor(prices, 'llama')).toBeUndefined()
})

test('a call costs what its provider asks, and nothing is known where nobody said a price', () => {
  const pricing = priced([candidate('a', { in: 150_000n, out: 600_000n }), candidate('b')])
  const outcome = (servedBy: string) => ({ servedBy, usage: usageOf(1_000, 500) })
  expect(pricing.known(chat, outcome('a'))).toBe(450n)
  expect([pricing.known(chat, outcome('b')), pricing.of(chat, outcome('b'))]).toEqual([undefined, 0n])
  expect(pricing.known(chat, outcome('gone'))).toBeUndefined()
  const other = { ...chat, body: { ...chat.body, model: 'elsewhere' } } as Call
  const route = { servedBy: 'a', model: 'm', isFallback: true, attempts: 2, waitedMs: 1 }
  expect(pricing.known(other, { ...outcome('a'), route: { ...route, dollars: { in: 150_000n } } })).toBe(150n)
  // Who was asked says what it costs: another of its name is another matter.
  expect(pricing.known(chat, { ...outcome('a'), route })).toBeUndefined()
})

test('pictures, sound heard and characters spoken are counted in their own units', () => {
  const pricing = priced([candidate('a', { image: 40_000n, minute: 6_000n, characters: 15_000_000n })])
  const of = (unit: 'images' | 'seconds' | 'characters', count: number) =>
    pricing.of(chat, { servedBy: 'a', usage: usageOf(0, 0), units: { unit, count } })
  expect([of('images', 3), of('seconds', 90), of('characters', 1_000)]).toEqual([120_000n, 9_000n, 15_000n])
})

test('set aside is the dearest of those that may answer, never less than it costs', () => {
  const pricing = priced([candidate('a', { in: 1n, out: 1n }), candidate('b', { in: 2_000_000n }), candidate('c')])
  expect(pricing.atMost(chat, { in: 1_000, out: 500 })).toBe(2_000n)
  expect(pricing.atMost(chat, { in: 1, out: 0 })).toBe(2n)
  expect(priced([candidate('c')]).atMost(chat, { in: 1_000, out: 1 })).toBe(0n)
  const image: Call = { task: 'image', body: { model: 'm', prompt: 'p', n: 4 } as never }
  expect(priced([candidate('a', { image: 40_000n })]).atMost(image, { in: 0, out: 0 })).toBe(160_000n)
})

test('payments to peers count as they are told to', () => {
  const outcome = { servedBy: 'peer', usage: usageOf(3, 0), cost: 7n }
  expect(priced([candidate('peer')], units => units * 2n).known(chat, outcome)).toBe(14n)
  expect(priced([candidate('peer')]).known(chat, outcome)).toBeUndefined()
})

test('rows of a node say what a call cost, also of a provider that is gone by its end', async () => {
  const a = await startService('answer', { models: ['m'], dripMs: 150 })
  const {
    node,
    write,
    ask,
    store: open,
  } = await startGateway({
    upstreams: [{ name: 'a', url: a.url, prices: [{ in: '1', out: '4' }] }],
  })
  const { store } = await open()
  const running = ask('m')
  await vi.waitFor(() => expect(a.asked).toHaveLength(1), { timeout: 5_000, interval: 10 })
  write({})
  await node.live.reload()
  expect(await running).toBe('answer')
  await vi.waitFor(
    async () => {
      const { rows } = await store.requests.list({}, { page: 1, limit: 10 })
      expect(rows).toMatchObject([{ provider: 'a', cost: 3_000n, tokensInput: 1_000, tokensOutput: 500 }])
    },
    { timeout: 5_000, interval: 50 },
  )
}, 15_000)

test('a budget in dollars ends what the prices say it cannot bear', async () => {
  const a = await startService('answer', { models: ['m'] })
  const { ask, store: open } = await startGateway({
    upstreams: [{ name: 'a', url: a.url, prices: [{ in: '1', out: '4' }] }],
  })
  const { store } = await open()
  const budget = { scope: 'node' as const, scopeId: '', window: 'total' as const, isHard: true }
  // A call comes to 3,000 millionths, and at most 4,001 are set aside for it.
  const { id } = await store.budgets.create({ ...budget, amount: 6_500n })
  // The node hears of the budget within a moment, and books what it took after a call.
  await vi.waitFor(
    async () => {
      await ask('m')
      expect(await store.budgets.get(id)).toMatchObject({ spent: 3_000n })
    },
    { timeout: 5_000, interval: 50 },
  )
  const calls = a.asked.length
  expect(await ask('m')).toBe('429 budget_exceeded')
  expect(a.asked).toHaveLength(calls)
})
