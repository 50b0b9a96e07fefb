import { expect, test } from 'vitest'
import { createUploadRoom } from '../../src/http/upload.ts'

const request = (length?: number) =>
  ({ headers: length === undefined ? {} : { 'content-length': String(length) } }) as never

test('uploads are held up to a limit in all, and give back their room however they end', async () => {
  const room = createUploadRoom(100)
  const { promise, resolve } = Promise.withResolvers<string>()
  const first = room.hold(request(60), 80, () => promise)
  const refused = { code: 'overloaded', retryAfterSeconds: 1 }
  await expect(room.hold(request(41), 80, async () => 'too much')).rejects.toMatchObject(refused)
  await expect(room.hold(request(), 80, async () => 'of unknown length')).rejects.toMatchObject(refused)
  expect(await room.hold(request(40), 80, async () => 'second')).toBe('second')
  resolve('first')
  expect(await first).toBe('first')
  await expect(room.hold(request(90), 100, () => Promise.reject(new TypeError('broke')))).rejects.toThrow('broke')
  expect(await room.hold(request(1_000), 100, async () => 'refused by its size, later')).toContain('later')
})
