/**
 * How long a sound file plays, in seconds, as its own bytes tell without decoding them; undefined where they do not.
 * Both sides of a paid call work it out alike (docs/protocol.md §7).
 */
export function soundLength(bytes: Uint8Array): number | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const seconds = lengthOfWave(view) ?? lengthOfFlac(view) ?? lengthOfOgg(view) ?? lengthOfMp3(view)
  return seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
}

function hasAt(view: Buffer, offset: number, mark: string): boolean {
  return view.toString('latin1', offset, offset + mark.length) === mark
}

/** Sample formats in which a second has the same bytes as any other: PCM, float, A-law, µ-law, extensible. */
const plainFormats: ReadonlySet<number> = new Set([1, 3, 6, 7, 0xfffe])
const unknownSize = 0xffff_ffff
const chunksMax = 64

function lengthOfWave(view: Buffer): number | undefined {
  if (!hasAt(view, 0, 'RIFF') || !hasAt(view, 8, 'WAVE')) return undefined
  let bytesPerSecond: number | undefined
  let at = 12
  for (let chunks = 0; chunks < chunksMax && at + 8 <= view.length; chunks++) {
    const start = at + 8
    const size = view.readUInt32LE(at + 4)
    if (hasAt(view, at, 'fmt ') && start + 16 <= view.length) bytesPerSecond = rateOfWave(view, start)
    if (hasAt(view, at, 'data')) {
      const rest = view.length - start
      const length = size === 0 || size === unknownSize ? rest : Math.min(size, rest)
      return bytesPerSecond === undefined ? undefined : length / bytesPerSecond
    }
    at = start + size + (size % 2)
  }
  return undefined
}

/** From what a decoder reads; the header's own bytes per second may say anything. */
function rateOfWave(view: Buffer, start: number): number | undefined {
  if (!plainFormats.has(view.readUInt16LE(start))) return undefined
  const [channels, samples, bits] = [
    view.readUInt16LE(start + 2),
    view.readUInt32LE(start + 4),
    view.readUInt16LE(start + 14),
  ]
  return (samples * channels * bits) / 8
}

function lengthOfFlac(view: Buffer): number | undefined {
  if (!hasAt(view, 0, 'fLaC') || view.length < 26) return undefined
  const rate = view.readUIntBE(18, 3) >> 4
  const samples = (view[21]! & 15) * 2 ** 32 + view.readUInt32BE(22)
  return samples / rate
}

const opusRate = 48_000

/** The position of the last page, at the rate of its codec. */
function lengthOfOgg(view: Buffer): number | undefined {
  if (!hasAt(view, 0, 'OggS') || view.length < 64) return undefined
  const last = view.lastIndexOf('OggS')
  if (last + 14 > view.length) return undefined
  const position = Number(view.readBigUInt64LE(last + 6))
  if (hasAt(view, 28, 'OpusHead')) return position / opusRate
  return hasAt(view, 28, '\x01vorbis') ? position / view.readUInt32LE(40) : undefined
}

/** Kilobits per second of layer 3 by its index: MPEG 1, then MPEG 2 and 2.5. */
const bitRates = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const
/** By version: 2.5, none, 2, 1. */
const sampleRates = [[11_025, 12_000, 8_000], [], [22_050, 24_000, 16_000], [44_100, 48_000, 32_000]] as const
/** A multiple of all of them, so that times add up without rounding. */
const ticksPerSecond = 14_112_000
const seeksMax = 4_096

/** The times of all frames together. What is no frame is passed over to the next one, as far as there is little of it. */
function lengthOfMp3(view: Buffer): number | undefined {
  let at = hasAt(view, 0, 'ID3') && view.length >= 10 ? 10 + sizeOfTag(view) : 0
  if (frameAt(view, at) === undefined) return undefined
  let [ticks, seeks] = [0, 0]
  while (at + 4 <= view.length) {
    const frame = frameAt(view, at)
    if (frame === undefined) {
      if (++seeks > seeksMax) return undefined
      at = nextSync(view, at + 1)
    } else {
      ticks += frame.ticks
      at += frame.bytes
    }
  }
  return ticks / ticksPerSecond
}

/** Seven bits of each byte count. */
function sizeOfTag(view: Buffer): number {
  return [6, 7, 8, 9].reduce((size, at) => size * 128 + (view[at]! & 127), 0)
}

function nextSync(view: Buffer, from: number): number {
  const at = view.indexOf(0xff, from)
  return at === -1 ? view.length : at
}

function frameAt(view: Buffer, at: number): { bytes: number; ticks: number } | undefined {
  if (at + 4 > view.length || view[at] !== 0xff || (view[at + 1]! & 0xe6) !== 0xe2) return undefined
  const version = (view[at + 1]! >> 3) & 3
  const rate = sampleRates[version]![(view[at + 2]! >> 2) & 3]
  const kilobits = bitRates[version === 3 ? 0 : 1][view[at + 2]! >> 4]
  if (rate === undefined || !kilobits) return undefined
  const samples = version === 3 ? 1_152 : 576
  const bytes = Math.floor((samples * 125 * kilobits) / rate) + ((view[at + 2]! >> 1) & 1)
  return { bytes, ticks: (samples * ticksPerSecond) / rate }
}
