import type { EmbeddingModelV4, EmbeddingModelV4Result, SharedV4ProviderOptions } from '@ai-sdk/provider'
import { ParleyError } from '../../core/index.ts'
import { Chunk, type EmbeddingRequest, toBase64, type Usage } from '../../openai/index.ts'

export interface Embedding {
  readonly name: string
  readonly model: EmbeddingModelV4
  readonly body: Readonly<EmbeddingRequest>
  readonly providerOptions: SharedV4ProviderOptions | undefined
  readonly signal: AbortSignal
}

/** Requests under way at once for one call, for services that take few texts in a request. */
const parallelMax = 8

/** The vectors of all texts as one body, asked for in as many requests as the service needs. */
export async function embed(embedding: Embedding): Promise<{ chunk: Chunk; usage: Usage }> {
  const { model, body, signal } = embedding
  const values = textsOf(embedding)
  const batches = inBatches(values, (await model.maxEmbeddingsPerCall) ?? values.length)
  const width = (await model.supportsParallelCalls) ? parallelMax : 1
  const results: EmbeddingModelV4Result[] = []
  const failed = new AbortController()
  const abortSignal = AbortSignal.any([signal, failed.signal])
  const { providerOptions } = embedding
  const ask = (texts: string[]) =>
    model.doEmbed({ values: texts, abortSignal, ...(providerOptions !== undefined && { providerOptions }) })
  try {
    for (const group of inBatches(batches, width)) results.push(...(await Promise.all(group.map(ask))))
  } catch (cause) {
    failed.abort()
    throw cause
  }
  const vectors = results.flatMap(({ embeddings }) => embeddings)
  if (vectors.length !== values.length) {
    throw new ParleyError(
      'backend_failed',
      `${embedding.name} gave ${vectors.length} vectors for ${values.length} texts`,
    )
  }
  const usage = usageOf(results, values)
  return { chunk: Chunk.of(bodyOf(body, vectors, usage)), usage }
}

function textsOf({ name, body: { input } }: Embedding): string[] {
  const values: readonly unknown[] = typeof input === 'string' ? [input] : input
  if (values.every(value => typeof value === 'string')) return [...values]
  throw new ParleyError('unsupported', `${name} takes input as text only, not as tokens`, { param: 'input' })
}

function inBatches<T>(values: readonly T[], size: number): T[][] {
  const step = Math.max(1, Math.min(size, values.length))
  return Array.from({ length: Math.ceil(values.length / step) }, (_, index) =>
    values.slice(index * step, (index + 1) * step),
  )
}

const bytesPerToken = 4

/** Tokens as they were counted by the service; guessed from the length of the texts where it counts none. */
function usageOf(results: readonly EmbeddingModelV4Result[], values: readonly string[]): Usage {
  const counts = results.map(({ usage, response }) => usage?.tokens ?? countIn(response?.body))
  const isCounted = counts.every(count => count !== undefined)
  const tokens = isCounted
    ? counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
    : Math.ceil(values.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / bytesPerToken)
  return { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens, ...(!isCounted && { estimated: true }) }
}

/** Gemini counts in a field its package does not read. */
function countIn(body: unknown): number | undefined {
  const count = (body as { usageMetadata?: { promptTokenCount?: unknown } } | null | undefined)?.usageMetadata
  return Number.isSafeInteger(count?.promptTokenCount) ? (count?.promptTokenCount as number) : undefined
}

function bodyOf({ model, encoding_format }: Readonly<EmbeddingRequest>, vectors: readonly number[][], usage: Usage) {
  const { completion_tokens: _none, ...counted } = usage
  return {
    object: 'list',
    model,
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: encoding_format === 'base64' ? toBase64(vector) : vector,
    })),
    usage: counted,
  }
}
