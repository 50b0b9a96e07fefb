import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { KeyWish } from '../../src/auth/index.ts'
import type { Admitted, Claim, Refused, Store } from '../../src/core/index.ts'
import { systemClock, systemRandom, windowAround } from '../../src/core/index.ts'
import { createMemoryShared, createRedisShared } from '../../src/store/index.ts'
import { describeWithRedis, startRedis } from '../redis.ts'
import { atTheEnd, heldClock, openTestStore, startNode } from './stage.ts'

type Node = Awaited<ReturnType<typeof startNode>>

async function keyed(node: Node, wish: Partial<KeyWish>) {
  const { key } = await node.keys.create({ name: 'app', ...wish })
  const principal = { kind: 'key' as const, id: key.id }
  const admit = (claim: Partial<Claim> = {}) =>
    node.limits.admit({ principal, models: ['m'], tokens: 0, cost: 0n, ...claim })
  return { key, principal, admit }
}

async function staged(wish: Partial<KeyWish>) {
  const clock = heldClock()
  const store = await openTestStore(clock)
  const node = await startNode({ store, clock })
  return { clock, store, node, ...(await keyed(node, wish)) }
}

const budgetOf = (store: Store, key: string, amount: bigint, more = {}) =>
  store.budgets.create({ scope: 'key', scopeId: key, amount, window: 'day', isHard: true, ...more })
const admitted = (decision: Admitted | Refused): Admitted => {
  expect(decision.ok).toBe(true)
  return decision as Admitted
}
const refused = (decision: Admitted | Refused): Refused => {
  expect(decision.ok).toBe(false)
  return decision as Refused
}

test('what was set aside is given back where counting fails', async () => {
  const clock = heldClock()
  const store = await openTestStore(clock)
  const whole = createMemoryShared({ clock })
  let isBroken = true
  const take: typeof whole.counters.take = windows =>
    isBroken ? Promise.reject(new Error('no counters')) : whole.counters.take(windows)
  const node = await startNode({ store, clock, shared: { ...whole, counters: { ...whole.counters, take } } })
  const { key, admit } = await keyed(node, { rpm: 10, parallel: 1 })
  await budgetOf(store, key.id, 10n)
  await node.revisions.changed()
  await expect(admit({ cost: 9n })).rejects.toThrow('no counters')
  isBroken = false
  admitted(await admit({ cost: 9n }))
})

describe('limits of a key', () => {
  test('a hundred requests a minute are a hundred, and the refusal says when to come again', async () => {
    const { admit, clock } = await staged({ rpm: 100 })
    const decisions = await Promise.all(Array.from({ length: 150 }, () => admit()))
    expect(decisions.filter(({ ok }) => ok)).toHaveLength(100)
    const { error, left } = refused(await admit())
    expect(error).toMatchObject({ code: 'rate_limited', httpStatus: 429 })
    expect(error.retryAfterSeconds).toBeGreaterThan(58)
    expect(error.retryAfterSeconds).toBeLessThanOrEqual(61)
    expect(left.requests).toMatchObject({ limit: 100, remaining: 0 })
    clock.move(error.retryAfterSeconds! * 1_000)
    expect((await admit()).ok).toBe(true)
  })

  test('tokens are set aside before a call and corrected after it', async () => {
    const { admit } = await staged({ tpm: 1_000 })
    const first = admitted(await admit({ tokens: 900 }))
    expect(first.left.tokens).toMatchObject({ limit: 1_000, remaining: 100 })
    expect((await admit({ tokens: 200 })).ok).toBe(false)
    first.settle({ tokens: 50, cost: 0n })
    first.settle({ tokens: 0, cost: 0n })
    expect(admitted(await admit({ tokens: 900 })).left.tokens).toMatchObject({ remaining: 50 })
  })

  test('a call that may be larger than the limit waits for an empty minute and is not locked out', async () => {
    const { admit, clock } = await staged({ tpm: 1_000 })
    admitted(await admit({ tokens: 10 })).settle({ tokens: 10, cost: 0n })
    expect((await admit({ tokens: 50_000 })).ok).toBe(false)
    clock.move(62_000)
    expect((await admit({ tokens: 50_000 })).ok).toBe(true)
  })

  test('so many run at once, until one has its answer', async () => {
    const { admit } = await staged({ parallel: 2 })
    const [first] = [admitted(await admit()), admitted(await admit())]
    expect(refused(await admit()).error).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 })
    first.finish()
    first.settle({ tokens: 0, cost: 0n })
    admitted(await admit())
    expect((await admit()).ok).toBe(false)
  })

  test('what one limit refuses is taken from none', async () => {
    const { admit, store, node, key, clock } = await staged({ rpm: 1, parallel: 5 })
    await budgetOf(store, key.id, 100n)
    node.revisions.changed()
    admitted(await admit({ cost: 10n }))
    for (let index = 0; index < 20; index++) expect((await admit({ cost: 50n })).ok).toBe(false)
    const [budget] = await node.book.of([{ scope: 'key', scopeId: key.id }], null)
    expect(budget?.reserved).toBe(10n)
    clock.move(62_000)
    admitted(await admit())
  })

  test('only its own models, also as fallbacks', async () => {
    const { admit, node, principal } = await staged({ models: ['m', 'n'] })
    admitted(await admit({ models: ['m', 'n'] }))
    expect(refused(await admit({ models: ['m', 'secret'] })).error).toMatchObject({ code: 'forbidden', param: 'model' })
    expect(await node.limits.allows(principal, 'n')).toBe(true)
    expect(await node.limits.allows(principal, 'secret')).toBe(false)
  })

  test('a key and the one in its place have one limit', async () => {
    const { admit, node, key } = await staged({ rpm: 10 })
    const next = await node.keys.rotate(key.id, 60_000)
    const asNext = { principal: { kind: 'key' as const, id: next.key.id } }
    const decisions = [...Array.from({ length: 8 }, () => admit()), ...Array.from({ length: 8 }, () => admit(asNext))]
    expect((await Promise.all(decisions)).filter(({ ok }) => ok)).toHaveLength(10)
  })

  test('a key that was revoked meanwhile is turned away', async () => {
    const { admit, node, key } = await staged({ rpm: 10 })
    await node.keys.revoke(key.id)
    await expect(admit()).rejects.toMatchObject({ code: 'unauthorized' })
  })

  test('a key without limits costs nothing to count', async () => {
    const { admit } = await staged({})
    expect(admitted(await admit())).toMatchObject({ isCounted: false, left: {} })
  })
})

describe('budgets', () => {
  test('calls at once go over a budget by no more than they took beyond what was set aside', async () => {
    const { admit, store, key, node } = await staged({})
    await budgetOf(store, key.id, 1_000n)
    node.revisions.changed()
    const decisions = await Promise.all(Array.from({ length: 50 }, () => admit({ cost: 100n })))
    const going = decisions.filter(decision => decision.ok)
    expect(going).toHaveLength(10)
    for (const decision of going) decision.settle({ tokens: 0, cost: 110n })
    expect(refused(await admit()).error).toMatchObject({ code: 'budget_exceeded', httpStatus: 429 })
    await node.book.stop()
    expect((await store.budgets.list({}, { page: 1, limit: 10 })).rows[0]).toMatchObject({ spent: 1_100n })
  })

  test('the budget of the project, the user and the node count as well, and the user pays his own price', async () => {
    const clock = heldClock()
    const store = await openTestStore(clock)
    const node = await startNode({ store, clock })
    const user = await store.users.create({ email: 'u@example.com', name: 'U', role: 'user', priceMultiplier: 1_500 })
    await store.users.update(user.id, { status: 'active' })
    const { admit } = await keyed(node, { project: 'shop', userId: user.id })
    for (const [scope, scopeId] of [
      ['project', 'shop'],
      ['user', user.id],
      ['node', ''],
    ] as const) {
      const budget = await store.budgets.create({ scope, scopeId, amount: 100n, window: 'total', isHard: true })
      node.revisions.changed()
      expect(refused(await admit({ cost: 67n })).error.message, scope).toContain('budget')
      admitted(await admit({ cost: 66n })).settle({ tokens: 0, cost: 40n })
      await node.book.stop()
      expect((await store.budgets.get(budget.id))?.spent, scope).toBe(60n)
      await store.budgets.remove(budget.id)
      await node.book.start(AbortSignal.timeout(1_000))
    }
  })

  test('a soft budget refuses nothing and counts', async () => {
    const { admit, store, key, node } = await staged({})
    const budget = await budgetOf(store, key.id, 10n, { isHard: false })
    node.revisions.changed()
    for (let index = 0; index < 3; index++) admitted(await admit({ cost: 20n })).settle({ tokens: 0, cost: 20n })
    await node.book.stop()
    expect((await store.budgets.get(budget.id))?.spent).toBe(60n)
  })

  for (const window of ['hour', 'day', 'week', 'month'] as const) {
    test(`one for the ${window} begins anew with the next ${window}`, async () => {
      const { admit, store, key, node, clock } = await staged({})
      await budgetOf(store, key.id, 10n, { window })
      node.revisions.changed()
      admitted(await admit({ cost: 10n })).settle({ tokens: 0, cost: 10n })
      await node.book.stop()
      const { error } = refused(await admit({ cost: 1n }))
      const end = windowAround(window, clock.now()).end!
      expect(clock.now() + error.retryAfterSeconds! * 1_000).toBe(end)
      clock.move(end - clock.now() - 1)
      expect((await admit({ cost: 1n })).ok).toBe(false)
      clock.move(1)
      admitted(await admit({ cost: 10n })).settle({ tokens: 0, cost: 3n })
      await node.book.stop()
      expect((await store.budgets.list({}, { page: 1, limit: 1 })).rows[0]).toMatchObject({ spent: 3n })
    })
  }

  test('what an admin changes counts at once', async () => {
    const { admit, store, key, node } = await staged({})
    const budget = await budgetOf(store, key.id, 10n)
    node.revisions.changed()
    expect((await admit({ cost: 20n })).ok).toBe(false)
    await store.budgets.update(budget.id, { amount: 30n })
    node.revisions.changed()
    expect((await admit({ cost: 20n })).ok).toBe(true)
  })

  test('what was spent while the store was away is booked when it is back, once', async () => {
    const clock = heldClock()
    const store = await openTestStore(clock)
    let isAway = false
    const spend: Store['budgets']['spend'] = (ids, amount) =>
      isAway ? Promise.reject(new Error('away')) : store.budgets.spend(ids, amount)
    const node = await startNode({ store: { ...store, budgets: { ...store.budgets, spend } }, clock })
    const { admit, key } = await keyed(node, {})
    const budget = await budgetOf(store, key.id, 100n)
    node.revisions.changed()
    isAway = true
    for (let index = 0; index < 5; index++) admitted(await admit({ cost: 20n })).settle({ tokens: 0, cost: 20n })
    expect((await admit({ cost: 1n })).ok).toBe(false)
    await expect(node.book.stop()).rejects.toThrow('away')
    isAway = false
    await node.book.stop()
    await node.book.stop()
    expect((await store.budgets.get(budget.id))?.spent).toBe(100n)
  })
})

describeWithRedis('limits of two nodes', () => {
  async function pair(wish: Partial<KeyWish>) {
    const redis = await startRedis()
    atTheEnd(redis.close)
    const store = await openTestStore()
    const join = async () => {
      const options = { url: redis.url, clock: systemClock, random: systemRandom, commandTimeoutMs: 2_000 }
      const shared = createRedisShared(options)
      await shared.start(AbortSignal.timeout(5_000))
      atTheEnd(() => shared.stop())
      return await startNode({ store, shared })
    }
    const nodes = [await join(), await join()] as const
    return { store, nodes, ...(await keyed(nodes[0], wish)) }
  }

  test('a hundred a minute are a hundred on both together', async () => {
    const { nodes, principal } = await pair({ rpm: 100 })
    const ask = (index: number) => nodes[index % 2]!.limits.admit({ principal, models: ['m'], tokens: 0, cost: 0n })
    const decisions = await Promise.all(Array.from({ length: 300 }, (_, index) => ask(index)))
    expect(decisions.filter(({ ok }) => ok)).toHaveLength(100)
    expect(refused(await ask(1)).left.requests).toMatchObject({ limit: 100, remaining: 0 })
  })

  test('what one node spends of a budget is gone for the other within a second', async () => {
    const { store, nodes, key, principal } = await pair({})
    await budgetOf(store, key.id, 100n)
    for (const node of nodes) node.revisions.changed()
    const claim = { principal, models: ['m'], tokens: 0, cost: 60n }
    const [here, there] = nodes
    admitted(await there.limits.admit(claim)).settle({ tokens: 0, cost: 0n })
    // Until nothing but the spending is left to be told.
    await sleep(500)
    admitted(await there.limits.admit(claim)).settle({ tokens: 0, cost: 0n })
    admitted(await here.limits.admit(claim)).settle({ tokens: 0, cost: 100n })
    await expect.poll(async () => (await there.limits.admit({ ...claim, cost: 0n })).ok, { timeout: 1_000 }).toBe(false)
  })
})
