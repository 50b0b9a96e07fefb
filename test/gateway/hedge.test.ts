import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import type { EventLog, LoggedEvent, Route } from '../../src/core/index.ts'
import { createEventLog, systemClock } from '../../src/core/index.ts'
import {
  type Candidate,
  createHedging,
  createRanking,
  explain,
  type Hedging,
  type Ranking,
  type RouterOptions,
  record,
  router,
} from '../../src/gateway/index.ts'
import { chat, contextOf, drain, textOf, until } from '../compliance.ts'
import {
  type Answer,
  type Asked,
  cut,
  type FaultyUpstream,
  hang,
  refuse,
  saidWhole,
  startFaultyUpstream,
  stream,
} from '../faulty-upstream.ts'
import { serveLocally } from '../local-server.ts'
import { calm } from './routed.ts'

const names = ['a', 'b'] as const
let services: FaultyUpstream[]
let upstreams: UpstreamBackend[]
let a: FaultyUpstream
let b: FaultyUpstream

beforeAll(async () => {
  services = await Promise.all(names.map(() => startFaultyUpstream(['m'])))
  upstreams = services.map(({ url }, i) =>
    createUpstream({ name: names[i]!, url, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 64 }),
  )
  ;[a, b] = services as [FaultyUpstream, FaultyUpstream]
})
beforeEach(() => {
  for (const service of services) service.reset()
})
afterAll(() => Promise.all([...upstreams.map(own => own.close()), ...services.map(service => service.stop())]))

/** Answers after a while. */
function late(ms: number, answer: Answer = stream()): Answer {
  return async (asked: Asked) => {
    await sleep(ms, undefined, { signal: asked.gone })
    await answer(asked)
  }
}

/** First words of a come within this time. */
const usualMs = 30

interface Stage {
  readonly log: EventLog
  readonly ranking: Ranking
  readonly hedging: Hedging
  readonly options: RouterOptions
  readonly ask: (
    context?: Parameters<typeof contextOf>[0],
    fields?: Record<string, unknown>,
  ) => ReturnType<typeof drain>
  readonly events: <T extends LoggedEvent['type']>(type: T) => Extract<LoggedEvent, { type: T }>[]
}

/** A router that asks `a`, then `b`, and knows how fast `a` usually is; whoever calls first may have a second target. */
function stage(facts: Partial<Candidate>[] = [], more: Partial<RouterOptions> & { maxPercent?: number } = {}): Stage {
  const { maxPercent = 100, ...rest } = more
  const log = createEventLog(systemClock.now)
  const ranking = createRanking(systemClock, calm)
  for (let i = 0; i < 20; i++) ranking.spoke('a', usualMs)
  const hedging = createHedging({ ranking, clock: systemClock, log, maxPercent })
  const candidates = upstreams.map((backend, i) => ({ name: names[i]!, kind: 'api' as const, backend, ...facts[i] }))
  const options: RouterOptions = {
    candidates: { serving: () => candidates, models: async () => [] },
    ...{ ranking, hedging, log, clock: systemClock, policy: 'priority', maxAttempts: 2, random: calm },
    timeouts: { firstChunkMs: 5_000, idleMs: 5_000, totalMs: 10_000 },
    ...rest,
  }
  const backend = record(log, systemClock)(router(options))
  const events: Stage['events'] = type => log.recent().filter(event => event.type === type) as never
  return {
    ...{ log, ranking, hedging, options, events },
    ask: (context, fields) => drain(backend.run(chat('m', fields), contextOf(context))),
  }
}

test('who is stopped counts in dollars as well', async () => {
  const dollars = { in: 3_000_000n, out: 5_000_000n }
  const { ask } = stage([{ dollars }, { dollars: { in: 1n, out: 1n } }])
  a.always(hang('first'))
  const { outcome } = await ask()
  // One token of prompt, by its length.
  expect(outcome).toMatchObject({ servedBy: 'b', elsewhere: { tokensIn: 0, tokensOut: 0, dollars: 3n } })
  expect(outcome.route?.dollars).toEqual({ in: 1n, out: 1n })
})

describe('a target that is late', () => {
  test('is overtaken by another, which answers; its connection is closed at once', async () => {
    const { ask, events, ranking } = stage()
    a.always(hang('first'))
    b.always(stream({ dripMs: 60 }))
    const routes: Route[] = []
    let spokeAt = 0
    const { chunks, outcome } = await ask({
      onRoute: route => {
        spokeAt = performance.now()
        routes.push(route)
      },
    })
    expect(performance.now() - spokeAt).toBeGreaterThan(300)
    expect(textOf(chunks)).toBe(saidWhole)
    expect(outcome).toMatchObject({ servedBy: 'b', route: { servedBy: 'b', attempts: 2, overtook: 'a' } })
    expect(routes).toMatchObject([{ servedBy: 'b', attempts: 2, overtook: 'a' }])
    expect(await until(() => a.hits[0]?.leftAt !== undefined)).toBe(true)
    expect(a.hits[0]!.leftAt! - spokeAt).toBeLessThan(200)
    expect(events('call.hedged')[0]?.afterMs).toBeGreaterThanOrEqual(usualMs - 1)
    expect(events('call.hedged')).toMatchObject([
      { first: 'a', second: 'b', servedBy: 'b', stopped: { backend: 'a', tokensIn: expect.any(Number), cost: 0n } },
    ])
    expect(events('call.ended')).toMatchObject([{ servedBy: 'b', attempts: 2, overtook: 'a', tokensIn: 7 }])
    expect(events('call.attempted')).toEqual([])
    const [slow, quick] = ranking.snapshot()
    expect(slow).toMatchObject({ name: 'a', state: 'closed', failures: 0, successes: 0, running: 0 })
    expect(quick).toMatchObject({ name: 'b', successes: 1, running: 0 })
  })

  test('is named to the app in a header', async () => {
    const { options } = stage()
    const server = await serveLocally(router(options))
    const post = () =>
      fetch(`${server.url}/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk-parley-test', 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] }),
      })
    try {
      expect((await post()).headers.get('x-parley-overtook')).toBeNull()
      a.always(late(2_000))
      const { headers } = await post()
      expect(headers.get('x-parley-provider')).toBe('b')
      expect(headers.get('x-parley-overtook')).toBe('a')
      expect(headers.get('x-parley-attempts')).toBe('2')
    } finally {
      await server.stop()
    }
  })

  test('answers all the same when it speaks first, and the other is stopped', async () => {
    const { ask, events, ranking } = stage()
    a.always(late(4 * usualMs))
    b.always(hang('headers'))
    const { chunks, outcome } = await ask()
    expect(textOf(chunks)).toBe(saidWhole)
    expect(outcome.route).toMatchObject({ servedBy: 'a', attempts: 2 })
    expect(outcome.route).not.toHaveProperty('overtook')
    expect(await until(() => b.hits[0]?.leftAt !== undefined)).toBe(true)
    expect(events('call.hedged')).toMatchObject([{ servedBy: 'a', stopped: { backend: 'b' } }])
    expect(ranking.snapshot()).toMatchObject([
      { name: 'a', successes: 1, running: 0 },
      { name: 'b', failures: 0, running: 0 },
    ])
  })

  test('that fails while the other is asked is told as failed, and the other answers', async () => {
    const { ask, events } = stage()
    a.always(late(2 * usualMs, refuse(503)))
    b.always(late(4 * usualMs))
    expect((await ask()).outcome).toMatchObject({ servedBy: 'b', route: { overtook: 'a' } })
    expect(events('call.attempted')).toMatchObject([{ backend: 'a', attempt: 1, code: 'overloaded' }])
    expect(events('call.hedged')).toMatchObject([{ servedBy: 'b', stopped: undefined }])
  })

  test('answers when the other has failed', async () => {
    const { ask, events, ranking } = stage()
    a.always(late(4 * usualMs))
    b.always(refuse(400))
    expect((await ask()).outcome.servedBy).toBe('a')
    expect(events('call.attempted')).toMatchObject([{ backend: 'b', attempt: 2 }])
    expect(ranking.snapshot()[0]).toMatchObject({ name: 'a', successes: 1 })
  })

  test('whose failure nobody can mend ends the call, and the other is stopped', async () => {
    const { ask } = stage()
    a.always(late(2 * usualMs, refuse(422)))
    b.always(hang('headers'))
    const startedAt = performance.now()
    await expect(ask()).rejects.toMatchObject({ code: 'invalid_request' })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(await until(() => b.hits[0]?.leftAt !== undefined)).toBe(true)
  })

  test('when both fail, the first one’s failure is the call’s', async () => {
    const { ask, events } = stage()
    a.always(late(2 * usualMs, refuse(503)))
    b.always(refuse(503))
    await expect(ask()).rejects.toMatchObject({ code: 'overloaded', message: expect.stringMatching(/^a /) })
    expect(events('call.attempted').map(({ backend, attempt }) => [backend, attempt])).toEqual([
      ['b', 2],
      ['a', 1],
    ])
    expect(events('call.hedged')).toMatchObject([{ servedBy: undefined, stopped: undefined }])
    expect([a.hits.length, b.hits.length]).toEqual([1, 1])
  })

  test('may still say the rest when the one that overtook it breaks off', async () => {
    const { ask, events } = stage([], { maxAttempts: 3 })
    a.next(hang('first'), stream({ words: [' and', ' the', ' rest.'] }))
    b.always(cut('rst'))
    const { chunks, outcome } = await ask({ wishes: { continues: true } })
    expect(textOf(chunks)).toBe(`${saidWhole} and the rest.`)
    expect(outcome.route).toMatchObject({ servedBy: 'a', attempts: 3 })
    expect(outcome.route).not.toHaveProperty('overtook')
    expect(events('call.attempted')).toMatchObject([{ backend: 'b', attempt: 2, code: 'stream_cut' }])
    expect(events('call.hedged')).toHaveLength(1)
  })

  test('and the other are both left when the caller leaves', async () => {
    const { ask, ranking, events } = stage()
    for (const service of services) service.always(hang('headers'))
    const gone = new AbortController()
    const answer = ask({ signal: gone.signal })
    expect(await until(() => b.hits.length === 1)).toBe(true)
    const leftAt = performance.now()
    gone.abort()
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    expect(await until(() => services.every(({ hits }) => hits[0]?.leftAt !== undefined))).toBe(true)
    for (const { hits } of services) expect(hits[0]!.leftAt! - leftAt).toBeLessThan(200)
    expect(ranking.snapshot().map(({ failures, running }) => [failures, running])).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(events('call.attempted')).toEqual([])
  })
})

describe('nobody else is asked', () => {
  const notAsked = async ({ ask, events }: Stage, ...given: Parameters<Stage['ask']>) => {
    a.always(late(4 * usualMs))
    expect((await ask(...given)).outcome.servedBy).toBe('a')
    expect(b.hits).toEqual([])
    expect(events('call.hedged')).toEqual([])
  }

  test('where it is switched off, and then nothing is measured for it', async () => {
    const off = stage([], { hedging: undefined })
    off.ranking.forget('a')
    await notAsked(off)
    expect(off.ranking.lateAfterMs('a')).toBeUndefined()
    expect(off.ranking.snapshot()[0]).not.toHaveProperty('firstChunkP95Ms')
  })

  test('after the first word', async () => {
    const { ask, events } = stage()
    a.always(
      stream({
        instead: async ({ response }) => {
          await sleep(4 * usualMs)
          response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
        },
      }),
    )
    expect((await ask()).outcome.servedBy).toBe('a')
    expect([b.hits.length, events('call.hedged').length]).toEqual([0, 0])
  })

  test('before enough answers were measured, and once they were, by them', async () => {
    const { ask, ranking } = stage()
    ranking.forget('a')
    a.always(late(20))
    for (let i = 0; i < 20; i++) await ask()
    expect(b.hits).toEqual([])
    expect(ranking.snapshot()[0]!.firstChunkP95Ms).toBeGreaterThanOrEqual(19)
    a.always(hang('headers'))
    expect((await ask()).outcome.servedBy).toBe('b')
  })

  test.each([
    ['under the same name', [{}, { name: 'a' }]],
    ['of another priority', [{}, { priority: 2 }]],
    ['that lacks what the request needs', [{}, { contextTokens: 100 }]],
  ] satisfies [string, Partial<Candidate>[]][])('%s', async (_why, facts) => {
    await notAsked(stage(facts), {}, { max_tokens: 100 })
  })

  test('that cools down, for a peer, or beyond the attempts of a call', async () => {
    const cooling = stage()
    cooling.ranking.failed('b')
    await notAsked(cooling)
    const peer = { kind: 'peer', id: 'p' } as const
    await notAsked(stage(), { principal: peer })
    await notAsked(stage([], { maxAttempts: 1 }))
  })

  test('where it costs, unless the caller’s limit covers two whole answers', async () => {
    const prices = { priceIn: 1_000_000n, priceOut: 2_000_000n }
    const dear = [prices, prices]
    const limited = { max_tokens: 50 }
    await notAsked(stage(dear), {}, limited)
    await notAsked(stage(dear), { maxPrice: 10_000n }, {})
    await notAsked(stage(dear), { maxPrice: 300n }, limited)
    a.always(hang('headers'))
    const { ask, events } = stage(dear)
    const { outcome } = await ask({ maxPrice: 1_000n }, limited)
    expect(outcome.servedBy).toBe('b')
    const [told] = events('call.hedged')
    expect(told?.stopped?.cost).toBe(BigInt(told?.stopped?.tokensIn ?? 0))
    expect(told?.stopped?.cost).toBeGreaterThan(0n)
    expect(events('call.ended')[0]?.cost).toBe(told?.stopped?.cost)
  })
})

test('of 200 calls no more are asked twice than the bound allows', async () => {
  const { options } = stage([], { maxPercent: 5 })
  const ranking = { ...options.ranking, lateAfterMs: () => 1 }
  const hedging = createHedging({ ranking, clock: systemClock, log: options.log, maxPercent: 5 })
  const backend = router({ ...options, ranking, hedging })
  a.always(late(60))
  const answers = Array.from({ length: 8 }, async () => {
    for (let i = 0; i < 25; i++) await drain(backend.run(chat('m'), contextOf()))
  })
  await Promise.all(answers)
  expect(a.hits).toHaveLength(200)
  expect(b.hits.length).toBeLessThanOrEqual(10)
  expect(b.hits.length).toBeGreaterThan(5)
})

test('explain tells who would be asked beside the first and when, or why nobody', () => {
  const { options, ranking } = stage()
  const hedge = (more: object = {}) => explain({ ...options, ...more }, { model: 'm' }).hedge
  expect(hedge()).toEqual({ backend: 'b', afterMs: usualMs })
  expect(hedge({ hedging: undefined })).toBeUndefined()
  ranking.failed('b')
  expect(hedge()).toEqual({ why: expect.stringContaining('well') })
  ranking.forget('a')
  expect(hedge()).toEqual({ why: expect.stringContaining('measured') })
})
