import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Shared, Take } from '../../../src/core/index.ts'
import { systemClock, systemRandom } from '../../../src/core/index.ts'
import { createMemoryShared, createRedisShared } from '../../../src/store/index.ts'
import { describeWithRedis, type Redis, startRedis } from '../../redis.ts'

const cache = { maxEntryBytes: 10_000, maxBytes: 100_000 }
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)
const requests = (key: string, more: Partial<Take> = {}): Take => ({
  key,
  cost: 1,
  limit: 100,
  windowMs: 60_000,
  ...more,
})

describe('in memory', () => promises(async () => createMemoryShared({ clock: systemClock, cache })))

describeWithRedis('in Redis', () => {
  let redis: Redis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.close())
  const options = { clock: systemClock, random: systemRandom, cache, commandTimeoutMs: 2_000 }
  const join = async (prefix = 'parley:', more = {}) => {
    const shared = createRedisShared({ ...options, url: redis.url, prefix, ...more })
    await shared.start(AbortSignal.timeout(5_000))
    expect(shared.reach()).toBe('joined')
    return shared
  }
  let made = 0
  promises(() => join(`test-${made++}:`))

  test('two nodes share one limit of a hundred a minute, to the call', async () => {
    const nodes = await Promise.all([join(), join()])
    const taken = await Promise.all(
      Array.from({ length: 300 }, (_, index) => nodes[index % 2]!.counters.take([requests('two')])),
    )
    expect(taken.filter(({ ok }) => ok)).toHaveLength(100)
    for (const node of nodes) expect((await node.counters.take([requests('two')])).ok).toBe(false)
    await Promise.all(nodes.map(node => node.stop()))
  })

  test('two nodes share what runs, and what a dead one held is free after a while', async () => {
    const [a, b] = await Promise.all([join('run:', { leaseMs: 300 }), join('run:', { leaseMs: 300 })])
    const held = await a.leases.acquire('key', 2)
    await b.leases.acquire('key', 2)
    expect(await a.leases.acquire('key', 2)).toBeUndefined()
    await sleep(700)
    expect(await a.leases.acquire('key', 2), 'held ones are renewed').toBeUndefined()
    await b.stop()
    await expect.poll(() => a.leases.acquire('key', 2), { timeout: 3_000 }).toBeDefined()
    held?.release()
    await a.stop()
  })

  test('one node hears the other, and itself once', async () => {
    const [a, b] = await Promise.all([join('talk:'), join('talk:')])
    const heard: string[] = []
    a.messages.subscribe('revoked', said => heard.push(`a ${said}`))
    const end = b.messages.subscribe('revoked', said => heard.push(`b ${said}`))
    a.messages.publish('revoked', 'key-1')
    await expect.poll(() => heard.toSorted()).toEqual(['a key-1', 'b key-1'])
    end()
    a.messages.publish('revoked', 'key-2')
    await sleep(50)
    expect(heard).toHaveLength(3)
    await Promise.all([a.stop(), b.stop()])
  })

  test('an entry that one node purges is gone for the other', async () => {
    const [a, b] = await Promise.all([join('purge:'), join('purge:')])
    await a.cache.set('one', bytes('1'), { ttlMs: 60_000, tags: ['key:a'] })
    await a.cache.set('two', bytes('2'), { ttlMs: 60_000, tags: ['key:b'] })
    expect(text(await b.cache.get('one'))).toBe('1')
    await b.cache.purge('key:a')
    expect(await a.cache.get('one')).toBeUndefined()
    expect(text(await a.cache.get('two'))).toBe('2')
    await a.cache.set('one', bytes('new'), { ttlMs: 60_000, tags: ['key:a'] })
    expect(text(await b.cache.get('one'))).toBe('new')
    await Promise.all([a.stop(), b.stop()])
  })
})

function promises(create: () => Promise<Shared>): void {
  let shared: Shared
  beforeAll(async () => {
    shared = await create()
  })
  afterAll(() => shared.stop())

  test('a window lets its limit through and not one more', async () => {
    const taken = await Promise.all(Array.from({ length: 150 }, () => shared.counters.take([requests('rpm')])))
    expect(taken.filter(({ ok }) => ok)).toHaveLength(100)
    const refused = await shared.counters.take([requests('rpm')])
    expect(refused.ok).toBe(false)
    expect(refused.windows[0]).toMatchObject({ limit: 100, remaining: 0 })
    expect(refused.retryMs).toBeGreaterThan(55_000)
    expect(refused.retryMs).toBeLessThanOrEqual(61_000)
    expect(refused.windows[0]!.resetMs).toBeLessThanOrEqual(62_000)
  })

  test('a window slides: no stretch of its length holds more than the limit', async () => {
    const windowMs = 600
    const at: number[] = []
    const until = systemClock.monotonic() + 1_800
    while (systemClock.monotonic() < until) {
      const { ok, at: when } = await shared.counters.take([requests('slide', { limit: 5, windowMs })])
      if (ok) at.push(when)
      await sleep(5)
    }
    const most = Math.max(...at.map(from => at.filter(time => time >= from && time < from + windowMs).length))
    expect(most).toBe(5)
    expect(at.length).toBeGreaterThanOrEqual(12)
  })

  test('several windows are taken from together or not at all', async () => {
    const both = [requests('pair-r'), requests('pair-t', { cost: 60, limit: 100 })]
    expect((await shared.counters.take(both)).ok).toBe(true)
    expect((await shared.counters.take(both)).ok).toBe(false)
    const [state] = (await shared.counters.take([requests('pair-r', { cost: 0 })])).windows
    expect(state?.remaining).toBe(99)
  })

  test('what was taken is corrected once it is known', async () => {
    const take = requests('settle', { cost: 80 })
    const { at } = await shared.counters.take([take])
    await shared.counters.settle(take, at, 10)
    const remaining = async () => (await shared.counters.take([requests('settle', { cost: 0 })])).windows[0]?.remaining
    expect(await remaining()).toBe(90)
    await shared.counters.settle({ ...take, cost: 10 }, at, 130)
    expect(await remaining()).toBe(0)
    await shared.counters.settle({ ...take, cost: 10 }, at - 120_000, 500)
    expect((await shared.counters.take([requests('settle')])).ok).toBe(false)
  })

  test('so many run at once and no more', async () => {
    const leases = await Promise.all(Array.from({ length: 5 }, () => shared.leases.acquire('busy', 3)))
    const held = leases.filter(lease => lease !== undefined)
    expect(held).toHaveLength(3)
    held[0]?.release()
    held[0]?.release()
    await expect.poll(() => shared.leases.acquire('busy', 3)).toBeDefined()
    expect(await shared.leases.acquire('busy', 3)).toBeUndefined()
  })

  test('an entry is kept for its time, unless it is too large', async () => {
    const binary = Uint8Array.from([0, 255, 128, 13, 10])
    expect(await shared.cache.set('bin', binary, { ttlMs: 60_000, tags: [] })).toBe(true)
    expect([...(await shared.cache.get('bin'))!]).toEqual([...binary])
    expect(await shared.cache.set('brief', bytes('x'), { ttlMs: 100, tags: [] })).toBe(true)
    expect(await shared.cache.set('large', new Uint8Array(10_001), { ttlMs: 60_000, tags: [] })).toBe(false)
    expect(await shared.cache.get('large')).toBeUndefined()
    await sleep(150)
    expect(await shared.cache.get('brief')).toBeUndefined()
  })

  test('a tag purges what has it', async () => {
    await shared.cache.set('p1', bytes('1'), { ttlMs: 60_000, tags: ['a', 'b'] })
    await shared.cache.set('p2', bytes('2'), { ttlMs: 60_000, tags: ['b'] })
    await shared.cache.purge('a')
    expect(await shared.cache.get('p1')).toBeUndefined()
    expect(text(await shared.cache.get('p2'))).toBe('2')
  })

  test('a cooldown ends by itself', async () => {
    await shared.cooldowns.set('slow', 60_000)
    await shared.cooldowns.set('short', 60)
    const [slow, other] = await shared.cooldowns.left(['slow', 'nobody'])
    expect(slow).toBeGreaterThan(58_000)
    expect(other).toBe(0)
    await sleep(90)
    expect(await shared.cooldowns.left(['short'])).toEqual([0])
  })

  test('a listener that cannot read something hears what comes after', async () => {
    const heard: unknown[] = []
    shared.messages.subscribe('odd', said => {
      if (said === 'odd') throw new TypeError('what is that')
      heard.push(said)
    })
    shared.messages.publish('odd', 'odd')
    shared.messages.publish('odd', 'even')
    await expect.poll(() => heard).toEqual([undefined, 'even'])
  })
}
