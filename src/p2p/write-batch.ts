/** Bytes waiting to be sent, given back in slices: small chunks joined, large ones cut. */
export class WriteBatch {
  readonly #sliceBytes: number
  #chunks: Uint8Array[] = []
  #bytes = 0

  constructor(sliceBytes: number) {
    this.#sliceBytes = sliceBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get isFull(): boolean {
    return this.#bytes >= this.#sliceBytes
  }

  add(chunk: Uint8Array): void {
    if (chunk.byteLength > 0) this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
  }

  /** The next bytes to send; the batch must not be empty. */
  take(): Uint8Array {
    const first = this.#chunks[0]!
    if (first.byteLength > this.#sliceBytes) {
      this.#chunks[0] = first.subarray(this.#sliceBytes)
      this.#bytes -= this.#sliceBytes
      return first.subarray(0, this.#sliceBytes)
    }
    let count = 0
    let total = 0
    while (count < this.#chunks.length && total + this.#chunks[count]!.byteLength <= this.#sliceBytes) {
      total += this.#chunks[count++]!.byteLength
    }
    this.#bytes -= total
    const chunks = this.#chunks.splice(0, count)
    return chunks.length === 1 ? first : Buffer.concat(chunks, total)
  }

  clear(): void {
    this.#chunks = []
    this.#bytes = 0
  }
}
