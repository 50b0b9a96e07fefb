import { describe, expect, test } from 'vitest'
import { soundLength } from '../../src/session/sound-length.ts'
import { waveOf } from './sound.ts'

/** MPEG 1 layer 3, 128 kbit/s at 44,100 Hz: 417 bytes, or 418 where padded, that play 1,152 samples. */
function frame({ padded = false } = {}): Buffer {
  const bytes = Buffer.alloc(padded ? 418 : 417, 0x11)
  bytes.set([0xff, 0xfb, padded ? 0x92 : 0x90, 0x00])
  return bytes
}

const frames = (count: number) => Array.from({ length: count }, (_, i) => frame({ padded: i % 2 === 0 }))
const playing = (count: number) => (count * 1_152) / 44_100

function flac(rate: number, samples: number): Buffer {
  const head = Buffer.alloc(42)
  head.write('fLaC', 0)
  head.writeUIntBE((rate << 4) | 2, 18, 3)
  head.writeUIntBE(0xf0, 21, 1)
  head.writeUInt32BE(samples, 22)
  return head
}

function ogg(codec: Buffer, position: number): Buffer {
  const page = (at: bigint, body: Buffer) => {
    const head = Buffer.alloc(28)
    head.write('OggS', 0)
    head.writeBigUInt64LE(at, 6)
    return Buffer.concat([head, body])
  }
  return Buffer.concat([page(0n, Buffer.concat([codec, Buffer.alloc(16)])), page(BigInt(position), Buffer.alloc(50))])
}

const vorbis = Buffer.concat([
  Buffer.from('\x01vorbis\0\0\0\0\x02', 'latin1'),
  Buffer.from(Uint32Array.of(22_050).buffer),
])

describe('the length of a sound file', () => {
  test.each<[string, Uint8Array, number | undefined]>([
    ['a wave', waveOf(7.2), 7.2],
    ['a wave at another rate', waveOf(3, { rate: 44_100 }), 3],
    ['a wave that was streamed, without a size', waveOf(2, { dataSize: 0xffff_ffff }), 2],
    ['a wave that says more than it has', waveOf(2, { dataSize: 900_000 }), 2],
    ['a wave cut in its head', waveOf(2).subarray(0, 30), undefined],
    ['frames of an MP3', Buffer.concat(frames(100)), playing(100)],
    [
      'an MP3 behind a tag',
      Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\x01\x05'), Buffer.alloc(133), ...frames(7)]),
      playing(7),
    ],
    ['an MP3 with noise in its midst', Buffer.concat([...frames(3), Buffer.alloc(99, 0xff), ...frames(4)]), playing(7)],
    ['an MP3 that is mostly noise', Buffer.concat([...frames(3), Buffer.alloc(9_000, 0xff)]), undefined],
    ['a FLAC', flac(48_000, 96_000), 2],
    ['a FLAC that does not say', flac(48_000, 0), undefined],
    ['Opus in Ogg', ogg(Buffer.from('OpusHead'), 48_000 * 9), 9],
    ['Vorbis in Ogg', ogg(vorbis, 22_050 * 4), 4],
    ['something else', Buffer.from('not a sound at all, and long enough to be looked at'), undefined],
    ['nothing', new Uint8Array(0), undefined],
  ])('%s', (_what, bytes, seconds) => {
    const told = soundLength(bytes)
    if (seconds === undefined) expect(told).toBeUndefined()
    else expect(told).toBeCloseTo(seconds, 9)
  })

  test('is found in no time, whatever the bytes', () => {
    const size = 25 * 1024 * 1024
    const chunks = Buffer.alloc(size)
    chunks.set(Buffer.from('RIFF\0\0\0\0WAVE'))
    const syncs = Buffer.alloc(size, 0xff)
    syncs.set(frame())
    const tiny = Buffer.alloc(size)
    for (let at = 0; at + 24 <= size; at += 24) tiny.set([0xff, 0xf3, 0x14, 0x00], at)
    const started = performance.now()
    for (const bytes of [chunks, syncs, tiny]) soundLength(bytes)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
