const headerBytes = 12
/** Far below the 256 KiB every stream starts with: a sender is never out of window because of what is held back here. */
export const heldBytesMax = 64 * 1024

/**
 * yamux tells the sender of every data frame at once that its bytes were taken. Alone, that is an encryption, a packet and an
 * interruption of the other side for each frame of an answer. Held back until something else leaves or until they add up,
 * they say the same with one frame a stream. Wire format: https://github.com/hashicorp/yamux/blob/master/spec.md
 */
export class WindowUpdates {
  readonly #held = new Map<number, number>()
  #bytes = 0

  /** True when `frame` was such an update and is held; anything else, or one that opens or ends a stream, has to leave. */
  hold(frame: Uint8Array): boolean {
    if (frame.byteLength !== headerBytes || frame[0] !== 0 || frame[1] !== 1 || frame[2] !== 0 || frame[3] !== 0) {
      return false
    }
    const header = new DataView(frame.buffer, frame.byteOffset, headerBytes)
    const stream = header.getUint32(4)
    const bytes = header.getUint32(8)
    this.#held.set(stream, (this.#held.get(stream) ?? 0) + bytes)
    this.#bytes += bytes
    return true
  }

  /** They add up: to be sent though nothing else leaves. */
  get isDue(): boolean {
    return this.#bytes >= heldBytesMax
  }

  /** What was held, one frame a stream. */
  take(): Uint8Array[] {
    const frames = [...this.#held].map(([stream, bytes]) => encode(stream, bytes))
    this.#held.clear()
    this.#bytes = 0
    return frames
  }
}

function encode(stream: number, bytes: number): Uint8Array {
  const frame = new Uint8Array(headerBytes)
  frame[1] = 1
  const header = new DataView(frame.buffer)
  header.setUint32(4, stream)
  header.setUint32(8, bytes)
  return frame
}
