import { expect, test } from 'vitest'
import { abortable, ParleyError } from '../../src/core/index.ts'

const left = new ParleyError('stopping', 'the node is shutting down')

test('whoever is aborted stops waiting, and the others get what they wait for', async () => {
  const { promise: shared, resolve } = Promise.withResolvers<string>()
  const [gone, stays] = [new AbortController(), new AbortController()]
  const leaving = abortable(shared, gone.signal)
  const staying = abortable(shared, stays.signal)
  gone.abort(left)
  await expect(leaving).rejects.toBe(left)
  resolve('done')
  expect(await staying).toBe('done')
})

test('whoever is gone already does not begin to wait', async () => {
  await expect(abortable(new Promise(() => {}), AbortSignal.abort(left))).rejects.toBe(left)
  await expect(abortable(new Promise(() => {}), AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
})

test('what fails fails for all who wait, and nobody else hears of it', async () => {
  const { promise: shared, reject } = Promise.withResolvers<never>()
  const gone = new AbortController()
  const all = [gone.signal, new AbortController().signal].map(signal => abortable(shared, signal))
  gone.abort(left)
  await expect(all[0]).rejects.toBe(left)
  reject(new ParleyError('overloaded', 'no room'))
  await expect(all[1]).rejects.toMatchObject({ code: 'overloaded' })
})
