import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createBudgetBook } from '../../src/auth/budget-book.ts'
import { ParleyError, systemClock } from '../../src/core/index.ts'

test('budgets that cannot be read fail the call that needs them, and nothing else', async () => {
  const away = () => Promise.reject(new ParleyError('store_unavailable', 'the database does not answer'))
  const reads: string[] = []
  const budgets = {
    list: async ({ scope = '' }: { readonly scope?: string }) => {
      reads.push(scope)
      // The first is waited for longest.
      await sleep(scope === 'node' ? 30 : 5)
      return await away()
    },
    ...{ get: away, spend: away },
  }
  const messages = { publish: () => undefined, subscribe: () => () => undefined }
  const book = createBudgetBook({ budgets, revisions: { current: () => 0 }, messages, clock: systemClock })
  const owners = [
    { scope: 'node', scopeId: '' },
    { scope: 'key', scopeId: 'k' },
  ] as const
  await expect(book.of(owners, 'b')).rejects.toMatchObject({ code: 'store_unavailable' })
  // A rejection that nobody takes would end a process; here it fails the run.
  await sleep(40)
  expect(reads).toEqual(['node', 'key'])
})

test('calls that come at once read a budget once, and who has none is not looked up again', async () => {
  let now = 0
  const clock = { ...systemClock, monotonic: () => now }
  let reads = 0
  const budgets = {
    list: async () => {
      reads++
      await sleep(5)
      return { rows: [], total: 0 }
    },
    ...{ get: async () => undefined, spend: async () => [] },
  }
  let revision = 0
  const messages = { publish: () => undefined, subscribe: () => () => undefined }
  const book = createBudgetBook({ budgets, revisions: { current: () => revision }, messages, clock })
  const ask = () => book.of([{ scope: 'key', scopeId: 'k' }], null)
  await Promise.all(Array.from({ length: 100 }, ask))
  now = 3_600_000
  await ask()
  expect(reads).toBe(1)
  const before = ask()
  revision++
  // What was asked before a change says nothing of what is there after it.
  await Promise.all([before, ask(), ask()])
  expect(reads).toBe(2)
})
