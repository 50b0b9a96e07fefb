import { expect, test } from 'vitest'
import { budgetWindows } from '../../../src/core/index.ts'
import { noon } from './calls.ts'
import { onBoth } from './stage.ts'

onBoth('budgets', stage => {
  test('many who spend at once, in two stores, lose nothing', async () => {
    const place = await stage.place()
    const [one, two] = [await stage.open(place), await stage.open(place)]
    const draft = { scope: 'project', amount: 10n ** 15n, isHard: true, window: 'day' } as const
    const a = await one.budgets.create({ ...draft, scopeId: 'a' })
    const b = await one.budgets.create({ ...draft, scopeId: 'b' })
    const spends = Array.from({ length: 200 }, (_, at) => {
      const [store, order] = [at % 2 === 0 ? one : two, at % 3 === 0 ? [a.id, b.id] : [b.id, a.id]]
      return store.budgets.spend([...order, 'gone'], BigInt(at))
    })
    const states = await Promise.all(spends)
    expect(states.every(rows => rows.length === 2)).toBe(true)
    const total = (199n * 200n) / 2n
    expect((await two.budgets.get(a.id))?.spent).toBe(total)
    expect((await one.budgets.list({ scopeId: 'b' }, { page: 1, limit: 5 })).rows[0]?.spent).toBe(total)
  })

  test('what is given back never goes below nothing, and amounts are exact beyond what a number holds', async () => {
    const { budgets } = await stage.open()
    const big = 2n ** 62n
    const { id } = await budgets.create({ scope: 'node', scopeId: '', amount: big, window: 'total', isHard: false })
    expect((await budgets.spend([id], big - 1n))[0]).toMatchObject({ amount: big, spent: big - 1n })
    expect((await budgets.spend([id], -7n))[0]?.spent).toBe(big - 8n)
    expect((await budgets.spend([id], -big))[0]?.spent).toBe(0n)
    expect(await budgets.update(id, { amount: 3n, isHard: true })).toMatchObject({ amount: 3n, isHard: true })
    await budgets.remove(id)
    await expect(budgets.remove(id)).rejects.toThrow(expect.objectContaining({ code: 'not_found' }))
    expect(await budgets.spend([id], 1n)).toEqual([])
  })

  test('a window begins anew at its boundary, for who looks and for who spends', async () => {
    const { budgets } = await stage.open()
    const ends = {
      hour: Date.UTC(2026, 2, 14, 13),
      day: Date.UTC(2026, 2, 15),
      week: Date.UTC(2026, 2, 16),
      month: Date.UTC(2026, 3, 1),
      total: Date.UTC(2126, 0, 1),
    }
    for (const window of budgetWindows) {
      stage.clock.time = noon
      const { id } = await budgets.create({ scope: 'key', scopeId: window, amount: 100n, window, isHard: true })
      await budgets.spend([id], 40n)
      stage.clock.time = ends[window] - 1
      expect((await budgets.spend([id], 2n))[0]?.spent).toBe(42n)
      stage.clock.time = ends[window]
      const isOver = window !== 'total'
      expect((await budgets.get(id))?.spent).toBe(isOver ? 0n : 42n)
      expect((await budgets.spend([id], 1n))[0]).toMatchObject({
        spent: isOver ? 1n : 43n,
        windowStart: isOver ? ends[window] : 0,
      })
      stage.clock.time = noon
      expect((await budgets.spend([id], 1n))[0]?.spent).toBe(isOver ? 2n : 44n)
    }
  })
})
