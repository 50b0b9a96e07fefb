import { abortError, type Context, type Outcome, ParleyError, type Reply } from '../../core/index.ts'
import { Chunk, usageOf } from '../../openai/index.ts'
import { type FinishReason, Generation, type GenerationRequest, type Piece } from './generation.ts'
import type { LoadedModel } from './loaded-model.ts'
import { createWake } from './wake.ts'

/** How pieces of an answer look on the wire: chat and completions differ in nothing else. */
export interface AnswerShape {
  readonly id: string
  readonly object: string
  readonly created: number
  readonly model: string
  /** Said before the first word of a choice; nothing where the protocol has no such thing. */
  opening: (index: number) => Choice[]
  /** What a piece of text becomes. May hold text back until it is known what it is. */
  piece: (index: number, text: string) => Choice[]
  /** What is left to say; the last one carries `finish_reason`. */
  ending: (index: number, finish: FinishReason) => Choice[]
}
export type Choice = Readonly<Record<string, unknown>>

export interface Answer {
  readonly shape: AnswerShape
  readonly requests: readonly GenerationRequest[]
  /** Tokens of all prompts, each counted once however many answers it gets. */
  readonly promptTokens: number
  readonly servedBy: string
}

/** Runs the generations of one call and tells them as chunks, in the order in which they have something to say. */
export async function* tellAnswer(model: LoadedModel, answer: Answer, context: Context): Reply {
  const wake = createWake()
  const generations = answer.requests.map(request => newGeneration(model, request, wake.notify))
  const release = model.scheduler.submit(generations)
  const leave = () => {
    release()
    wake.notify()
  }
  context.signal.addEventListener('abort', leave, { once: true })
  try {
    const teller = new Teller(answer)
    for (;;) {
      if (context.signal.aborted) throw abortError(context.signal)
      const before = teller.told
      for (const [index, generation] of generations.entries()) yield* teller.tell(index, generation)
      if (teller.open === 0) break
      if (teller.told === before) await wake.wait()
    }
    return yield* teller.end(generations)
  } finally {
    context.signal.removeEventListener('abort', leave)
    release()
  }
}

function newGeneration(model: LoadedModel, request: GenerationRequest, onOutput: () => void): Generation {
  const { decode, isEnd, scheduler } = model
  return new Generation(request, { decode, isEnd, onOutput, onRoom: () => scheduler.advance() })
}

/** Remembers what was said of each choice. */
class Teller {
  told = 0
  open: number
  readonly #answer: Answer
  readonly #opened = new Set<number>()
  readonly #finished = new Map<number, string>()
  /** Tokens whose text is not told yet: counted with the next chunk, so that the chunks add up to the usage. */
  #owed = 0
  #promptTold = false

  constructor(answer: Answer) {
    this.#answer = answer
    this.open = answer.requests.length
  }

  *tell(index: number, generation: Generation): Generator<Chunk, void, void> {
    if (this.#finished.has(index)) return
    const piece = generation.take()
    const hasBegun = generation.cachedTokens !== undefined
    if (hasBegun && !this.#opened.has(index)) {
      this.#opened.add(index)
      for (const choice of this.#answer.shape.opening(index)) yield this.#chunk(choice, generation)
    }
    if (piece !== undefined) yield* this.#tellPiece(index, piece, generation)
  }

  *end(generations: readonly Generation[]): Generator<Chunk, Outcome, void> {
    const outputTokens = generations.reduce((sum, generation) => sum + generation.outputTokens, 0)
    const cachedTokens = generations[0]?.cachedTokens ?? 0
    const usage = {
      ...usageOf(this.#answer.promptTokens, outputTokens),
      prompt_tokens_details: { cached_tokens: cachedTokens },
    }
    yield Chunk.of({ ...this.#head(), choices: [], usage }, { isLast: true })
    return { usage, servedBy: this.#answer.servedBy, finishReason: this.#finished.get(0) ?? null }
  }

  *#tellPiece(index: number, piece: Piece, generation: Generation): Generator<Chunk, void, void> {
    this.#owed += piece.tokens
    const { shape } = this.#answer
    const choices = piece.text === '' ? [] : shape.piece(index, piece.text)
    for (const choice of choices) yield this.#chunk(choice, generation)
    if (piece.finish === undefined) return
    const last = shape.ending(index, piece.finish)
    this.#finished.set(index, String(last.at(-1)?.finish_reason ?? piece.finish))
    this.open -= 1
    for (const choice of last) yield this.#chunk(choice, generation)
  }

  #chunk(choice: Choice, generation: Generation): Chunk {
    this.told += 1
    const outputTokens = this.#owed
    this.#owed = 0
    const begin = this.#promptTold
      ? {}
      : { promptTokens: this.#answer.promptTokens, cachedTokens: generation.cachedTokens ?? 0 }
    this.#promptTold = true
    return Chunk.of({ ...this.#head(), choices: [choice] }, { ...begin, ...(outputTokens > 0 && { outputTokens }) })
  }

  #head(): Record<string, unknown> {
    const { id, object, created, model } = this.#answer.shape
    return { id, object, created, model }
  }
}

/**
 * How many tokens the answer may have. Throws `context_length_exceeded` before any work when prompt and answer cannot fit:
 * another provider of the same model may have a longer context.
 */
export function roomFor(promptTokens: number, wanted: number | null | undefined, contextTokens: number): number {
  const room = contextTokens - promptTokens
  if (promptTokens > 0 && room >= (wanted ?? 1)) return wanted ?? room
  if (promptTokens === 0) throw new ParleyError('invalid_request', 'the prompt is empty; send some text')
  const asked = wanted == null ? '' : ` and ${wanted} of answer`
  throw new ParleyError(
    'context_length_exceeded',
    `the model holds ${contextTokens} tokens, the prompt has ${promptTokens}${asked}; shorten it or lower max_tokens`,
    { details: { contextTokens, promptTokens }, param: 'messages' },
  )
}
