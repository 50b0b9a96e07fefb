import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { Shared } from '../../../src/core/index.ts'
import { systemClock, systemRandom } from '../../../src/core/index.ts'
import { createRedisShared } from '../../../src/store/index.ts'
import { describeWithRedis, type Redis, startRedis } from '../../redis.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The way from one node to Redis, which can be cut while others have theirs. */
async function wayTo(redis: Redis) {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer(near => {
    if (isCut) return void near.destroy()
    const far = connect(redis.port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          near.destroy()
          far.destroy()
        })
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  closing.push(async () => {
    cut()
    server.close()
  })
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, cut, mend: () => void (isCut = false) }
}

const take = { key: 'key', cost: 1, limit: 100, windowMs: 60_000 }

async function stage() {
  const redis = await startRedis()
  closing.push(redis.close)
  return { redis, ...(await node(redis)) }
}

async function node(redis: { readonly url: string }) {
  const told: string[] = []
  const shared = createRedisShared({
    url: redis.url,
    clock: systemClock,
    random: systemRandom,
    onReach: reach => told.push(reach),
  })
  await shared.start(AbortSignal.timeout(5_000))
  closing.push(shared.stop)
  return { shared, told }
}

const ask = async (shared: Shared) => {
  const startedAt = systemClock.monotonic()
  const { ok } = await shared.counters.take([take])
  const lease = await shared.leases.acquire('key', 1_000)
  lease?.release()
  await shared.cache.get('entry')
  return { ok, ms: systemClock.monotonic() - startedAt }
}

const joined = (shared: Shared) => expect.poll(() => shared.reach(), { timeout: 15_000 }).toBe('joined')

describeWithRedis('a Redis that is away', () => {
  for (const [how, away, back] of [
    ['stopped', 'stop', 'start'],
    ['paused', 'pause', 'resume'],
  ] as const) {
    test(`${how}: calls go on at once, it is told once, and it is found again`, async () => {
      const { redis, shared, told } = await stage()
      expect((await ask(shared)).ok).toBe(true)
      await redis[away]()
      const first = await Promise.all(Array.from({ length: 20 }, () => ask(shared)))
      expect(first.every(({ ok }) => ok)).toBe(true)
      expect(Math.max(...first.map(({ ms }) => ms))).toBeLessThan(1_000)
      await expect.poll(() => shared.reach(), { timeout: 3_000 }).toBe('cut_off')
      const later: number[] = []
      for (let index = 0; index < 50; index++) later.push((await ask(shared)).ms)
      expect(later.toSorted((a, b) => a - b)[48]).toBeLessThan(50)
      expect(told).toEqual(['joined', 'cut_off'])
      await redis[back]()
      await joined(shared)
      expect((await ask(shared)).ok).toBe(true)
      expect(told).toEqual(['joined', 'cut_off', 'joined'])
    })
  }

  test('a limit that was used up stays so when Redis goes away', async () => {
    const { redis, shared } = await stage()
    for (let index = 0; index < 100; index++) expect((await shared.counters.take([take])).ok).toBe(true)
    await redis.stop()
    await expect.poll(() => shared.reach()).toBe('cut_off')
    expect((await shared.counters.take([take])).ok).toBe(false)
  })

  test('a node that asks nothing finds out too, and listeners learn that they missed something', async () => {
    const { redis, shared } = await stage()
    const heard: unknown[] = []
    shared.messages.subscribe('revoked', said => heard.push(said))
    redis.pause()
    await expect.poll(() => shared.reach(), { timeout: 5_000 }).toBe('cut_off')
    redis.resume()
    await joined(shared)
    expect(heard).toContain(undefined)
  })

  test('what was purged meanwhile is purged when it is back, and the others are told to look again', async () => {
    const { redis, shared } = await stage()
    const other = await node(redis)
    await shared.cache.set('entry', Uint8Array.of(1), { ttlMs: 60_000, tags: ['key:a'] })
    redis.pause()
    await expect.poll(() => [shared.reach(), other.shared.reach()], { timeout: 5_000 }).toEqual(['cut_off', 'cut_off'])
    await shared.cache.purge('key:a')
    shared.messages.publish('revoked', 'key-1')
    const heard: unknown[] = []
    other.shared.messages.subscribe('revoked', said => heard.push(said))
    redis.resume()
    await joined(shared)
    await joined(other.shared)
    await expect.poll(() => other.shared.cache.get('entry')).toBeUndefined()
    expect(heard).toContain(undefined)
  })

  test('what one node said while it alone was cut off is not lost on the others: they look again', async () => {
    const { redis, shared: other } = await stage()
    const way = await wayTo(redis)
    const { shared } = await node(way)
    const heard: unknown[] = []
    other.messages.subscribe('revoked', said => heard.push(said))
    way.cut()
    await expect.poll(() => shared.reach()).toBe('cut_off')
    shared.messages.publish('revoked', 'key-1')
    way.mend()
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual([undefined])
    expect(other.reach()).toBe('joined')
  })

  test('a wrong password is told once, with its reason, and an address that is none is refused', async () => {
    const redis = await startRedis(['--requirepass', 'right-one'])
    closing.push(redis.close)
    const told: string[] = []
    const options = { clock: systemClock, random: systemRandom }
    const onReach = (reach: string, cause: unknown) => told.push(`${reach} ${cause}`)
    const wrong = createRedisShared({ ...options, url: redis.url.replace('//', '//:wrong-one@'), onReach })
    closing.push(() => wrong.stop())
    await wrong.start(AbortSignal.timeout(5_000))
    await sleep(600)
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/^cut_off .*WRONGPASS/)
    expect(told[0]).not.toContain('wrong-one')
    const right = createRedisShared({ ...options, url: redis.url.replace('//', '//:right-one@') })
    closing.push(() => right.stop())
    await right.start(AbortSignal.timeout(5_000))
    expect(right.reach()).toBe('joined')
    expect(() => createRedisShared({ ...options, url: 'localhost:6379' })).toThrow(/redis:\/\//)
  })

  test('one that is not there when the node starts keeps it from nothing', async () => {
    const redis = await startRedis()
    closing.push(redis.close)
    await redis.stop()
    const { shared, told } = await node(redis)
    expect((await ask(shared)).ok).toBe(true)
    await redis.start()
    await joined(shared)
    await sleep(20)
    expect(told).toEqual(['cut_off', 'joined'])
  })
})
