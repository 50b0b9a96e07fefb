import { describe, expect, test } from 'vitest'
import { toWishes, WishFields, wishFieldsOf, withoutWishes } from '../../src/openai/index.ts'

const wishesOf = (body: unknown) => toWishes(WishFields.parse(wishFieldsOf(body) ?? {}))

describe('wishes', () => {
  test('a name, or several, mean these and nobody else', () => {
    expect(wishesOf({ provider: 'a' })).toEqual({ order: ['a'], only: ['a'] })
    expect(wishesOf({ provider: ['b', 'a'] })).toEqual({ order: ['b', 'a'], only: ['b', 'a'] })
    expect(wishesOf({ provider: 'a', fallback_providers: ['c', 'b'] })).toEqual({
      order: ['a'],
      only: ['a', 'c', 'b'],
      fallbacks: ['c', 'b'],
    })
  })

  test('OpenRouter’s object', () => {
    const provider = {
      order: ['a'],
      ignore: ['x'],
      allow_fallbacks: false,
      require_parameters: true,
      sort: 'throughput',
      max_price: { prompt: 1.9, completion: '2500000' },
      data_collection: 'deny',
    }
    expect(wishesOf({ provider })).toEqual({
      order: ['a'],
      ignore: ['x'],
      allowsOthers: false,
      isStrict: true,
      sort: 'throughput',
      maxPrice: { prompt: 1n, completion: 2_500_000n },
    })
    expect(wishesOf({ provider: { sort: { by: 'price', partition: 'none' } } })).toEqual({ sort: 'price' })
    expect(wishesOf({ provider: { allow_fallbacks: true } })).toEqual({})
  })

  test('fallback models, and whether a broken answer is continued', () => {
    expect(wishesOf({ models: ['m', 'n'], continue_on_failure: true })).toEqual({ models: ['m', 'n'], continues: true })
  })

  test('none', () => {
    expect(wishFieldsOf({ model: 'm', messages: [] })).toBeUndefined()
    expect(wishFieldsOf([1])).toBeUndefined()
    expect(wishesOf({ provider: null, models: null })).toEqual({})
  })

  test.each([
    [{ provider: 7 }, 'provider'],
    [{ provider: '' }, 'provider.order.0'],
    [{ provider: [1] }, 'provider.order.0'],
    [{ provider: { order: 'a' } }, 'provider.order'],
    [{ provider: { sort: 'beauty' } }, 'provider.sort'],
    [{ provider: { max_price: { prompt: -1 } } }, 'provider.max_price.prompt'],
    [{ provider: { max_price: { completion: '1e9' } } }, 'provider.max_price.completion'],
    [{ fallback_providers: 'b' }, 'fallback_providers'],
    [{ models: [''] }, 'models.0'],
    [{ models: Array.from({ length: 33 }, () => 'm') }, 'models'],
    [{ continue_on_failure: 'yes' }, 'continue_on_failure'],
  ])('%j is refused by name', (body, path) => {
    expect(WishFields.safeParse(body).error?.issues[0]?.path.join('.')).toBe(path)
  })
})

describe('the body as it goes on', () => {
  test('has none of them left', () => {
    const body = { model: 'm', provider: 'a', fallback_providers: [], models: ['n'], continue_on_failure: true, x: 1 }
    expect(withoutWishes(body, { models: ['n'] })).toEqual({ model: 'm', x: 1 })
  })

  test('takes the first fallback model for a model that is missing', () => {
    expect(withoutWishes({ models: ['n', 'o'], x: 1 }, { models: ['n', 'o'] })).toEqual({ model: 'n', x: 1 })
    expect(withoutWishes({ provider: 'a' }, {})).toEqual({})
  })
})
