import { expect, test } from 'vitest'
import { BoundedMap } from '../../src/auth/bounded-map.ts'

test('a full map forgets what was unused for longest', () => {
  const map = new BoundedMap<number, string>(10)
  for (let key = 0; key < 10; key++) map.set(key, `v${key}`)
  map.get(0)
  map.set(10, 'v10')
  expect([map.get(0), map.get(1), map.size]).toEqual(['v0', undefined, 10])
  for (let key = 0; key < 10_000; key++) map.set(key, 'x')
  expect(map.size).toBe(10)
  map.delete(9_999)
  expect(map.get(9_999)).toBeUndefined()
})
