/** A sound file of so many seconds: 8,000 samples of one byte each. */
export function waveOf(
  seconds: number,
  { rate = 8_000, dataSize }: { rate?: number; dataSize?: number } = {},
): Uint8Array {
  const data = Buffer.alloc(Math.round(seconds * rate), 128)
  const head = Buffer.alloc(44)
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + data.length, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(rate, 28)
  head.writeUInt16LE(1, 32)
  head.writeUInt16LE(8, 34)
  head.write('data', 36)
  head.writeUInt32LE(dataSize ?? data.length, 40)
  return Buffer.concat([head, data])
}
