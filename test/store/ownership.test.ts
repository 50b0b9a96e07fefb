import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type KeptThing, systemClock } from '../../src/core/index.ts'
import { createOwnership, type OwnershipOptions } from '../../src/store/index.ts'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-kept-'))
  path = join(folder, 'ownership.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const file = (id: string, provider = 'a'): KeptThing => ({ kind: 'file', provider, id })
const open = (options: Partial<OwnershipOptions> = {}) => createOwnership(path, { clock: systemClock, ...options })

test('a thing is its owner’s, under its kind and its provider, also after a restart', () => {
  const first = open()
  first.add('key:1', file('x'))
  first.add('key:1', file('x', 'b'))
  first.add('key:2', { ...file('x'), kind: 'job' })
  first.close()
  const store = open()
  expect(store.providersOf('key:1', 'file', 'x')).toEqual(['a', 'b'])
  expect(store.providersOf('key:1', 'job', 'x')).toEqual([])
  expect(store.providersOf('key:2', 'job', 'x')).toEqual(['a'])
  expect(store.providersOf('key:2', 'file', 'x')).toEqual([])
  store.remove(file('x'))
  expect(store.providersOf('key:1', 'file', 'x')).toEqual(['b'])
  store.close()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readFileSync(path).length).toBeGreaterThan(0)
})

test('what a server gives two owners is both’s; what it makes by itself is nobody else’s', () => {
  const store = open()
  store.add('key:1', file('same'))
  store.add('key:2', file('same'))
  expect(store.providersOf('key:1', 'file', 'same')).toEqual(['a'])
  expect(store.providersOf('key:2', 'file', 'same')).toEqual(['a'])
  store.adopt('key:3', file('same'))
  expect(store.providersOf('key:3', 'file', 'same')).toEqual([])
  store.adopt('key:3', file('result'))
  expect(store.providersOf('key:3', 'file', 'result')).toEqual(['a'])
  store.close()
})

test('there is room for so many of one owner and of all', () => {
  const store = open({ maxPerOwner: 2, maxInAll: 3 })
  for (const id of ['1', '2']) {
    store.makeRoom('key:1')
    store.add('key:1', file(id))
  }
  expect(() => store.makeRoom('key:1')).toThrow(/delete some/)
  store.adopt('key:1', file('9'))
  expect(store.providersOf('key:1', 'file', '9')).toEqual([])
  store.makeRoom('key:2')
  store.add('key:2', file('3'))
  expect(() => store.makeRoom('key:3')).toThrow(expect.objectContaining({ code: 'too_large' }))
  store.remove(file('1'))
  store.makeRoom('key:1')
  store.close()
})
