import { describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { type Candidate, createRanking } from '../../src/gateway/index.ts'
import { createScripted } from '../scripted.ts'
import { calm, candidate, heldTime, seeded } from './routed.ts'

const a = candidate(createScripted('a'), { kind: 'peer', priceIn: 100_000n, priceOut: 100_000n })
const b = candidate(createScripted('b'), { kind: 'peer', priceIn: 900_000n, priceOut: 900_000n, stakeRatio: 32 })
const named = (name: string, facts: Partial<Candidate> = {}) => candidate(createScripted(name), facts)
const names = (candidates: readonly Candidate[]) => candidates.map(({ name }) => name)

describe('policies', () => {
  test('the cheapest first, the most trusted first, this machine first', () => {
    const ranking = createRanking(systemClock, calm)
    expect(names(ranking.order([b, a], 'cheapest'))).toEqual(['a', 'b'])
    expect(names(ranking.order([a, b], 'trusted'))).toEqual(['b', 'a'])
    expect(names(ranking.order([a, b, named('here', { kind: 'local' })], 'balanced'))[0]).toBe('here')
  })

  test('cheapest: the least price first, however slow it is', () => {
    const ranking = createRanking(systemClock, seeded(1))
    for (let i = 0; i < 10; i++) ranking.succeeded('a', 20_000, 1)
    for (let i = 0; i < 10; i++) ranking.succeeded('b', 5, 500)
    const near = { ...b, priceIn: 100_001n, priceOut: 100_000n }
    for (let i = 0; i < 200; i++) expect(names(ranking.order([near, a], 'cheapest'))).toEqual(['a', 'b'])
  })

  test('cheapest: a service by its dollars, a peer by its tokens as if they were dollars with six places', () => {
    const ranking = createRanking(systemClock, calm)
    const service = (name: string, dollars: Candidate['dollars']) =>
      named(name, { kind: 'api', ...(dollars && { dollars }) })
    const below = service('below', { in: 99_999n, out: 100_000n })
    const above = service('above', { in: 100_001n, out: 100_000n })
    expect(names(ranking.order([b, above, a, below], 'cheapest'))).toEqual(['below', 'a', 'above', 'b'])
    const [four, five] = [service('four', { image: 40_000n }), service('five', { image: 50_000n })]
    expect(names(ranking.order([five, four], 'cheapest'))).toEqual(['four', 'five'])
  })

  test('fastest, latency, throughput: by own measurement', () => {
    const ranking = createRanking(systemClock, calm)
    for (let i = 0; i < 10; i++) ranking.succeeded('b', 20, 200)
    for (let i = 0; i < 10; i++) ranking.succeeded('a', 2_000, 500)
    expect(names(ranking.order([a, b], 'latency'))).toEqual(['b', 'a'])
    expect(names(ranking.order([b, a], 'throughput'))).toEqual(['a', 'b'])
    expect(names(ranking.order([a, b], 'fastest'))).toEqual(['b', 'a'])
  })

  test('private: this machine, then peers, then services, whatever they cost', () => {
    const ranking = createRanking(systemClock, calm)
    const service = named('service', { kind: 'api' })
    const here = named('here', { kind: 'local', priceIn: 9_000_000n })
    expect(names(ranking.order([service, b, here], 'private'))).toEqual(['here', 'b', 'service'])
  })

  test('priority: as they are listed', () => {
    const ranking = createRanking(systemClock, seeded(1))
    for (let i = 0; i < 100; i++) expect(names(ranking.order([b, a], 'priority'))).toEqual(['b', 'a'])
  })

  test('weighted: 3 to 1 is three of four, and weight 0 only stands in', () => {
    const ranking = createRanking(systemClock, seeded(7))
    const candidates = [named('idle', { weight: 0 }), named('one', { weight: 1 }), named('three', { weight: 3 })]
    const first = new Map<string, number>()
    for (let i = 0; i < 10_000; i++) {
      const ordered = names(ranking.order(candidates, 'weighted'))
      expect(ordered[2]).toBe('idle')
      first.set(ordered[0]!, (first.get(ordered[0]!) ?? 0) + 1)
    }
    expect(first.get('three')! / 10_000).toBeGreaterThan(0.73)
    expect(first.get('three')! / 10_000).toBeLessThan(0.77)
  })

  test('least-busy: fewest running calls for the weight', () => {
    const ranking = createRanking(systemClock, seeded(3))
    const candidates = [named('small', { weight: 1 }), named('large', { weight: 4 })]
    const ends = [ranking.started('small'), ranking.started('large'), ranking.started('large')]
    expect(names(ranking.order(candidates, 'least-busy'))).toEqual(['large', 'small'])
    ends[0]!()
    ends[0]!()
    expect(names(ranking.order(candidates, 'least-busy'))).toEqual(['small', 'large'])
    expect(ranking.snapshot()).toMatchObject([
      { name: 'small', running: 0 },
      { name: 'large', running: 2 },
    ])
  })

  test('least-busy among many: never the busier of two, and not always the same', () => {
    const ranking = createRanking(systemClock, seeded(5))
    const candidates = Array.from({ length: 40 }, (_, i) => named(`t${i}`))
    for (let i = 1; i < 40; i++) ranking.started(`t${i}`)
    const firsts = Array.from({ length: 400 }, () => names(ranking.order(candidates, 'least-busy')))
    expect(new Set(firsts.map(([first]) => first)).size).toBeGreaterThan(10)
    expect(firsts.every(ordered => new Set(ordered).size === 40)).toBe(true)
    // One of two draws hits the idle one in about a twentieth of all.
    expect(firsts.filter(([first]) => first === 't0').length).toBeGreaterThan(5)
  })

  test('a lower priority goes before any other reason, and a higher one when that cools down', () => {
    const ranking = createRanking(heldTime().clock, seeded(2))
    const backup = named('backup', { kind: 'local', priority: 2, weight: 1_000 })
    const main = named('main', { priceIn: 9_000_000n, priority: 1 })
    for (const policy of ['balanced', 'weighted', 'least-busy', 'cheapest', 'private', 'fastest'] as const) {
      for (let i = 0; i < 50; i++) expect(names(ranking.order([backup, main], policy))).toEqual(['main', 'backup'])
    }
    ranking.failed('main')
    expect(names(ranking.order([backup, main], 'weighted'))).toEqual(['backup', 'main'])
  })

  test('now and then another goes first, so that a better one is found', () => {
    const values = [0.01, 0.5]
    const ranking = createRanking(systemClock, { ...systemRandom, fraction: () => values.shift() ?? 0.99 })
    expect(names(ranking.order([a, b], 'balanced'))).toEqual(['b', 'a'])
    expect(names(ranking.order([a, b], 'balanced'))).toEqual(['a', 'b'])
  })
})

describe('the circuit', () => {
  const seen = () => {
    const time = heldTime()
    return { time, ranking: createRanking(time.clock, calm) }
  }
  const stateOf = (ranking: ReturnType<typeof seen>['ranking']) => ranking.snapshot()[0]

  test('who failed goes last until its time is over, and a sole one is still asked', () => {
    const { time, ranking } = seen()
    ranking.failed('a')
    expect(names(ranking.order([a, b], 'cheapest'))).toEqual(['b', 'a'])
    expect(names(ranking.order([a], 'cheapest'))).toEqual(['a'])
    time.pass(1_000)
    expect(names(ranking.order([a, b], 'cheapest'))).toEqual(['a', 'b'])
  })

  test('of those that cool down the one whose time is over first is asked first', () => {
    const { ranking } = seen()
    for (let i = 0; i < 4; i++) ranking.failed('a')
    ranking.failed('b')
    expect(names(ranking.order([a, b], 'cheapest'))).toEqual(['b', 'a'])
  })

  test('opens, lets one call try it, and closes when that succeeds', () => {
    const { time, ranking } = seen()
    ranking.failed('a', { code: 'backend_failed' })
    expect(stateOf(ranking)).toMatchObject({ state: 'open', coolsDownForMs: 500, lastErrorCode: 'backend_failed' })
    time.pass(500)
    expect(stateOf(ranking)).toMatchObject({ state: 'half-open', coolsDownForMs: 0 })
    const end = ranking.started('a')
    expect(names(ranking.order([a, b], 'cheapest'))).toEqual(['b', 'a'])
    ranking.succeeded('a', 50, 20)
    end()
    expect(stateOf(ranking)).toMatchObject({ state: 'closed', failures: 1, successes: 1 })
    expect(names(ranking.order([a, b], 'cheapest'))).toEqual(['a', 'b'])
  })

  test('stays open longer each time, and a probe that fails opens it again', () => {
    const { time, ranking } = seen()
    const lengths = Array.from({ length: 9 }, () => {
      ranking.failed('a')
      const { coolsDownForMs } = stateOf(ranking)!
      time.pass(coolsDownForMs)
      return coolsDownForMs
    })
    expect(lengths).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  })

  test('keeps to the break a target asked for, within reason', () => {
    const { ranking } = seen()
    ranking.failed('a', { code: 'rate_limited', retryAfterMs: 7_000 })
    expect(stateOf(ranking)!.coolsDownForMs).toBe(7_000)
    ranking.failed('a', { code: 'rate_limited', retryAfterMs: 86_400_000 })
    expect(stateOf(ranking)!.coolsDownForMs).toBe(300_000)
  })

  test('a refused key is out for long, until it is changed', () => {
    const { ranking } = seen()
    ranking.failed('a', { code: 'backend_refused' })
    expect(stateOf(ranking)!.coolsDownForMs).toBe(60_000)
    ranking.forget('a')
    expect(names(ranking.order([a, b], 'cheapest'))).toEqual(['a', 'b'])
  })

  test('who lied about money stays last, for an hour', () => {
    const { time, ranking } = seen()
    ranking.distrust('a')
    ranking.succeeded('a', 1, 1_000)
    time.pass(600_000)
    expect(names(ranking.order([a, b], 'cheapest'))).toEqual(['b', 'a'])
    time.pass(3_000_001)
    ranking.succeeded('a', 1, 1_000)
    expect(names(ranking.order([a, b], 'cheapest'))).toEqual(['a', 'b'])
    expect(stateOf(ranking)).toMatchObject({ state: 'closed' })
  })

  test('says nothing of a target before it was measured', () => {
    const { ranking } = seen()
    ranking.started('a')()
    expect(stateOf(ranking)).toEqual({
      ...{ name: 'a', state: 'closed', coolsDownForMs: 0, successes: 0, failures: 0, running: 0 },
    })
  })
})
