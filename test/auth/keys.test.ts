import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { KeyRing } from '../../src/auth/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { createRedisShared } from '../../src/store/index.ts'
import { describeWithRedis, startRedis } from '../redis.ts'
import { atTheEnd, heldClock, openTestStore, startNode } from './stage.ts'

describe('API keys', () => {
  test('a thousand calls with one key look it up once', async () => {
    const node = await startNode({ store: await openTestStore() })
    const { key, secret } = await node.keys.create({ name: 'app', project: 'shop' })
    for (let index = 0; index < 1_000; index++) {
      expect((await node.ring.verify(secret))?.key).toMatchObject({
        id: key.id,
        project: 'shop',
        tail: secret.slice(-4),
      })
    }
    expect(node.asked.keys).toBeLessThanOrEqual(2)
  })

  test('calls that come at once with one key look it up once', async () => {
    const node = await startNode({ store: await openTestStore() })
    const { secret } = await node.keys.create({ name: 'app' })
    const holders = await Promise.all(Array.from({ length: 200 }, () => node.ring.verify(secret)))
    expect(holders.every(holder => holder !== undefined)).toBe(true)
    expect(node.asked.keys).toBe(1)
  })

  test('what is no key is turned away, and a guesser does not reach the store for each guess', async () => {
    const node = await startNode({ store: await openTestStore() })
    const { secret } = await node.keys.create({ name: 'app' })
    for (const wrong of [
      '',
      'x',
      `${secret}x`,
      secret.slice(0, -1),
      secret.toUpperCase(),
      'sk-parley-'.padEnd(600, 'a'),
    ]) {
      expect(await node.ring.verify(wrong), wrong).toBeUndefined()
    }
    const before = node.asked.keys
    for (let index = 0; index < 100; index++) await node.ring.verify('sk-parley-guess')
    expect(node.asked.keys - before).toBeLessThanOrEqual(3)
  })

  test('the secret is nowhere in the store', async () => {
    const store = await openTestStore()
    const node = await startNode({ store })
    const { secret } = await node.keys.create({ name: 'app' })
    await node.ring.verify(secret)
    const files = [store.path, `${store.path}-wal`].map(file => readFileSync(file).toString('latin1')).join('')
    expect(files).toContain(hash('sha256', secret, 'hex'))
    expect(files).not.toContain(secret)
    expect(files).not.toContain(secret.slice('sk-parley-'.length))
    expect(secret).toMatch(/^sk-parley-[\w-]{43}$/)
  })

  test('a key that is revoked here is worth nothing at once', async () => {
    const node = await startNode({ store: await openTestStore() })
    const { key, secret } = await node.keys.create({ name: 'app' })
    expect(await node.ring.verify(secret)).toBeDefined()
    await node.keys.revoke(key.id)
    expect(await node.ring.verify(secret)).toBeUndefined()
    expect(await node.ring.holderOf({ kind: 'key', id: key.id })).toBeUndefined()
  })

  test('one that another process revokes, of which no message tells, is worth nothing within a second', async () => {
    const store = await openTestStore()
    const [here, there] = [await startNode({ store }), await startNode({ store })]
    const { key, secret } = await here.keys.create({ name: 'app' })
    expect(await there.ring.verify(secret)).toBeDefined()
    await here.keys.revoke(key.id)
    const startedAt = performance.now()
    await expect.poll(() => there.ring.verify(secret), { interval: 20 }).toBeUndefined()
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  test('a key made by another process works within a second, also where it was tried before', async () => {
    const store = await openTestStore()
    const [here, there] = [await startNode({ store }), await startNode({ store })]
    const { secret } = await here.keys.create({ name: 'app' })
    await expect.poll(() => there.ring.verify(secret), { interval: 20, timeout: 1_000 }).toBeDefined()
  })

  test('a key expires', async () => {
    const clock = heldClock()
    const node = await startNode({ store: await openTestStore(clock), clock })
    const { secret } = await node.keys.create({ name: 'app', expiresAt: clock.now() + 1_000 })
    expect(await node.ring.verify(secret)).toBeDefined()
    clock.move(1_000)
    expect(await node.ring.verify(secret)).toBeUndefined()
  })

  test('a rotated key has the same rights under a new secret, and the old one works for a while', async () => {
    const clock = heldClock()
    const store = await openTestStore(clock)
    const node = await startNode({ store, clock })
    const old = await node.keys.create({ name: 'app', project: 'shop', models: ['m'], rpm: 5 })
    const budget = await store.budgets.create({
      scope: 'key',
      scopeId: old.key.id,
      amount: 5n,
      window: 'day',
      isHard: true,
    })
    const next = await node.keys.rotate(old.key.id, 60_000)
    expect(next.secret).not.toBe(old.secret)
    expect(next.key).toMatchObject({ name: 'app', project: 'shop', models: ['m'], rpm: 5, budgetId: budget.id })
    expect((await node.ring.verify(old.secret))?.key.replacedBy).toBe(next.key.id)
    expect((await node.ring.verify(next.secret))?.key.id).toBe(next.key.id)
    await expect(node.keys.rotate(old.key.id, 0)).rejects.toMatchObject({ code: 'conflict' })
    clock.move(60_000)
    expect(await node.ring.verify(old.secret)).toBeUndefined()
    expect(await node.ring.verify(next.secret)).toBeDefined()
  })

  test('the keys of a user who is disabled are worth nothing', async () => {
    const store = await openTestStore()
    const node = await startNode({ store })
    const user = await store.users.create({ email: 'a@example.com', name: 'A', role: 'user', passwordHash: 'x' })
    await store.users.update(user.id, { status: 'active' })
    const { secret } = await node.keys.create({ name: 'app', userId: user.id })
    expect((await node.ring.verify(secret))?.user?.id).toBe(user.id)
    await store.users.update(user.id, { status: 'disabled' })
    node.revisions.changed()
    expect(await node.ring.verify(secret)).toBeUndefined()
  })

  test('while the store is away, those who were let in before are let in', async () => {
    const clock = heldClock()
    const store = await openTestStore(clock)
    let isAway = false
    const find = (digest: string) => (isAway ? Promise.reject(new Error('away')) : store.keys.find(digest))
    const node = await startNode({ store: { ...store, keys: { ...store.keys, find } }, clock })
    const { secret } = await node.keys.create({ name: 'app' })
    expect(await node.ring.verify(secret)).toBeDefined()
    isAway = true
    node.revisions.changed()
    expect(await node.ring.verify(secret)).toBeDefined()
    await expect(Promise.resolve(node.ring.verify('sk-parley-new'))).rejects.toThrow()
    clock.move(2 * 3_600_000)
    await expect(Promise.resolve(node.ring.verify(secret))).rejects.toThrow()
  })

  test('when a key was last used is kept', async () => {
    const store = await openTestStore()
    const node = await startNode({ store })
    const { key, secret } = await node.keys.create({ name: 'app' })
    await node.ring.verify(secret)
    await node.ring.stop()
    expect((await store.keys.get(key.id))?.lastUsedAt).toBeGreaterThan(systemClock.now() - 10_000)
  })

  test('among 100,000 keys each is found in under 2 ms, the first time and after', async () => {
    const store = await openTestStore()
    const node = await startNode({ store })
    const { key } = await node.keys.create({ name: 'pattern' })
    const secrets = Array.from({ length: 100_000 }, (_, index) => `sk-parley-${index}`)
    copyKey(store.path, key.id, secrets)
    const looked = secrets.filter((_, index) => index % 50 === 0)
    for (const _ of ['first', 'again']) expect(await p99Ms(node.ring, looked)).toBeLessThan(2)
  }, 60_000)
})

/** As many keys like one. */
function copyKey(path: string, id: string, secrets: readonly string[]): void {
  const database = new DatabaseSync(path)
  const row = database.prepare('select * from keys where id = ?').get(id)!
  const columns = Object.keys(row)
  const insert = database.prepare(`insert into keys (${columns.join()}) values (${columns.map(() => '?').join()})`)
  database.exec('begin')
  for (const secret of secrets) {
    const copy = { ...row, id: crypto.randomUUID(), hash: hash('sha256', secret, 'hex') }
    insert.run(...columns.map(column => copy[column as keyof typeof copy]!))
  }
  database.exec('commit')
  database.close()
}

/** Time of this process: what else the machine does meanwhile is not the question. */
async function p99Ms(ring: KeyRing, secrets: readonly string[]): Promise<number> {
  const times: number[] = []
  for (const secret of secrets) {
    const before = process.cpuUsage()
    expect(await ring.verify(secret)).toBeDefined()
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1_000)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]!
}

describeWithRedis('API keys of two nodes', () => {
  test('a key that one revokes is worth nothing on the other within a second', async () => {
    const redis = await startRedis()
    atTheEnd(redis.close)
    const store = await openTestStore()
    const join = async () => {
      const shared = createRedisShared({ url: redis.url, clock: systemClock, random: systemRandom })
      await shared.start(AbortSignal.timeout(5_000))
      atTheEnd(() => shared.stop())
      // Only the message can tell: the store seems unchanged.
      return await startNode({ store: { ...store, revision: async () => 1 }, shared })
    }
    const [here, there] = [await join(), await join()]
    const { key, secret } = await here.keys.create({ name: 'app' })
    expect(await there.ring.verify(secret)).toBeDefined()
    await sleep(20)
    await here.keys.revoke(key.id)
    await expect.poll(() => there.ring.verify(secret), { interval: 10, timeout: 1_000 }).toBeUndefined()
  })
})
