import type { Outcome, Route } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'

/** Bytes that all answers share that are gathered at one time. */
export class GatheringRoom {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false
    this.#bytes += bytes
    return true
  }

  free(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** The chunks of one answer while it is told. Given up when they are too many, or there is no room for them. */
export class Gathering {
  readonly #room: GatheringRoom
  readonly #maxBytes: number
  #chunks: Chunk[] | undefined = []
  #bytes = 0
  #route: Route | undefined
  /** How often backends had been asked at the first chunk. */
  #begunWith: number | undefined

  constructor(room: GatheringRoom, maxBytes: number) {
    this.#room = room
    this.#maxBytes = maxBytes
  }

  went(route: Route): void {
    this.#route = route
  }

  /** True when it holds the whole answer with this chunk. */
  add(chunk: Chunk): boolean {
    const isMessage = !chunk.isRaw && chunk.event !== undefined
    if (this.#chunks === undefined || isMessage) return false
    this.#begunWith ??= this.#route?.attempts
    const { length } = chunk.bytes
    if (this.#bytes + length > this.#maxBytes || !this.#room.take(length)) {
      this.drop()
      return false
    }
    this.#bytes += length
    this.#chunks.push(chunk)
    return chunk.meta.isLast === true
  }

  /**
   * Undefined for what is not worth keeping, as it might be better the next time: what was given up, what another model said
   * in place of the one asked for, what a second one went on with, what a filter or a failure ended.
   */
  whole({ finishReason, route }: Outcome): readonly Chunk[] | undefined {
    if (finishReason === 'content_filter' || finishReason === 'other' || route?.isFallback === true) return undefined
    const isContinued = this.#begunWith !== undefined && route !== undefined && route.attempts !== this.#begunWith
    return isContinued || this.#chunks?.length === 0 ? undefined : this.#chunks
  }

  /** More than once is once. */
  drop(): void {
    this.#chunks = undefined
    this.#room.free(this.#bytes)
    this.#bytes = 0
  }
}
