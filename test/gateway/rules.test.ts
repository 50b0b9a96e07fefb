import { describe, expect, test } from 'vitest'
import { type Backend, type Call, systemClock } from '../../src/core/index.ts'
import type { Candidate, CandidateSource, RoutingRule, RuleCondition } from '../../src/gateway/candidate.ts'
import { choose } from '../../src/gateway/choose.ts'
import { createRanking, explain } from '../../src/gateway/index.ts'
import { ruled } from '../../src/gateway/ruled.ts'
import { ruleFor } from '../../src/gateway/rules.ts'
import type { Wishes } from '../../src/openai/index.ts'
import { calm } from './routed.ts'

const backend = {} as Backend
const caller = { principal: { kind: 'key', id: 'k1' }, keyName: 'mobile' } as const

function chat(model: string, more: object = {}): Call {
  return { task: 'chat', body: { model, messages: [], ...more } } as Call
}

const says = (content: unknown) => ({ messages: [{ role: 'user', content }] })
const picture = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }]

describe('a rule holds where everything holds that it names', () => {
  const holds = (when: RuleCondition, call: Call, context: Parameters<typeof ruleFor>[2] = caller) =>
    ruleFor([{ when, use: { policy: 'cheapest' } }], call, context) !== undefined

  test.each([
    ['gpt-4o', 'gpt-4o', true],
    ['gpt-4o', 'gpt-4o-mini', false],
    ['gpt-*', 'gpt-4o', true],
    ['*', '', true],
    ['*/llama-?b', 'meta/llama-7b', true],
    ['*/llama-?b', 'meta/llama-70b', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-b-c-', false],
    ['gpt.4', 'gptx4', false],
    ['?', '', false],
  ])('%s means %s: %s', (pattern, model, expected) => {
    expect(holds({ models: ['none', pattern] }, chat(model))).toBe(expected)
  })

  test('no pattern takes long', () => {
    const before = performance.now()
    expect(holds({ models: ['*a'.repeat(100)] }, chat(`${'a'.repeat(20_000)}b`))).toBe(false)
    expect(performance.now() - before).toBeLessThan(1_000)
  })

  test('keys by name or id, and nobody else under their names', () => {
    expect(holds({ keys: ['mobile'] }, chat('m'))).toBe(true)
    expect(holds({ keys: ['k1'] }, chat('m'))).toBe(true)
    expect(holds({ keys: ['k2'] }, chat('m'))).toBe(false)
    expect(holds({ keys: ['k1'] }, chat('m'), { principal: { kind: 'peer', id: 'k1' } })).toBe(false)
  })

  test('the size of the text, in bytes, both bounds included', () => {
    const call = chat('m', says('é'.repeat(50)))
    expect(holds({ minBytes: 100, maxBytes: 100 }, call)).toBe(true)
    expect(holds({ minBytes: 101 }, call)).toBe(false)
    expect(holds({ maxBytes: 99 }, call)).toBe(false)
    expect(holds({ maxBytes: 0 }, chat('m', says(picture)))).toBe(true)
  })

  test('tasks, and all that the request needs', () => {
    expect(holds({ tasks: ['embedding', 'chat'] }, chat('m'))).toBe(true)
    expect(holds({ tasks: ['embedding'] }, chat('m'))).toBe(false)
    expect(holds({ needs: ['vision'] }, chat('m', says(picture)))).toBe(true)
    expect(holds({ needs: ['vision', 'tools'] }, chat('m', says(picture)))).toBe(false)
    expect(holds({ models: ['m'], needs: ['tools'] }, chat('m'))).toBe(false)
    expect(holds({}, chat('m'))).toBe(true)
  })
})

test('the first rule that matches applies, alone', () => {
  const rules: RoutingRule[] = [
    { when: { models: ['x'] }, use: { only: ['a'] } },
    { when: { models: ['g*'] }, use: { policy: 'cheapest' } },
    { when: {}, use: { ignore: ['b'] } },
  ]
  expect(ruleFor(rules, chat('gpt'), caller)).toEqual({ place: 2, use: { policy: 'cheapest' } })
  expect(ruleFor(rules, chat('other'), caller)?.place).toBe(3)
  expect(ruleFor(rules.slice(0, 2), chat('other'), caller)).toBeUndefined()
})

const candidates: readonly Candidate[] = [
  { name: 'dear', kind: 'api', priceIn: 900n, backend },
  { name: 'cheap', kind: 'api', priceIn: 100n, backend },
  { name: 'spare', kind: 'api', priceIn: 500n, priority: 2, backend },
]

function setUp(rules: readonly RoutingRule[], serving: readonly Candidate[] = candidates) {
  const source: CandidateSource = {
    serving: model => (model === 'm' ? serving : []),
    models: async () => [],
    names: () => serving.map(({ name }) => name),
  }
  const options = { ranking: createRanking(systemClock, calm), policy: 'priority' as const, maxAttempts: 4 }
  const chosen = (call: Call = chat('m'), wishes: Wishes = {}) =>
    choose({ ...options, candidates: ruled(source, rules, caller) }, call, wishes).map(({ name }) => name)
  return { chosen, options: { ...options, candidates: source, rules } }
}

describe('what a rule changes', () => {
  test('the policy, unless the app sorts for itself', () => {
    const { chosen } = setUp([{ when: {}, use: { policy: 'cheapest' } }])
    expect(chosen()).toEqual(['cheap', 'dear', 'spare'])
    expect(setUp([]).chosen()).toEqual(['dear', 'cheap', 'spare'])
    expect(setUp([{ when: { models: ['x'] }, use: { policy: 'cheapest' } }]).chosen()).toEqual(setUp([]).chosen())
    expect(chosen(chat('m'), { order: ['spare'] })[0]).toBe('spare')
    expect(chosen(chat('m'), { sort: 'latency' })).toEqual(setUp([]).chosen(chat('m'), { sort: 'latency' }))
  })

  test('who is asked; an app may narrow that and never widen it', () => {
    const { chosen } = setUp([{ when: {}, use: { only: ['CHEAP', 'spare'] } }])
    expect(chosen()).toEqual(['cheap', 'spare'])
    expect(chosen(chat('m'), { order: ['dear', 'spare'] })).toEqual(['spare', 'cheap'])
    expect(chosen(chat('m'), { only: ['cheap', 'dear'] })).toEqual(['cheap'])
    expect(() => chosen(chat('m'), { order: ['dear'], only: ['dear'] })).toThrow('no provider that the request allows')
    expect(setUp([{ when: {}, use: { ignore: ['dear'] } }]).chosen(chat('m'), { fallbacks: ['dear'] })).toEqual([
      'cheap',
      'spare',
    ])
  })

  test('nobody left is said with the place of the rule', () => {
    const { chosen } = setUp([{ when: {}, use: { only: ['gone'] } }])
    expect(() => chosen()).toThrow(expect.objectContaining({ code: 'model_not_found', param: 'model' }))
    expect(() => chosen()).toThrow('rule 1 of routing.rules')
  })

  test('the model, which is asked for by its own name', () => {
    const { options } = setUp([{ when: { models: ['gpt-*'] }, use: { model: 'm' } }])
    const source = ruled(options.candidates, options.rules, caller)
    const chosen = choose({ ...options, candidates: source }, chat('gpt-5'))
    expect(chosen.map(({ name, alias }) => [name, alias])).toEqual([
      ['dear', 'm'],
      ['cheap', 'm'],
      ['spare', 'm'],
    ])
  })
})

test('candidates known not to fit go behind all that may, also behind a lower priority and who cools down', () => {
  const { chosen, options } = setUp(
    [],
    [
      { name: 'blind', kind: 'api', capabilities: ['chat'], backend },
      { name: 'seeing', kind: 'api', capabilities: ['vision'], backend },
      { name: 'tired', kind: 'api', priority: 2, backend },
      { name: 'blind-spare', kind: 'api', priority: 2, capabilities: [], backend },
      { name: 'spare', kind: 'api', priority: 2, backend },
    ],
  )
  options.ranking.failed('tired', { code: 'rate_limited', retryAfterMs: 60_000 })
  expect(chosen(chat('m', says('hi')))).toEqual(['blind', 'seeing', 'blind-spare', 'spare', 'tired'])
  const call = chat('m', says(picture))
  expect(chosen(call)).toEqual(['seeing', 'spare', 'tired', 'blind', 'blind-spare'])
  const { candidates } = explain(options, { model: 'm', call })
  expect(candidates.map(({ name }) => name)).toEqual(chosen(call))
  expect(candidates[0]?.why).toBe('the order of the list')
  expect(candidates[3]?.why).toBe('its list says: no vision; asked after all that may fit')
})

test('explain shows the rule that holds, those that may hold otherwise, and whom it leaves out', () => {
  const { options } = setUp([
    { when: { keys: ['mobile'] }, use: { only: ['spare'] } },
    { when: { models: ['x*'] }, use: { only: ['dear'] } },
    { when: { models: ['m*'] }, use: { ignore: ['dear'], policy: 'cheapest' } },
    { when: {}, use: { policy: 'private' } },
  ])
  const said = explain(options, { model: 'm' })
  expect(said).toMatchObject({ policy: 'cheapest', rule: { place: 3, use: { ignore: ['dear'] } }, otherRules: [1] })
  expect(said.candidates.map(({ name, place }) => [name, place])).toEqual([
    ['cheap', 1],
    ['spare', 2],
    ['dear', undefined],
  ])
  expect(said.candidates.at(-1)?.why).toBe('rule 3 leaves it out')
  const mobile = explain(options, { model: 'm', caller })
  expect(mobile).toMatchObject({ rule: { place: 1 }, otherRules: [], policy: 'priority' })
  expect(mobile.candidates.at(-1)?.why).toBe('rule 1 allows others only')
  expect(explain(options, { model: 'm', policy: 'trusted' })).toMatchObject({ policy: 'trusted', rule: { place: 3 } })
})
