import { abortError, ParleyError } from '../../core/index.ts'
import type { ModelFile } from './model-file.ts'
import type { EngineModel } from './native.ts'

/** Turns texts, as tokens, into vectors of length 1. One text at a time; callers wait in line. */
export interface Embedder {
  readonly contextTokens: number
  embed: (tokens: Uint32Array, signal: AbortSignal) => Promise<Float32Array>
  close: () => Promise<void>
}

interface EmbedderParts {
  readonly native: EngineModel
  readonly file: ModelFile
  readonly threads: number
  readonly exclusively: (work: () => Promise<void>) => Promise<void>
}

const waitingMax = 256
const contextTokensMax = 8_192

export async function createEmbedder({ native, file, threads, exclusively }: EmbedderParts): Promise<Embedder> {
  const size = Math.min(file.contextTokens, contextTokensMax)
  // Encoders look at a text as a whole, so one batch has to hold it.
  const context = await native.createEmbeddingContext({ contextSize: size, batchSize: size, threads })
  const { contextSize } = context._llamaContext
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let isClosed = false
  const compute = async (tokens: Uint32Array, signal: AbortSignal): Promise<Float32Array> => {
    if (signal.aborted) throw abortError(signal)
    if (isClosed) throw new ParleyError('stopping', 'the node is shutting down')
    let vector: readonly number[] = []
    await exclusively(async () => {
      vector = (await context.getEmbeddingFor([...tokens])).vector
    })
    return normalize(vector)
  }
  return {
    contextTokens: contextSize,
    embed: async (tokens, signal) => {
      checkLength(tokens, contextSize)
      if (waiting >= waitingMax) throw new ParleyError('overloaded', 'too many texts wait', { retryAfterSeconds: 2 })
      waiting += 1
      const turn = last.then(() => compute(tokens, signal))
      last = turn.catch(() => {})
      try {
        return await orAbort(turn, signal)
      } finally {
        waiting -= 1
      }
    },
    close: async () => {
      isClosed = true
      await last
      await context.dispose()
    },
  }
}

/** The vector scaled to length 1, so that a dot product is the cosine. */
export function normalize(vector: ArrayLike<number>): Float32Array {
  const floats = Float32Array.from(vector)
  let sum = 0
  for (const value of floats) sum += value * value
  if (!Number.isFinite(sum) || sum === 0) throw new ParleyError('model_failed', 'the model gave no usable vector')
  return floats.map(value => value / Math.sqrt(sum))
}

function checkLength(tokens: Uint32Array, contextTokens: number): void {
  // The engine may add a token at either end.
  if (tokens.length + 2 < contextTokens && tokens.length > 0) return
  if (tokens.length === 0) throw new ParleyError('invalid_request', 'an input is empty', { param: 'input' })
  throw new ParleyError(
    'context_length_exceeded',
    `the model takes ${contextTokens - 3} tokens at a time, an input has ${tokens.length}; split it`,
    { details: { contextTokens }, param: 'input' },
  )
}

/** The promise, or the abort as soon as it comes; what is being computed then ends unheard. */
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const leave = () => reject(abortError(signal))
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
    promise.catch(() => {})
  }
}
