import { describe, expect, test } from 'vitest'
import { type Backend, routingPolicies, systemClock, systemRandom } from '../../src/core/index.ts'
import type { Candidate } from '../../src/gateway/candidate.ts'
import { choose } from '../../src/gateway/choose.ts'
import { createRanking, type ExplainedCandidate, explain } from '../../src/gateway/index.ts'
import type { Wishes } from '../../src/openai/index.ts'

const backend = {} as Backend
/** Chance that always says the same, so that what is drawn can be compared. */
const random = { ...systemRandom, fraction: () => 0.5 }

const candidates: readonly Candidate[] = [
  { name: 'dear', kind: 'peer', priceIn: 900n, priceOut: 900n, backend },
  { name: 'cheap', kind: 'peer', priceIn: 100n, priceOut: 100n, backend },
  { name: 'here', kind: 'local', backend, capabilities: ['chat'] },
  { name: 'spare', kind: 'api', priority: 2, weight: 3, alias: 'other-name', backend },
]

function setUp() {
  const ranking = createRanking(systemClock, random)
  ranking.failed('cheap', { code: 'rate_limited', retryAfterMs: 20_000 })
  ranking.succeeded('dear', 120, 44)
  const source = { serving: (model: string) => (model === 'm' ? candidates : []), models: async () => [] }
  return { ranking, candidates: source, policy: 'priority' as const, maxAttempts: 3 }
}

const names = (list: readonly { name: string }[]) => list.map(({ name }) => name)
const byName = (list: readonly ExplainedCandidate[], name: string) => list.find(candidate => candidate.name === name)

describe.each(routingPolicies)('under the policy %s', policy => {
  const wishes: Wishes[] = [
    {},
    { order: ['spare'] },
    { ignore: ['here'] },
    { fallbacks: ['dear'], allowsOthers: false },
  ]
  test.each(wishes)('the order is the one of the next call, with %j', wish => {
    const options = { ...setUp(), policy }
    const said = explain(options, { model: 'm', wishes: wish })
    const done = choose(options, { task: 'chat', body: { model: 'm', messages: [] } }, wish)
    expect(names(said.candidates).slice(0, done.length)).toEqual(names(done))
    expect(said.candidates.filter(({ place }) => place !== undefined).map(({ place }) => place)).toEqual(
      done.slice(0, 3).map((_, index) => index + 1),
    )
    expect(said.candidates).toHaveLength(candidates.length)
    expect(said.policy).toBe(policy)
  })
})

test('what was seen of each is told, and why it comes where it comes', () => {
  const { candidates: said } = explain(setUp(), { model: 'm' })
  expect(names(said)).toEqual(['dear', 'here', 'spare', 'cheap'])
  expect(said[0]).toMatchObject({ state: 'closed', successes: 1, priceIn: '900', why: 'the order of the list' })
  expect(said[2]).toMatchObject({ priority: 2, weight: 3, alias: 'other-name', failures: 0 })
  expect(said[3]).toMatchObject({
    state: 'open',
    lastErrorCode: 'rate_limited',
    why: 'beyond the attempts of one call (3)',
  })
  expect(said[3]).not.toHaveProperty('place')
  expect(JSON.parse(JSON.stringify(said))).toEqual(said)
})

test.each([
  [{ only: ['here'] }, 'dear', 'others only'],
  [{ ignore: ['DEAR'] }, 'dear', 'leaves it out'],
  [{ maxPrice: { prompt: 200n } }, 'dear', 'costs more'],
  [{ order: ['here'], allowsOthers: false }, 'dear', 'no fallbacks'],
] satisfies [Wishes, string, string][])('with %o, %s is not asked and that is said', (wishes, name, why) => {
  const left = byName(explain(setUp(), { model: 'm', wishes }).candidates, name)
  expect(left).not.toHaveProperty('place')
  expect(left?.why).toContain(why)
})

test('rules of a model go before the router’s policy, and a policy that is tried before both', () => {
  const options = setUp()
  const ruled = { ...options, candidates: { ...options.candidates, rules: () => ({ policy: 'cheapest' as const }) } }
  expect(explain(ruled, { model: 'm' }).policy).toBe('cheapest')
  expect(explain(ruled, { model: 'm', policy: 'private' }).policy).toBe('private')
  expect(explain(ruled, { model: 'm', wishes: { sort: 'latency' } }).policy).toBe('latency')
})

test('why nobody may answer is told as the call would be', () => {
  expect(explain(setUp(), { model: 'none' })).toMatchObject({ candidates: [], error: { code: 'model_not_found' } })
  const dear = explain(setUp(), { model: 'm', wishes: { only: ['dear'], maxPrice: { prompt: 1n } } })
  expect(dear.error?.code).toBe('price_too_high')
  expect(explain(setUp(), { model: 'm', wishes: { only: ['x'] } }).error?.code).toBe('invalid_request')
})

test('asking changes nothing', () => {
  const options = setUp()
  const before = options.ranking.snapshot().map(({ coolsDownForMs: _, ...state }) => state)
  for (let i = 0; i < 5; i++) explain(options, { model: 'm' })
  expect(options.ranking.snapshot().map(({ coolsDownForMs: _, ...state }) => state)).toEqual(before)
})
