/**
 * What happened lately, in pieces of time that are forgotten one by one: it takes the same memory however much happens.
 * What it covers is between the window and one piece less.
 */
export class SlidingWindow<T> {
  readonly #pieceMs: number
  readonly #make: () => T
  readonly #pieces: { number: number; value: T }[] = []

  constructor(windowMs: number, make: () => T) {
    this.#pieceMs = Math.max(1, windowMs / piecesPerWindow)
    this.#make = make
  }

  /** Where what happens now is counted. */
  now(at: number): T {
    const number = Math.floor(at / this.#pieceMs)
    const last = this.#pieces.at(-1)
    // A clock that was set back goes on in the newest piece.
    if (last !== undefined && last.number >= number) return last.value
    const value = this.#make()
    this.#pieces.push({ number, value })
    this.#forget(number)
    return value
  }

  /** What is not forgotten yet. */
  recent(at: number): T[] {
    this.#forget(Math.floor(at / this.#pieceMs))
    return this.#pieces.map(({ value }) => value)
  }

  #forget(number: number): void {
    while (this.#pieces.length > 0 && this.#pieces[0]!.number <= number - piecesPerWindow) this.#pieces.shift()
  }
}

const piecesPerWindow = 20
