import type { Generation } from './generation.ts'
import type { EngineDecoder, EngineSampler } from './native.ts'

/** One of the context's sequences: what its cache holds and the answer that occupies it. */
export class Slot {
  readonly id: number
  readonly #decoder: EngineDecoder
  /** The tokens whose states are in the cache, in order. */
  #cached: number[] = []
  #owner = ''
  #run: { generation: Generation; sampler: EngineSampler; input: Uint32Array; at: number } | undefined

  constructor(id: number, decoder: EngineDecoder) {
    this.id = id
    this.#decoder = decoder
  }

  get generation(): Generation | undefined {
    return this.#run?.generation
  }

  get sampler(): EngineSampler | undefined {
    return this.#run?.sampler
  }

  /** Tokens still to be computed before the next one can be sampled; 1 when it is only the last one. */
  get waiting(): number {
    return this.#run === undefined ? 0 : this.#run.input.length - this.#run.at
  }

  get isReady(): boolean {
    return this.#run !== undefined && !this.#run.generation.isFull
  }

  /** How much of a prompt it could take from its cache. The last token is always computed: its state yields the next. */
  sharedPrefix(generation: Generation): number {
    const { prompt, owner } = generation.request
    if (owner !== this.#owner) return 0
    const most = Math.min(prompt.length - 1, this.#cached.length)
    let shared = 0
    while (shared < most && this.#cached[shared] === prompt[shared]) shared += 1
    return shared
  }

  get cachedLength(): number {
    return this.#cached.length
  }

  take(generation: Generation, sampler: EngineSampler): void {
    const kept = this.#keep(this.sharedPrefix(generation))
    this.#owner = generation.request.owner
    this.#run = { generation, sampler, input: generation.request.prompt, at: kept }
    generation.started(kept)
  }

  /** Puts up to `budget` waiting tokens into the batch; the index of the logits when the next token can then be sampled. */
  addTo(budget: number): number | undefined {
    const run = this.#run!
    const tokens = run.input.subarray(run.at, run.at + budget)
    const isLast = run.at + tokens.length === run.input.length
    const position = this.#cached.length
    const wanted = isLast ? Uint32Array.of(tokens.length - 1) : new Uint32Array(0)
    const [logits] = this.#decoder.addToBatch(this.id, position, tokens, wanted)
    run.at += tokens.length
    for (const token of tokens) this.#cached.push(token)
    return logits
  }

  /** The model's next token: told to the answer, and the next to be computed. */
  accept(token: number): void {
    const run = this.#run!
    run.generation.accept(token)
    run.input = Uint32Array.of(token)
    run.at = 0
  }

  /** Ends the occupation. The cache stays for an owner who comes back with the same beginning. */
  free(): void {
    this.#run?.sampler.dispose()
    this.#run = undefined
  }

  /** After a failed batch nobody knows what the cache holds. */
  forget(): void {
    this.#cached = []
    this.#owner = ''
    this.#decoder.removeTokenCellsFromSequence(this.id, -1, -1)
  }

  /** Cuts the cache back to `length` tokens. Models that cannot forget a part (recurrent, sliding windows) forget all. */
  #keep(length: number): number {
    const cut = (from: number) => this.#decoder.removeTokenCellsFromSequence(this.id, from, -1)
    const isWhole = length > 0 && this.#decoder.getSequenceKvCacheMinPosition(this.id) === 0
    if (isWhole && cut(length)) {
      this.#cached.length = length
      return length
    }
    this.#cached = []
    cut(-1)
    return 0
  }
}
