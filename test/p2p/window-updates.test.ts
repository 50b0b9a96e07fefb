import { expect, test } from 'vitest'
import { heldBytesMax, WindowUpdates } from '../../src/p2p/window-updates.ts'

/** A frame as the yamux specification lays it out: version, type, flags, stream, length. */
function frame(type: number, flags: number, stream: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt8(type, 1)
  bytes.writeUInt16BE(flags, 2)
  bytes.writeUInt32BE(stream, 4)
  bytes.writeUInt32BE(length, 8)
  return new Uint8Array(bytes)
}
const [data, windowUpdate, ping, goAway] = [0, 1, 2, 3] as const
const [syn, ack, fin, rst] = [1, 2, 4, 8] as const

test('updates of a stream are held and leave as one', () => {
  const updates = new WindowUpdates()
  for (const bytes of [100, 23, 4_000]) expect(updates.hold(frame(windowUpdate, 0, 7, bytes))).toBe(true)
  expect(updates.hold(frame(windowUpdate, 0, 4_000_000_001, 5))).toBe(true)
  expect(updates.take()).toEqual([frame(windowUpdate, 0, 7, 4_123), frame(windowUpdate, 0, 4_000_000_001, 5)])
  expect(updates.take()).toEqual([])
})

test('what opens, accepts, ends or resets a stream is never held, nor any other frame', () => {
  const updates = new WindowUpdates()
  for (const flags of [syn, ack, fin, rst, ack | fin, 0x100]) {
    expect(updates.hold(frame(windowUpdate, flags, 7, 10))).toBe(false)
  }
  for (const type of [data, ping, goAway]) expect(updates.hold(frame(type, 0, 7, 10))).toBe(false)
  expect(updates.hold(new Uint8Array([...frame(windowUpdate, 0, 7, 10), 1]))).toBe(false)
  expect(updates.take()).toEqual([])
})

test('they are due before any sender could miss them', () => {
  const updates = new WindowUpdates()
  updates.hold(frame(windowUpdate, 0, 1, heldBytesMax - 1))
  expect(updates.isDue).toBe(false)
  updates.hold(frame(windowUpdate, 0, 3, 1))
  expect(updates.isDue).toBe(true)
  updates.take()
  expect(updates.isDue).toBe(false)
})
