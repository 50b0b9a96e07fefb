import { expect, test } from 'vitest'
import { systemClock } from '../../../src/core/index.ts'
import { BoundedCache } from '../../../src/store/shared/bounded-cache.ts'

test('entries in memory stay within their bytes, and the one unused for longest goes first', () => {
  const cache = new BoundedCache(systemClock, { maxEntryBytes: 1_000, maxBytes: 10_000 })
  const store = (key: string) => cache.set(key, new Uint8Array(1_000), { ttlMs: 60_000, tags: [key] })
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) store(key)
  cache.get('a')
  store('g')
  expect(cache.get('a')).toBeDefined()
  expect(cache.get('b')).toBeUndefined()
  for (let index = 0; index < 10_000; index++) store(`more-${index}`)
  expect(cache.bytes).toBeLessThanOrEqual(10_000)
  cache.purge('more-9999')
  expect(cache.get('more-9999')).toBeUndefined()
})
