import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { createRedisShared } from '../../src/store/index.ts'
import { type FaultyUpstream, startFaultyUpstream } from '../faulty-upstream.ts'
import { type Redis, startRedis } from '../redis.ts'
import {
  ask,
  type ClusterNode,
  describeWith,
  linesOf,
  openRows,
  type Rows,
  startClusterNode,
  startLine,
  statusOf,
  waitUntil,
} from './stage.ts'

const addedMaxMs = 50
const calls = 150

describeWith(['redis'], 'a Redis that goes away', () => {
  let redis: Redis
  let upstream: FaultyUpstream
  let node: ClusterNode
  let rows: Rows
  let key: string

  beforeAll(async () => {
    ;[redis, upstream] = await Promise.all([startRedis(), startFaultyUpstream(['m'])])
    node = await startClusterNode({
      env: {
        PARLEY_UPSTREAMS: JSON.stringify([{ name: 'upstream', url: upstream.url }]),
        PARLEY_REDIS_URL: redis.url,
        PARLEY_CACHE_SCOPE: 'own',
      },
    })
    rows = await openRows({ path: `${node.home}/data/gateway.db` })
    // Everything that asks Redis on the way of a call.
    key = (await rows.makeKey({ name: 'app', rpm: 1_000_000, tpm: 1_000_000_000, parallel: 100 })).secret
  })
  afterAll(async () => {
    await rows?.close()
    await node?.remove()
    await Promise.all([redis?.close(), upstream?.stop()])
  })

  let asked = 0
  /** The 99th percentile of calls one after another, each of which is answered. */
  const p99 = async () => {
    const times: number[] = []
    for (let call = 0; call < calls; call++) {
      const at = performance.now()
      expect(await statusOf(ask(node.origin, key, { prompt: `question ${asked++}` }))).toBe(200)
      times.push(performance.now() - at)
    }
    return times.sort((a, b) => a - b)[Math.floor(calls * 0.99)]!
  }
  const failures = () => linesOf(node.log(), 'service.failed', 'redis').length
  const recoveries = () => linesOf(node.log(), 'service.recovered', 'redis').length

  test.each([
    ['is stopped', () => redis.stop(), () => redis.start()],
    ['says nothing any more', async () => redis.pause(), async () => redis.resume()],
  ])(
    'one that %s delays no call, is told of once, and is used again by itself',
    { timeout: 60_000 },
    async (_, leave, comeBack) => {
      const [failed, recovered] = [failures(), recoveries()]
      const before = await p99()
      await leave()
      const during = ask(node.origin, key, { prompt: 'at once' })
      expect(await statusOf(during)).toBe(200)
      await waitUntil('it is missed', () => failures() > failed)
      let added = (await p99()) - before
      // On a busy machine one call of a hundred is late for other reasons.
      for (let again = 0; added > addedMaxMs && again < 2; again++) added = (await p99()) - before
      expect(added).toBeLessThanOrEqual(addedMaxMs)
      await comeBack()
      await waitUntil('it is there again', () => recoveries() > recovered)
      expect(await statusOf(ask(node.origin, key))).toBe(200)
      expect([failures() - failed, recoveries() - recovered]).toEqual([1, 1])
    },
  )

  test('a start and a stop with it say nothing of it', async () => {
    const other = await startClusterNode({ env: { PARLEY_REDIS_URL: redis.url } })
    expect(await other.stop()).toBe(0)
    expect(other.log()).toContain('node.stopped')
    expect(linesOf(other.log(), 'service.', 'redis')).toEqual([])
    await other.remove()
  })

  test('what is kept in it is used again, and what was asked meanwhile is asked once', async () => {
    const before = upstream.hits.length
    for (let call = 0; call < 3; call++) await statusOf(ask(node.origin, key, { prompt: 'again and again' }))
    expect(upstream.hits.length - before).toBe(1)
  })

  test('a limit that is used up elsewhere holds for a node that is too busy to hear so at once', async () => {
    const line = await startLine(redis.url, 5)
    const shared = () => createRedisShared({ url: line.url, clock: systemClock, random: systemRandom, prefix: 'busy:' })
    const [one, two] = [shared(), shared()]
    await Promise.all([one.start(AbortSignal.timeout(5_000)), two.start(AbortSignal.timeout(5_000))])
    const take = { key: 'calls', cost: 1, limit: 1, windowMs: 60_000 }
    expect((await one.counters.take([take])).ok).toBe(true)
    const takes = Array.from({ length: 10 }, () => two.counters.take([take]))
    for (const until = performance.now() + 120; performance.now() < until; );
    expect((await Promise.all(takes)).filter(({ ok }) => ok)).toEqual([])
    expect(two.reach()).toBe('joined')
    await Promise.all([one.stop(), two.stop()])
    await line.close()
  })
})
