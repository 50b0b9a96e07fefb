import { ParleyError } from '../../core/index.ts'

/** The header goes on beyond the bytes read so far, and the file is long enough for it. Never leaves the reader. */
export class NeedMoreBytes extends RangeError {}

/** The error for a file whose header makes no sense. */
export function refuse(why: string): ParleyError {
  return new ParleyError('invalid_request', `the file is not a sound GGUF: ${why}; pull the model again`)
}

const scalarSizes: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}

/** Walks the header; every read is checked against the bytes at hand and every length against the file. */
export class GgufCursor {
  readonly bytes: Buffer
  readonly fileSize: number
  at: number

  constructor(bytes: Buffer, fileSize: number, at = 0) {
    this.bytes = bytes
    this.fileSize = fileSize
    this.at = at
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.#advance(4))
  }

  /** A 64-bit count that must not exceed `max`. */
  count(max: number, what: string): number {
    const value = this.bytes.readBigUInt64LE(this.#advance(8))
    if (value > BigInt(max)) throw refuse(`it claims ${value} ${what}`)
    return Number(value)
  }

  string(maxBytes = 64 * 1024 * 1024): string {
    const length = this.count(maxBytes, 'bytes of text')
    const start = this.#advance(length)
    return this.bytes.toString('utf8', start, start + length)
  }

  skipString(): void {
    this.skip(this.count(64 * 1024 * 1024, 'bytes of text'))
  }

  skip(length: number): void {
    this.#advance(length)
  }

  sizeOf(type: number): number {
    const size = scalarSizes[type]
    if (size === undefined) throw refuse(`it holds a value of the unknown type ${type}`)
    return size
  }

  scalar(type: number): number | bigint | boolean {
    const start = this.#advance(this.sizeOf(type))
    switch (type) {
      case 0:
        return this.bytes.readUInt8(start)
      case 1:
        return this.bytes.readInt8(start)
      case 2:
        return this.bytes.readUInt16LE(start)
      case 3:
        return this.bytes.readInt16LE(start)
      case 4:
        return this.bytes.readUInt32LE(start)
      case 5:
        return this.bytes.readInt32LE(start)
      case 6:
        return this.bytes.readFloatLE(start)
      case 7:
        return this.bytes.readUInt8(start) !== 0
      case 10:
        return this.bytes.readBigUInt64LE(start)
      case 11:
        return this.bytes.readBigInt64LE(start)
      default:
        return this.bytes.readDoubleLE(start)
    }
  }

  #advance(length: number): number {
    const start = this.at
    const end = start + length
    if (end > this.fileSize) throw refuse('a length points beyond its end')
    if (end > this.bytes.length) throw new NeedMoreBytes('the header goes on')
    this.at = end
    return start
  }
}
