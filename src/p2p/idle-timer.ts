/** Calls back once when it was not touched for a while; touching is cheap enough for every packet. */
export class IdleTimer {
  readonly #onIdle: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle
  }

  /** Starts over with this bound; 0 ends the watch. */
  watch(ms: number): void {
    this.stop()
    if (ms > 0) this.#timer = setTimeout(this.#onIdle, ms).unref()
  }

  touch(): void {
    this.#timer?.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
