import { describe, expect, test } from 'vitest'
import type { Route } from '../../src/core/index.ts'
import { systemRandom } from '../../src/core/index.ts'
import { chat, contextOf, drain, textOf } from '../compliance.ts'
import { createScripted } from '../scripted.ts'
import { candidate, failing, routed } from './routed.ts'

const say = chat('say-1')
const asPeer = { principal: { kind: 'peer', id: 'p' } } as const

describe('a sole target', () => {
  test('that fails twice is asked a third time, after growing breaks', async () => {
    const flaky = failing('a', 'backend_failed', { times: 2 })
    const { backend, time } = routed([candidate(flaky)])
    const { chunks } = await drain(backend.run(say, contextOf()))
    expect(textOf(chunks)).toBe('w0 ')
    expect(flaky.script.opened).toBe(3)
    expect(time.waits).toEqual([400, 800])
  })

  test('waits by chance a little longer, so that not all come back together', async () => {
    const { backend, time } = routed([candidate(failing('a', 'stream_cut'))], {
      random: { ...systemRandom, fraction: () => 0.999 },
    })
    await expect(drain(backend.run(say, contextOf()))).rejects.toMatchObject({ code: 'stream_cut' })
    expect(time.waits.map(Math.round)).toEqual([500, 1_000, 2_000])
  })

  test('is asked as often as all attempts allow, and no more', async () => {
    const dead = failing('a', 'peer_unreachable')
    const { backend, log } = routed([candidate(dead)], { maxAttempts: 3 })
    await expect(drain(backend.run(say, contextOf()))).rejects.toMatchObject({ code: 'peer_unreachable' })
    expect(dead.script.opened).toBe(3)
    expect(log.recent()).toMatchObject([1, 2, 3].map(attempt => ({ type: 'call.attempted', backend: 'a', attempt })))
  })

  test('that cools down is still asked', async () => {
    const { backend, ranking } = routed([candidate(createScripted('a'))])
    ranking.failed('a')
    expect((await drain(backend.run(say, contextOf()))).outcome.servedBy).toBe('a')
  })

  test('is given the break it asks for', async () => {
    const limited = failing('a', 'rate_limited', { times: 1, retryAfterSeconds: 3 })
    const { backend, time } = routed([candidate(limited)])
    await drain(backend.run(say, contextOf()))
    expect(time.waits).toEqual([3_000])
  })

  test('that asks for a long break is not waited for', async () => {
    const limited = failing('a', 'rate_limited', { retryAfterSeconds: 11 })
    const { backend, time } = routed([candidate(limited)])
    await expect(drain(backend.run(say, contextOf()))).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 11,
    })
    expect([limited.script.opened, time.waits]).toEqual([1, []])
  })

  test('is not waited for beyond the time of the call', async () => {
    const limited = failing('a', 'rate_limited', { retryAfterSeconds: 9 })
    const timeouts = { firstChunkMs: 1_000, idleMs: 1_000, totalMs: 8_000 }
    const { backend, time } = routed([candidate(limited)], { timeouts })
    await expect(drain(backend.run(say, contextOf()))).rejects.toMatchObject({ code: 'rate_limited' })
    expect(time.waits).toEqual([])
  })

  test('that was silent for its whole time is not asked again', async () => {
    const mute = createScripted('a')
    const { backend } = routed([candidate(mute)], { timeouts: { firstChunkMs: 50, idleMs: 50, totalMs: 5_000 } })
    await expect(drain(backend.run(chat('mute-1'), contextOf()))).rejects.toMatchObject({ code: 'timeout' })
    expect([mute.script.opened, mute.script.open]).toEqual([1, 0])
  })

  test('that took long to fail is not asked again', async () => {
    const dead = failing('a', 'backend_failed')
    const { backend, time } = routed([
      candidate({
        ...dead,
        run: (call, context) => {
          time.pass(10_001)
          return dead.run(call, context)
        },
      }),
    ])
    await expect(drain(backend.run(say, contextOf()))).rejects.toMatchObject({ code: 'backend_failed' })
    expect(dead.script.opened).toBe(1)
  })

  test('is asked once for a peer: the node next to the app does the asking again', async () => {
    const dead = failing('a', 'backend_failed')
    const { backend } = routed([candidate(dead)])
    await expect(drain(backend.run(say, contextOf(asPeer)))).rejects.toMatchObject({ code: 'backend_failed' })
    expect(dead.script.opened).toBe(1)
  })

  test.each(['invalid_request', 'too_large', 'backend_refused', 'model_not_found', 'context_length_exceeded'] as const)(
    'is asked once when another time would not help: %s',
    async code => {
      const refusing = failing('a', code)
      const { backend } = routed([candidate(refusing)])
      await expect(drain(backend.run(say, contextOf()))).rejects.toMatchObject({ code })
      expect(refusing.script.opened).toBe(1)
    },
  )
})

describe('several targets', () => {
  test('each is asked once before one is asked again', async () => {
    const [a, b] = [failing('a', 'backend_failed'), failing('b', 'backend_failed', { times: 1 })]
    const { backend, time, log } = routed([candidate(a), candidate(b)], { policy: 'priority' })
    expect((await drain(backend.run(say, contextOf()))).outcome.servedBy).toBe('b')
    const asked = log.recent().flatMap(event => (event.type === 'call.attempted' ? [event.backend] : []))
    expect(asked).toEqual(['a', 'b', 'a'])
    expect(time.waits).toEqual([400])
  })

  test('the same one first, when that is configured', async () => {
    const [a, b] = [failing('a', 'backend_failed', { times: 2 }), createScripted('b')]
    const { backend } = routed([candidate(a), candidate(b)], { policy: 'priority', sameTargetRetries: 2 })
    expect((await drain(backend.run(say, contextOf()))).outcome.servedBy).toBe('a')
    const impatient = routed([candidate(failing('c', 'backend_failed', { times: 2 })), candidate(b)], {
      policy: 'priority',
      sameTargetRetries: 1,
    })
    expect((await drain(impatient.backend.run(say, contextOf()))).outcome.servedBy).toBe('b')
  })

  test('one that is told to wait makes room for the next at once', async () => {
    const { backend, time, ranking } = routed(
      [candidate(failing('a', 'rate_limited', { retryAfterSeconds: 5 })), candidate(createScripted('b'))],
      { policy: 'priority' },
    )
    expect((await drain(backend.run(say, contextOf()))).outcome.servedBy).toBe('b')
    expect(time.waits).toEqual([])
    expect(ranking.snapshot()[0]).toMatchObject({ name: 'a', state: 'open', coolsDownForMs: 5_000 })
  })

  test('one whose key is refused is dead for this request, and cools down', async () => {
    const [a, b] = [failing('a', 'backend_refused'), failing('b', 'backend_failed', { times: 2 })]
    const { backend, ranking } = routed([candidate(a), candidate(b)], { policy: 'priority' })
    expect((await drain(backend.run(say, contextOf()))).outcome.servedBy).toBe('b')
    expect(a.script.opened).toBe(1)
    expect(ranking.snapshot()[0]).toMatchObject({ name: 'a', state: 'open', lastErrorCode: 'backend_refused' })
  })

  test('a group of higher priority is asked when the lower failed', async () => {
    const [a, b] = [failing('a', 'backend_failed'), failing('b', 'backend_failed')]
    const backup = createScripted('backup')
    const all = [candidate(backup, { priority: 2 }), candidate(a), candidate(b)]
    const { backend } = routed(all, { policy: 'weighted' })
    const { outcome } = await drain(backend.run(say, contextOf()))
    expect(outcome.route).toMatchObject({ servedBy: 'backup', attempts: 3 })
  })

  test('what failed in different ways is told with its codes and the shortest wait', async () => {
    const limited = failing('a', 'rate_limited', { retryAfterSeconds: 30 })
    const full = failing('b', 'overloaded', { retryAfterSeconds: 20 })
    const { backend } = routed([candidate(limited), candidate(full)], { policy: 'priority' })
    await expect(drain(backend.run(say, contextOf()))).rejects.toMatchObject({
      code: 'no_provider',
      message: '2 attempts failed (rate_limited, overloaded); the last said: b fails',
      retryAfterSeconds: 20,
    })
  })
})

describe('a call in its break', () => {
  test('ends at once when the caller leaves', async () => {
    const gone = new AbortController()
    const dead = failing('a', 'backend_failed')
    const { backend } = routed([candidate(dead)], { wait: undefined as never })
    const answer = drain(backend.run(say, contextOf({ signal: gone.signal })))
    const startedAt = performance.now()
    setTimeout(() => gone.abort(), 30)
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    expect(performance.now() - startedAt).toBeLessThan(350)
    expect(dead.script.opened).toBe(1)
  })
})

describe('the route', () => {
  test('is told after each failure and before the first chunk, with what was waited', async () => {
    const routes: Route[] = []
    const flaky = failing('a', 'backend_failed', { times: 1 })
    const { backend } = routed([candidate(flaky, { priceOut: 5n })])
    const reply = backend.run(say, contextOf({ onRoute: route => routes.push(route) }))
    await reply.next()
    expect(routes).toEqual([
      { servedBy: 'a', model: 'say-1', isFallback: false, attempts: 1, waitedMs: 0, priceOut: 5n },
      { servedBy: 'a', model: 'say-1', isFallback: false, attempts: 2, waitedMs: 400, priceOut: 5n },
    ])
    expect((await drain(reply)).outcome.route).toEqual(routes[1])
  })

  test('an alias is what the backend is asked for, and nobody else sees it', async () => {
    const truth = createScripted('a')
    const { backend } = routed([candidate(truth, { alias: 'say-3' })])
    const { chunks, outcome } = await drain(backend.run(chat('house-model'), contextOf()))
    expect(textOf(chunks)).toBe('w0 w1 w2 ')
    expect(truth.script.lastBody).toMatchObject({ model: 'say-3' })
    expect(outcome.route).toMatchObject({ model: 'house-model', isFallback: false })
  })
})

describe('running calls', () => {
  test('are counted until they end, however they end', async () => {
    const { backend, ranking } = routed([candidate(createScripted('a'))])
    const reply = backend.run(chat('slow-100'), contextOf())
    await reply.next()
    expect(ranking.snapshot()).toMatchObject([{ name: 'a', running: 1 }])
    await reply.return(undefined as never)
    await expect(drain(backend.run(chat('break-2'), contextOf()))).rejects.toMatchObject({ code: 'overloaded' })
    await drain(backend.run(say, contextOf()))
    expect(ranking.snapshot()).toMatchObject([{ name: 'a', running: 0, successes: 1, failures: 1 }])
  })
})
