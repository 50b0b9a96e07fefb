import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Backend, Call, Context, Limits, SharedCache, Taking } from '../../src/core/index.ts'
import { ParleyError, systemClock, systemRandom } from '../../src/core/index.ts'
import {
  type CachedOptions,
  cached,
  cachePool,
  cacheTags,
  createAdmission,
  limited,
  preset,
} from '../../src/gateway/index.ts'
import { createMemoryShared, createRedisShared } from '../../src/store/index.ts'
import { chat, compliance, contextOf, drain, textOf, until } from '../compliance.ts'
import { saidWhole, stream } from '../faulty-upstream.ts'
import { describeWithRedis, startRedis } from '../redis.ts'
import { createScripted } from '../scripted.ts'
import { openCacheStage } from './cache-stage.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const principal = { kind: 'key', id: 'one' } as const

/** The filter over the scripted truth, and how the last calls were answered. */
function kept(options: Partial<CachedOptions> = {}) {
  const truth = createScripted()
  const { cache } = createMemoryShared({ clock: systemClock })
  const uses: string[] = []
  const filter = cached({
    ...{ cache, clock: systemClock, random: systemRandom, ttlMs: 60_000, poolOf: () => 'pool' },
    ...options,
  })
  const backend = filter(truth)
  const ask = (call: Call, extra: Partial<Context> = {}) =>
    drain(backend.run(call, contextOf({ principal, onCache: use => uses.push(use), ...extra })))
  return { truth, cache: options.cache ?? cache, filter, backend, uses, ask }
}

compliance('calls whose answers are kept', async truth => ({ backend: kept().filter(truth) }))

describe('a cache that is away', () => {
  const failing: [what: string, cache: SharedCache][] = [
    [
      'throws',
      {
        get: async () => Promise.reject(new ParleyError('internal', 'away')),
        set: async () => Promise.reject(new ParleyError('internal', 'away')),
        purge: async () => {},
      },
    ],
    [
      'holds noise',
      { get: async () => Buffer.from('pac1 but nothing else'), set: async () => true, purge: async () => {} },
    ],
    ['forgets', { get: async () => undefined, set: async () => false, purge: async () => {} }],
  ]
  test.each(failing)('one that %s fails no call', async (_what, cache) => {
    const { ask, uses } = kept({ cache })
    for (let i = 0; i < 3; i++) expect(textOf((await ask(chat('say-2'))).chunks)).toBe('w0 w1 ')
    expect(uses).toEqual(['miss', 'miss', 'miss'])
  })

  test('one that is slow to keep delays nobody who has an answer, and who asks next only a moment', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const { ask, uses } = kept({ cache: { get: async () => undefined, set: () => promise, purge: async () => {} } })
    const startedAt = performance.now()
    await ask(chat('say-1'))
    await ask(chat('say-1'))
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(uses).toEqual(['miss', 'miss'])
    resolve(true)
  })

  test('a caller whose pool cannot be told has no cache', async () => {
    const { ask, uses } = kept({ poolOf: () => Promise.reject(new ParleyError('internal', 'the store is away')) })
    await ask(chat('say-1'))
    expect(uses).toEqual(['off'])
  })
})

describeWithRedis('Redis', () => {
  const open = async () => {
    const redis = await startRedis()
    closing.push(redis.close)
    const shared = createRedisShared({ url: redis.url, clock: systemClock, random: systemRandom })
    await shared.start(AbortSignal.timeout(5_000))
    closing.push(shared.stop)
    const stage = await openCacheStage(shared)
    closing.push(stage.stop)
    return { redis, shared, stage }
  }

  test.each(['stop', 'pause'] as const)(
    '%s: every call is answered, soon without a wait, and the cache comes back',
    async away => {
      const { redis, shared, stage } = await open()
      await stage.chat({ seed: 1 })
      expect((await stage.chat({ seed: 1 })).cache).toBe('HIT')
      await redis[away]()
      for (let seed = 100; seed < 110; seed++) expect((await stage.chat({ seed })).status).toBe(200)
      await expect.poll(() => shared.reach(), { timeout: 5_000 }).toBe('cut_off')
      const took: number[] = []
      for (let seed = 200; seed < 250; seed++) {
        const startedAt = performance.now()
        expect((await stage.chat({ seed })).status).toBe(200)
        took.push(performance.now() - startedAt)
      }
      expect(took.toSorted((a, b) => a - b)[25]).toBeLessThan(100)
      await (away === 'stop' ? redis.start() : redis.resume())
      await expect.poll(() => shared.reach(), { timeout: 15_000 }).toBe('joined')
      await stage.chat({ seed: 300 })
      await expect.poll(async () => (await stage.chat({ seed: 300 })).cache, { timeout: 5_000 }).toBe('HIT')
    },
    30_000,
  )

  test('an entry that somebody overwrote is none, and another call’s neither', async () => {
    const { redis, stage } = await open()
    const { createClient } = await import('redis')
    const client = createClient({ url: redis.url })
    await client.connect()
    closing.push(async () => client.destroy())
    await stage.chat({ seed: 1 })
    await stage.chat({ seed: 2 })
    const keys = await client.keys('parley:cache:*')
    expect(keys).toHaveLength(2)
    expect(keys.join()).not.toContain('hi')
    await client.copy(keys[0]!, keys[1]!, { REPLACE: true })
    const uses = [(await stage.chat({ seed: 1 })).cache, (await stage.chat({ seed: 2 })).cache]
    expect(uses.toSorted()).toEqual(['HIT', 'MISS'])
    for (const noise of ['', 'noise', '\u0000'.repeat(1_000)]) {
      for (const key of await client.keys('parley:cache:*')) await client.hSet(key, 'value', noise)
      const { cache, json } = await stage.chat({ seed: 1 })
      expect(cache).toBe('MISS')
      expect(json).toMatchObject({ choices: [{ message: { content: saidWhole } }] })
    }
    for (const key of await client.keys('parley:cache:*')) await client.set(key, 'of another type')
    expect((await stage.chat({ seed: 1 })).status).toBe(200)
  })

  test('two nodes share answers; a purge by one holds for both', async () => {
    const { redis, shared, stage } = await open()
    const other = createRedisShared({ url: redis.url, clock: systemClock, random: systemRandom })
    await other.start(AbortSignal.timeout(5_000))
    closing.push(other.stop)
    const second = await openCacheStage(other)
    closing.push(second.stop)
    await stage.chat()
    await expect.poll(async () => (await second.chat()).cache).toBe('HIT')
    await shared.cache.purge(cacheTags.caller(principal))
    expect((await second.chat()).cache).toBe('MISS')
  })
})

describe('memory', () => {
  test('answers that are gathered at one time stay within their bytes; those beyond are told and not kept', async () => {
    const { ask, uses } = kept({ maxGatheredBytes: 100_000, maxEntryBytes: 80_000 })
    const models = ['flood-10', 'flood-11', 'flood-12', 'flood-13']
    const all = await Promise.all(models.map(model => ask(chat(model))))
    for (const [i, { chunks }] of all.entries()) expect(textOf(chunks)).toHaveLength((10 + i) * 4_096)
    for (const model of models) {
      await ask(chat(model))
      // What waits to be kept counts too.
      await turn()
    }
    expect(uses.slice(4)).toContain('hit')
    expect(uses.slice(4)).toContain('miss')
    const before = uses.length
    for (const model of models) await ask(chat(model))
    expect(uses.slice(before)).toEqual(['hit', 'hit', 'hit', 'hit'])
  })

  test('no entry is larger than it may be, its head included', async () => {
    const sizes: number[] = []
    const set = async (_key: string, { length }: Uint8Array) => sizes.push(length) > 0
    const cache = { get: async () => undefined, set, purge: async () => {} }
    for (const maxEntryBytes of [1_200, 1_400, 1_600, 1_800]) {
      await kept({ cache, maxEntryBytes }).ask(chat('say-5'))
      await sleep(5)
      for (const size of sizes.splice(0)) expect(size).toBeLessThanOrEqual(maxEntryBytes)
    }
    const { ask } = kept({ cache })
    await ask(chat('say-5'))
    expect(await until(() => sizes.length === 1)).toBe(true)
    expect(sizes[0]).toBeGreaterThan(1_200)
    expect(sizes[0]).toBeLessThan(1_800)
  })

  test('entries stay within theirs, the one unused for longest goes first', async () => {
    const { cache } = createMemoryShared({ clock: systemClock, cache: { maxBytes: 300_000 } })
    const { ask, uses } = kept({ cache })
    const asked = (seed: number) => chat('flood-20', { seed })
    for (let seed = 0; seed < 10; seed++) await ask(asked(seed))
    await ask(asked(9))
    await ask(asked(0))
    expect(uses.slice(10)).toEqual(['hit', 'miss'])
  })
})

describe('what is asked once', () => {
  test('a call that comes while the answer is being booked waits for it', async () => {
    const { truth, filter, uses } = kept()
    let booked = 0
    const slowToBook: Backend = {
      ...truth,
      run: async function* (call, context) {
        const { chunks, outcome } = await drain(truth.run(call, context))
        chunks.at(-1)!.meta.isLast = true
        yield* chunks
        await sleep(30)
        booked++
        return outcome
      },
    }
    const backend = filter(slowToBook)
    const context = () => contextOf({ principal, onCache: use => uses.push(use) })
    const first = backend.run(chat('say-2'), context())
    let step = await first.next()
    while (step.done !== true && step.value.meta.isLast !== true) step = await first.next()
    const end = drain(first)
    expect(booked).toBe(0)
    await drain(backend.run(chat('say-2'), context()))
    await end
    expect(uses).toEqual(['miss', 'hit'])
    expect(truth.script.opened).toBe(1)
  })

  test('what is asked anew while the answer before it is being kept takes its place', async () => {
    let kepts = 0
    const set = async () => {
      await sleep(20)
      kepts++
      return true
    }
    const { ask } = kept({ cache: { get: async () => undefined, set, purge: async () => {} } })
    await ask(chat('say-1'))
    await ask(chat('say-1'), { cacheControl: { isNoStore: false, maxAgeMs: 0 } })
    expect(await until(() => kepts === 2)).toBe(true)
  })

  test('a caller that leaves a whole answer before it was booked keeps nobody waiting for ever', async () => {
    const { truth, backend, ask, uses } = kept()
    const reply = backend.run(chat('slow-20'), contextOf({ principal }))
    await reply.next()
    await reply.return(undefined as never)
    expect(await until(() => truth.script.open === 0)).toBe(true)
    await ask(chat('slow-20'))
    await ask(chat('slow-20'))
    expect(uses).toEqual(['miss', 'hit'])
  })

  test('a hit that is read slowly, left or aborted ends as any answer does', async () => {
    const { backend, ask } = kept()
    await ask(chat('flood-40'))
    const gone = new AbortController()
    const reply = backend.run(chat('flood-40'), contextOf({ principal, signal: gone.signal }))
    await reply.next()
    gone.abort(new ParleyError('cancelled', 'left'))
    await expect(drain(reply)).rejects.toMatchObject({ code: 'cancelled' })
    const left = backend.run(chat('flood-40'), contextOf({ principal }))
    await left.next()
    await left.return(undefined as never)
    expect(textOf((await ask(chat('flood-40'))).chunks)).toHaveLength(40 * 4_096)
  })
})

describe('what decides beside the request', () => {
  test('another meaning of a model’s name is another question', async () => {
    let targets = ['a']
    const { ask, uses } = kept({ groundOf: ({ body }) => [body.model, targets] })
    await ask(chat('say-1'))
    await ask(chat('say-1'))
    targets = ['b']
    await ask(chat('say-1'))
    targets = ['a']
    await ask(chat('say-1'))
    expect(uses).toEqual(['miss', 'hit', 'miss', 'hit'])
  })

  test('what may differ the next time is kept only where that is wanted', async () => {
    const { ask, uses } = kept({ nonDeterministic: false })
    await ask(chat('say-1'))
    await ask(chat('say-1', { temperature: 0.1 }))
    for (let i = 0; i < 2; i++) {
      await ask(chat('say-1', { temperature: 0 }))
      await ask(chat('say-1', { seed: 1 }))
      await ask({ task: 'embedding', body: { model: 'vec-1', input: 'x' } })
    }
    expect(uses).toEqual(['off', 'off', 'miss', 'miss', 'miss', 'hit', 'hit', 'hit'])
  })

  test('peers have no cache, and callers without a key one of their own', () => {
    expect(cachePool({ kind: 'peer', id: 'p' }, undefined, 'shared')).toBeUndefined()
    expect(cachePool({ kind: 'self', id: 'anonymous' }, undefined, 'own')).toBe('own:self:anonymous')
    expect(cachePool(principal, { project: 'p', cache: 'default' }, 'off')).toBeUndefined()
    expect(cachePool(principal, { project: 'p', cache: 'own' }, 'off')).toBe('own:key:one')
  })
})

test('a caller says how old an answer may be', async () => {
  let now = 1_000
  const clock = { now: () => now, monotonic: () => now }
  const { ask, uses } = kept({ clock })
  const asked = (maxAgeMs: number) => ask(chat('say-1'), { cacheControl: { isNoStore: false, maxAgeMs } })
  await asked(5_000)
  now += 5_000
  await asked(5_000)
  await asked(4_999)
  await asked(1)
  expect(uses).toEqual(['miss', 'hit', 'miss', 'hit'])
})

describe('with other filters', () => {
  test('a hit is booked as a request that took nothing', async () => {
    const takings: Taking[] = []
    const limits: Limits = {
      allows: async () => true,
      admit: async () => ({
        ...{ ok: true, left: {}, isCounted: true, finish: () => {} },
        settle: taking => void takings.push(taking),
      }),
    }
    const pricing = { atMost: () => 9n, of: () => 7n }
    const { truth, filter } = kept()
    const backend = limited({ limits, pricing })(filter(truth))
    for (let i = 0; i < 2; i++) await drain(backend.run(chat('say-2'), contextOf({ principal })))
    expect(takings).toEqual([
      { tokens: 5, cost: 7n },
      { tokens: 0, cost: 0n },
    ])
  })

  test('another preset is another question; names of models stay hidden in what is told again', async () => {
    const { truth, filter } = kept()
    let system = 'a'
    const backend = preset(() => ({ system, own: 'wins', aliases: { fast: 'say-2' } }))(filter(truth))
    const ask = () => drain(backend.run(chat('fast'), contextOf({ principal, takesRuns: true })))
    for (const text of ['a', 'a', 'b']) {
      system = text
      const { chunks } = await ask()
      expect(textOf(chunks)).toBe('w0 w1 ')
      expect(JSON.stringify(chunks.map(chunk => chunk.json()))).not.toContain('say-2')
    }
    expect(truth.script.opened).toBe(2)
  })

  test('a node that is full still gives what it has', async () => {
    const { truth, filter, uses } = kept()
    const { admit } = createAdmission({ maxRunning: 1, maxRunningPerPrincipal: 1 })
    const backend = filter(admit(truth))
    const context = () => contextOf({ principal, onCache: use => uses.push(use) })
    await drain(backend.run(chat('say-1'), context()))
    const long = backend.run(chat('slow-1000'), context())
    await long.next()
    await drain(backend.run(chat('say-1'), context()))
    await expect(drain(backend.run(chat('say-2'), context()))).rejects.toMatchObject({ code: 'overloaded' })
    expect(uses).toEqual(['miss', 'miss', 'hit', 'miss'])
    await long.return(undefined as never)
  })
})

test('a hit takes less than a millisecond', async () => {
  const { ask, uses } = kept()
  const call = chat('say-200')
  const took: number[] = []
  for (let i = 0; i < 200; i++) {
    const startedAt = performance.now()
    await ask(call, { takesRuns: true })
    took.push(performance.now() - startedAt)
  }
  expect(uses.filter(use => use === 'hit')).toHaveLength(199)
  expect(took.toSorted((a, b) => a - b)[100]).toBeLessThan(1)
})

test('the first of a long answer is there at once', async () => {
  const shared = createMemoryShared({ clock: systemClock })
  const stage = await openCacheStage(shared)
  closing.push(stage.stop)
  stage.a.always(stream({ dripMs: 20, words: Array.from({ length: 20 }, () => 'x'.repeat(100)) }))
  const timed = async () => {
    const startedAt = performance.now()
    const { cache } = await stage.chat({ stream: true })
    return { cache, ms: performance.now() - startedAt }
  }
  const [miss, hit] = [await timed(), await timed()]
  expect([miss.cache, hit.cache]).toEqual(['MISS', 'HIT'])
  expect(hit.ms).toBeLessThan(miss.ms / 4)
})
