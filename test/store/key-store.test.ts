import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { createKeyStore } from '../../src/store/index.ts'

let folder: string
let path: string
let monotonic = 0
const clock = { now: systemClock.now, monotonic: () => monotonic }
const options = { clock, random: systemRandom }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-keys-'))
  path = join(folder, 'keys.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a key is shown once, verifies, and is stored only as a hash', () => {
  const store = createKeyStore(path, options)
  const { secret, ...key } = store.create('my editor', { maxPrice: 5n, maxPerDay: 2n ** 100n })
  expect(secret).toMatch(/^sk-parley-[\w-]{43}$/)
  expect(store.verify(secret)).toEqual(key)
  expect(store.list()).toEqual([key])
  expect(key).toMatchObject({ name: 'my editor', maxPrice: 5n, maxPerDay: 2n ** 100n, revokedAt: undefined })
  store.close()
  expect(readFileSync(path).includes(secret.slice('sk-parley-'.length))).toBe(false)
  const reopened = createKeyStore(path, options)
  expect(reopened.verify(secret)?.id).toBe(key.id)
  reopened.close()
})

test('unknown, empty and nearly right secrets verify as nobody', () => {
  const store = createKeyStore(path, options)
  const { secret } = store.create('a')
  for (const wrong of ['', 'sk-parley-', `${secret}x`, secret.slice(0, -1), secret.toUpperCase()]) {
    expect(store.verify(wrong)).toBeUndefined()
  }
  store.close()
})

test('a revoked key fails at once here, and within a second where another process holds the file', () => {
  const store = createKeyStore(path, options)
  const other = createKeyStore(path, options)
  const { secret, id } = store.create('a')
  monotonic += 1_000
  expect(other.verify(secret)?.id).toBe(id)
  const revoked = store.revoke(id)
  expect(revoked.revokedAt).toBeDefined()
  expect(store.verify(secret)).toBeUndefined()
  monotonic += 1_000
  expect(other.verify(secret)).toBeUndefined()
  expect(store.revoke(id).revokedAt).toBe(revoked.revokedAt)
  other.close()
  store.close()
})

test('a new key works at once where another process holds the file', () => {
  const store = createKeyStore(path, options)
  const other = createKeyStore(path, options)
  expect(other.verify('sk-parley-unknown')).toBeUndefined()
  const { secret, id } = store.create('a')
  expect(other.verify(secret)?.id).toBe(id)
  other.close()
  store.close()
})

test('bad names and unknown ids are refused with what to do', () => {
  const store = createKeyStore(path, options)
  expect(() => store.create('  ')).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'name' }))
  expect(() => store.revoke('key-none')).toThrow(expect.objectContaining({ code: 'not_found' }))
  store.close()
})
