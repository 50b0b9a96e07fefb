import { expect, test } from 'vitest'
import { BoundedStore } from '../../src/p2p/bounded-store.ts'

type Key = Parameters<BoundedStore['get']>[0]
const key = (name: string) => ({ toString: () => name }) as Key
const value = new Uint8Array([1])

function storeOf(entriesMax: number, accepts: (name: string) => boolean = () => true): BoundedStore {
  return new BoundedStore({ entriesMax, accepts })
}

test('however much is written, no more than the bound stays, and the oldest goes first', () => {
  const store = storeOf(100)
  for (let i = 0; i < 1_000; i++) store.put(key(`/a/${i}`), value)
  expect(store.size).toBe(100)
  expect(store.has(key('/a/899'))).toBe(false)
  expect(store.has(key('/a/900'))).toBe(true)
  store.put(key('/a/900'), value)
  store.put(key('/b'), value)
  expect(store.has(key('/a/900'))).toBe(true)
  expect(store.has(key('/a/901'))).toBe(false)
})

test('what is not accepted is not kept', () => {
  const store = storeOf(10, name => name.startsWith('/good/'))
  store.put(key('/bad/1'), value)
  store.put(key('/good/1'), value)
  expect([...store.queryKeys({})].map(String)).toEqual(['/good/1'])
  expect(() => store.get(key('/bad/1'))).toThrow(expect.objectContaining({ name: 'NotFoundError' }))
})

test('a query selects by prefix, filter, order, offset and limit', async () => {
  const store = storeOf(10)
  const batch = store.batch()
  for (const name of ['/a/3', '/a/1', '/b/1', '/a/2', '/a/4']) batch.put(key(name), value)
  batch.delete(key('/a/4'))
  batch.commit()
  const order = (a: { key: Key }, b: { key: Key }) => (String(a.key) < String(b.key) ? -1 : 1)
  const names = (query: Parameters<BoundedStore['query']>[0]) => [...store.query(query)].map(pair => String(pair.key))
  expect(names({ prefix: '/a/', orders: [order] })).toEqual(['/a/1', '/a/2', '/a/3'])
  expect(names({ prefix: '/a/', orders: [order], offset: 1, limit: 1 })).toEqual(['/a/2'])
  expect(names({ filters: [pair => String(pair.key).endsWith('1')] })).toEqual(['/a/1', '/b/1'])
})

test('many are written, read and removed as they come', async () => {
  const store = storeOf(10)
  const keys = ['/a', '/b'].map(key)
  for await (const _ of store.putMany(keys.map(each => ({ key: each, value })))) expect(store.size).toBeGreaterThan(0)
  const read: string[] = []
  for await (const pair of store.getMany(keys)) read.push(String(pair.key))
  expect(read).toEqual(['/a', '/b'])
  for await (const _ of store.deleteMany(keys)) expect(store.size).toBeLessThan(2)
  expect(store.size).toBe(0)
})
