import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import type { Outcome } from '../../core/index.ts'
import { ParleyError } from '../../core/index.ts'
import type { Chunk } from '../../openai/index.ts'
import type { ChunkWriter } from './chunks.ts'
import { failureOf, reportedFailure } from './failure.ts'

export interface Asking {
  readonly name: string
  readonly secrets: readonly string[]
  readonly model: LanguageModelV4
  readonly options: LanguageModelV4CallOptions
  readonly writer: ChunkWriter
  readonly signal: AbortSignal
}

type Answer = AsyncGenerator<Chunk, Omit<Outcome, 'servedBy'>, void>

/** Asks a model and gives its answer as chunks. Whichever way it ends, the request to the service ends with it. */
export async function* ask({ name, secrets, model, options, writer, signal }: Asking): Answer {
  const stop = new AbortController()
  let reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart> | undefined
  let isWhole = false
  let hasSpoken = false
  const context = () => ({ name, secrets, signal, isAnswering: reader !== undefined, hasSpoken })
  try {
    const abortSignal = AbortSignal.any([signal, stop.signal])
    reader = (await model.doStream({ ...options, abortSignal })).stream.getReader()
    for (;;) {
      const { done, value: part } = await reader.read()
      if (done) throw new ParleyError('stream_cut', `${name} ended its answer without a terminal marker`)
      if (part.type === 'error') throw reportedFailure(part.error, context())
      if (part.type !== 'finish') {
        for (const chunk of writer.write(part)) {
          hasSpoken = true
          yield chunk
        }
        continue
      }
      const { chunks, usage, finishReason } = writer.finish(name, part)
      isWhole = true
      yield* chunks
      return { usage, finishReason }
    }
  } catch (cause) {
    throw failureOf(cause, context())
  } finally {
    if (isWhole && reader !== undefined) void letEnd(reader, stop)
    else stop.abort()
  }
}

const afterFinishMs = 1_000

/** After the last part only the end of the body is to come; once it is read, the connection serves the next call. */
async function letEnd(
  reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart>,
  stop: AbortController,
): Promise<void> {
  const timer = setTimeout(() => stop.abort(), afterFinishMs).unref()
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer is whole: how its connection ended is of no interest.
  } finally {
    clearTimeout(timer)
  }
}
