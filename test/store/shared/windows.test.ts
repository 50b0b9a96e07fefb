import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWindows, sliceMs } from '../../../src/store/shared/windows.ts'

const step = fc.record({ waitMs: fc.integer({ min: 0, max: 9_000 }), cost: fc.integer({ min: 0, max: 30 }) })

test('whatever is asked and when: no stretch holds more than the limit, and nothing that fits is refused for long', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 150 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 10, max: 60_000 }),
      async (steps, limit, windowMs) => {
        let now = 1_700_000_000_000
        const windows = createWindows({ now: () => now, monotonic: () => now })
        const taken: { at: number; cost: number }[] = []
        const since = (from: number) => taken.filter(({ at }) => at > from).reduce((sum, { cost }) => sum + cost, 0)
        for (const { waitMs, cost } of steps) {
          now += waitMs
          const { ok, retryMs, windows: states } = await windows.take([{ key: 'k', cost, limit, windowMs }])
          if (ok) taken.push({ at: now, cost })
          expect(since(now - windowMs)).toBeLessThanOrEqual(limit)
          expect(ok).toBe(retryMs === 0)
          if (ok) continue
          // Slices are rounded up: a window may last that much longer than it was asked for.
          const longest = 62 * sliceMs(windowMs)
          expect(since(now - longest) + cost).toBeGreaterThan(limit)
          expect(retryMs).toBeLessThanOrEqual(longest)
          expect(states[0]?.remaining).toBeLessThan(cost)
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('one may come again when it was said, and not before', async () => {
  let now = 1_700_000_000_123
  const windows = createWindows({ now: () => now, monotonic: () => now })
  const take = { key: 'k', cost: 1, limit: 3, windowMs: 60_000 }
  for (let index = 0; index < 3; index++) {
    await windows.take([take])
    now += 7_000
  }
  const { retryMs } = await windows.take([take])
  now += retryMs - 1
  expect((await windows.take([take])).ok).toBe(false)
  now += 1
  expect((await windows.take([take])).ok).toBe(true)
})
