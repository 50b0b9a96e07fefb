import { expect, test } from 'vitest'
import { ParleyError, systemClock } from '../../../src/core/index.ts'
import { createCached } from '../../../src/node/treasury/cached.ts'

const soon = () => AbortSignal.timeout(5_000)

function counting(fail = () => false) {
  let now = 0
  let reads = 0
  const clock = { ...systemClock, monotonic: () => now }
  const cached = createCached(
    async () => {
      const mine = ++reads
      await Promise.resolve()
      if (fail()) throw new ParleyError('chain_unavailable', 'no answer')
      return mine
    },
    { clock, lifeMs: 100, boundMs: 1_000 },
  )
  return { cached, reads: () => reads, pass: (ms: number) => void (now += ms) }
}

test('however many ask, it is read once in its life', async () => {
  const { cached, reads, pass } = counting()
  expect(await Promise.all([cached.now(soon()), cached.now(soon()), cached.now(soon())])).toEqual([1, 1, 1])
  expect(await cached.now(soon())).toBe(1)
  pass(101)
  expect(await cached.now(soon())).toBe(2)
  expect(reads()).toBe(2)
})

test('what was read last is there at once, and read anew behind it', async () => {
  const { cached, reads, pass } = counting()
  expect(cached.last()).toBeUndefined()
  expect(await cached.now(soon())).toBe(1)
  pass(101)
  expect(cached.last()).toBe(1)
  expect(cached.last()).toBe(1)
  await Promise.resolve()
  expect(await cached.now(soon())).toBe(2)
  expect(reads()).toBe(2)
})

test('what fails is not asked for again before its time, and what was known stays known', async () => {
  let fails = false
  const { cached, reads, pass } = counting(() => fails)
  await cached.now(soon())
  fails = true
  pass(101)
  await expect(cached.now(soon())).rejects.toMatchObject({ code: 'chain_unavailable' })
  await expect(cached.now(soon())).rejects.toMatchObject({ code: 'chain_unavailable' })
  expect([reads(), cached.last(), cached.failure()?.code]).toEqual([2, 1, 'chain_unavailable'])
  fails = false
  pass(101)
  expect(await cached.now(soon())).toBe(3)
  expect(cached.failure()).toBeUndefined()
})

test('a reading that was on its way when things changed does not count', async () => {
  const { cached } = counting()
  const before = cached.now(soon())
  cached.forget()
  expect(await cached.now(soon())).toBe(2)
  expect(await before).toBe(1)
  expect(await cached.now(soon())).toBe(2)
})
