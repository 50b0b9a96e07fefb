import type { ParleyError } from '../../core/index.ts'
import type { SamplerConfig } from './sampling.ts'
import { type StopFinder, stopFinder, type TextStream, textStream } from './text-stream.ts'

export type FinishReason = 'stop' | 'length'

/** What the scheduler is asked to continue. */
export interface GenerationRequest {
  readonly prompt: Uint32Array
  /** 0 for the prompt alone; the caller has checked that prompt and answer fit a sequence. */
  readonly maxTokens: number
  readonly sampling: SamplerConfig
  readonly stops: readonly string[]
  /** On whose behalf. Prefixes are only shared within one owner, and sequences are dealt out fairly between owners. */
  readonly owner: string
}

/** Something to tell the reader: text and how many tokens it took; `finish` with the last one. */
export interface Piece {
  readonly text: string
  readonly tokens: number
  readonly finish: FinishReason | undefined
}

interface Voice {
  readonly decode: (tokens: Uint32Array) => string
  readonly isEnd: (token: number) => boolean
  /** Told when there is something to read, and when reading has made room. */
  readonly onOutput: () => void
  readonly onRoom: () => void
}

/** Unread tokens after which a sequence waits for its reader. */
const unreadTokensMax = 16

/**
 * One answer in the making: the scheduler puts tokens in, one reader takes text out. What is unread is merged, so a reader
 * that is late gets fewer and larger pieces; one that stops reading stops the sequence and nothing else.
 */
export class Generation {
  readonly request: GenerationRequest
  /** Prompt tokens that were already in the sequence; known once it has started. */
  cachedTokens: number | undefined
  outputTokens = 0
  #state: 'open' | 'done' = 'open'
  #error: ParleyError | undefined
  #text = ''
  #unread = 0
  #finish: FinishReason | undefined
  readonly #voice: Voice
  readonly #stream: TextStream
  readonly #stops: StopFinder

  constructor(request: GenerationRequest, voice: Voice) {
    this.request = request
    this.#voice = voice
    this.#stream = textStream(voice.decode)
    this.#stops = stopFinder(request.stops)
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  get isFull(): boolean {
    return this.#unread >= unreadTokensMax
  }

  /** The scheduler gave it a sequence. */
  started(cachedTokens: number): void {
    this.cachedTokens = cachedTokens
    this.#voice.onOutput()
  }

  /** The model's next token. */
  accept(token: number): void {
    if (this.request.maxTokens === 0 || this.#voice.isEnd(token)) {
      this.#end(this.request.maxTokens === 0 ? 'length' : 'stop')
      return
    }
    this.outputTokens += 1
    this.#unread += 1
    const { text, stopped } = this.#stops.push(this.#stream.push(token))
    this.#text += text
    if (stopped) this.#close('stop')
    else if (this.outputTokens >= this.request.maxTokens) this.#end('length')
    else if (this.#text !== '') this.#voice.onOutput()
  }

  /** Ends it at once; a reader is told the error. Harmless when it is over. */
  fail(error: ParleyError): void {
    if (this.isDone) return
    this.#state = 'done'
    this.#error = error
    this.#voice.onOutput()
  }

  /** What is unread, or undefined when there is nothing to tell yet. Throws the error that ended it. */
  take(): Piece | undefined {
    if (this.#error !== undefined) throw this.#error
    if (this.#text === '' && this.#finish === undefined) return undefined
    const piece = { text: this.#text, tokens: this.#unread, finish: this.#finish }
    const wasFull = this.isFull
    this.#text = ''
    this.#unread = 0
    if (wasFull) this.#voice.onRoom()
    return piece
  }

  /** The end came between two stop strings: what was held back is text after all. */
  #end(finish: FinishReason): void {
    const { text, stopped } = this.#stops.push(this.#stream.flush())
    this.#text += stopped ? text : text + this.#stops.flush()
    this.#close(stopped ? 'stop' : finish)
  }

  #close(finish: FinishReason): void {
    this.#state = 'done'
    this.#finish = finish
    this.#voice.onOutput()
  }
}
