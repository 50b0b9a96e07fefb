import { describe, expect, test } from 'vitest'
import type { Wishes } from '../../src/openai/index.ts'
import { chat, contextOf, drain, textOf } from '../compliance.ts'
import { createScripted } from '../scripted.ts'
import { candidate, failing, routed } from './routed.ts'

const say = chat('say-1')

function asking(wishes: Wishes, call = say) {
  const [a, b, c] = ['a', 'b', 'c'].map(name => failing(name, 'backend_failed'))
  const d = createScripted('d')
  const facts = [{ priceOut: 1n }, { priceOut: 2n }, { priceOut: 3n }, { priceOut: 4n }]
  const candidates = [a!, b!, c!, d].map((backend, i) => candidate(backend, facts[i]))
  const { backend, log, ranking } = routed(
    candidates,
    { policy: 'cheapest', maxAttempts: 8 },
    { names: () => ['a', 'b', 'c', 'd', 'elsewhere'] },
  )
  const asked = () => log.recent().flatMap(event => (event.type === 'call.attempted' ? [event.backend] : []))
  return { answer: drain(backend.run(call, contextOf({ wishes }))), asked, ranking, backend }
}

describe('providers an app names', () => {
  test('are asked in its order, and nobody else', async () => {
    const one = asking({ order: ['d'], only: ['d'] })
    expect((await one.answer).outcome.route).toMatchObject({ servedBy: 'd', attempts: 1 })
    const more = asking({ order: ['b'], only: ['b', 'c', 'd'], fallbacks: ['c', 'd'] })
    expect((await more.answer).outcome.servedBy).toBe('d')
    expect(more.asked()).toEqual(['b', 'c'])
    const none = asking({ order: ['b'], only: ['b', 'a'], fallbacks: ['a'] })
    await expect(none.answer).rejects.toMatchObject({ code: 'backend_failed' })
    expect(new Set(none.asked())).toEqual(new Set(['a', 'b']))
    expect(none.asked().slice(0, 2)).toEqual(['b', 'a'])
  })

  test('are asked in its order also when one cools down', async () => {
    const { backend, ranking, answer } = asking({ order: ['d'], only: ['d'] })
    await answer
    for (let i = 0; i < 3; i++) ranking.failed('d')
    const wishes = { order: ['d', 'a'], only: ['d', 'a'] }
    const { outcome } = await drain(backend.run(say, contextOf({ wishes })))
    expect(outcome.route).toMatchObject({ servedBy: 'd', attempts: 1 })
  })

  test('come first, and others follow unless the app forbids it', async () => {
    const open = asking({ order: ['c'] })
    expect((await open.answer).outcome.servedBy).toBe('d')
    expect(open.asked()).toEqual(['c', 'a', 'b'])
    const closed = asking({ order: ['c'], allowsOthers: false })
    await expect(closed.answer).rejects.toMatchObject({ code: 'backend_failed' })
    expect(new Set(closed.asked())).toEqual(new Set(['c']))
  })

  test('as fallbacks come after the first choice', async () => {
    const { answer, asked } = asking({ fallbacks: ['c', 'd'] })
    expect((await answer).outcome.servedBy).toBe('d')
    expect(asked()).toEqual(['a', 'c'])
  })

  test('are left out', async () => {
    const { answer, asked } = asking({ ignore: ['A', 'b'] })
    expect((await answer).outcome.servedBy).toBe('d')
    expect(asked()).toEqual(['c'])
  })

  test('are passed over where they lack the model, also when nobody is left', async () => {
    const { answer, asked } = asking({ order: ['elsewhere', 'd'], only: ['elsewhere', 'd'] })
    expect((await answer).outcome.servedBy).toBe('d')
    expect(asked()).toEqual([])
    await expect(asking({ order: ['elsewhere'], only: ['elsewhere'] }).answer).rejects.toMatchObject({
      code: 'model_not_found',
      param: 'provider',
    })
  })

  test('must be known', async () => {
    await expect(asking({ order: ['nobody'], only: ['nobody'] }).answer).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'provider',
      message: expect.stringMatching(/"nobody".*a, b, c, d, elsewhere/),
    })
    await expect(asking({ order: ['a'], fallbacks: ['nobody'] }).answer).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'fallback_providers',
    })
  })
})

describe('what an app sorts and pays by', () => {
  test('price', async () => {
    const { answer, asked } = asking({ sort: 'price' })
    await answer
    expect(asked()).toEqual(['a', 'b', 'c'])
  })

  test('latency and throughput, as this node measured them', async () => {
    const [a, b] = [candidate(createScripted('a')), candidate(createScripted('b'))]
    const { backend, ranking } = routed([a, b])
    for (let i = 0; i < 5; i++) ranking.succeeded('a', 10, 10)
    for (let i = 0; i < 5; i++) ranking.succeeded('b', 900, 900)
    const by = async (sort: 'latency' | 'throughput') =>
      (await drain(backend.run(say, contextOf({ wishes: { sort } })))).outcome.servedBy
    expect([await by('latency'), await by('throughput')]).toEqual(['a', 'b'])
  })

  test('a highest price', async () => {
    const { answer, asked } = asking({ maxPrice: { completion: 2n }, fallbacks: ['d'] })
    await expect(answer).rejects.toMatchObject({ code: 'backend_failed' })
    expect(new Set(asked())).toEqual(new Set(['a', 'b']))
    await expect(asking({ maxPrice: { completion: 0n } }).answer).rejects.toMatchObject({
      code: 'price_too_high',
      param: 'provider.max_price',
    })
  })

  test('all that the request needs, when it says so', async () => {
    const plain = candidate(createScripted('plain'), { capabilities: ['chat'] })
    const able = candidate(createScripted('able'), { capabilities: ['chat', 'tools'], priceOut: 9n })
    const { backend } = routed([plain, able], { policy: 'cheapest' })
    const call = chat('say-1', { tools: [{ type: 'function', function: { name: 'f' } }] })
    const preferred = await drain(backend.run(call, contextOf()))
    expect(preferred.outcome.servedBy).toBe('able')
    const strict = routed([plain], {}).backend.run(call, contextOf({ wishes: { isStrict: true } }))
    await expect(drain(strict)).rejects.toMatchObject({ code: 'model_not_found' })
    expect((await drain(routed([plain]).backend.run(call, contextOf()))).outcome.servedBy).toBe('plain')
  })
})

describe('fallback models', () => {
  const source = (serving: Record<string, ReturnType<typeof candidate>[]>) => ({
    serving: (model: string) => serving[model] ?? [],
  })
  const withModels = (models: string[]) => contextOf({ wishes: { models } })

  test.each(['backend_failed', 'context_length_exceeded', 'invalid_request', 'rate_limited'] as const)(
    'answer when all targets of the model failed: %s',
    async code => {
      const [a, b] = [failing('a', code), createScripted('b')]
      const { backend } = routed([], {}, source({ 'say-1': [candidate(a)], 'say-2': [candidate(b)] }))
      const { chunks, outcome } = await drain(backend.run(say, withModels(['say-2'])))
      expect(textOf(chunks)).toBe('w0 w1 ')
      expect(outcome.route).toMatchObject({ servedBy: 'b', model: 'say-2', isFallback: true })
      expect(b.script.lastBody).toMatchObject({ model: 'say-2' })
    },
  )

  test('answer when nobody serves the model', async () => {
    const { backend } = routed([], {}, source({ 'say-3': [candidate(createScripted('b'))] }))
    const { outcome } = await drain(backend.run(say, withModels(['say-2', 'say-3'])))
    expect(outcome.route).toMatchObject({ model: 'say-3', attempts: 1 })
  })

  test('keep an attempt for themselves, however often the first one fails', async () => {
    const dead = failing('a', 'backend_failed')
    const models = { 'say-1': [candidate(dead)], 'say-2': [candidate(failing('b', 'overloaded'))] }
    const { backend, log } = routed([], {}, source({ ...models, 'say-3': [candidate(createScripted('c'))] }))
    const { outcome } = await drain(backend.run(say, withModels(['say-2', 'say-3'])))
    expect(outcome.route).toMatchObject({ servedBy: 'c', attempts: 4 })
    const asked = log.recent().flatMap(event => (event.type === 'call.attempted' ? [event.model] : []))
    expect(asked).toEqual(['say-1', 'say-1', 'say-2'])
  })

  test('do not answer after the first word, nor for a caller that left', async () => {
    const second = createScripted('b')
    const models = { 'break-3': [candidate(createScripted('a'))], 'say-2': [candidate(second)] }
    const { backend } = routed([], {}, source(models))
    await expect(drain(backend.run(chat('break-3'), withModels(['say-2'])))).rejects.toMatchObject({
      code: 'overloaded',
    })
    expect(second.script.opened).toBe(0)
  })

  test('do not hide what the caller can mend', async () => {
    const { backend } = routed([], {}, source({ 'say-1': [candidate(failing('a', 'invalid_request'))] }))
    await expect(drain(backend.run(say, withModels(['say-9'])))).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

test('a model’s own rules go before the router’s', async () => {
  const [dear, cheap] = [candidate(createScripted('dear'), { priceOut: 9n }), candidate(createScripted('cheap'))]
  const { backend } = routed([dear, cheap], { policy: 'cheapest' }, { rules: () => ({ policy: 'priority' }) })
  expect((await drain(backend.run(say, contextOf()))).outcome.servedBy).toBe('dear')
})
