import { afterAll } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { createRedisShared } from '../../src/store/index.ts'
import { describeWithRedis, startRedis } from '../redis.ts'
import { cacheCases } from './cache-cases.ts'

describeWithRedis('answers kept in Redis', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
  })
  cacheCases(async () => {
    const redis = await startRedis()
    closing.push(redis.close)
    // Long enough for busy cores.
    const bounds = { commandTimeoutMs: 1_000 }
    const shared = createRedisShared({ url: redis.url, clock: systemClock, random: systemRandom, ...bounds })
    await shared.start(AbortSignal.timeout(5_000))
    closing.push(shared.stop)
    return shared
  })
})
