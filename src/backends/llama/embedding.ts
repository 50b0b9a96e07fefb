import type { Context, Reply } from '../../core/index.ts'
import { ParleyError } from '../../core/index.ts'
import { Chunk, type EmbeddingRequest, toBase64, usageOf } from '../../openai/index.ts'
import { checkedTokens } from './completion.ts'
import { normalize, orAbort } from './embedder.ts'
import type { LoadedModel } from './loaded-model.ts'
import type { CallParts } from './task.ts'

/** Answers an embedding request with one chunk, the whole body. */
export async function* tellEmbeddings(
  model: LoadedModel,
  body: EmbeddingRequest,
  context: Context,
  parts: CallParts,
): Reply {
  const inputs = inputsOf(model, body)
  const embedder = await orAbort(model.embedder(), context.signal)
  const data: Record<string, unknown>[] = []
  for (const [index, tokens] of inputs.entries()) {
    const vector = shortened(model, await embedder.embed(tokens, context.signal), body.dimensions)
    const embedding = body.encoding_format === 'base64' ? toBase64(vector) : [...vector]
    data.push({ object: 'embedding', index, embedding })
  }
  const promptTokens = inputs.reduce((sum, tokens) => sum + tokens.length, 0)
  const usage = usageOf(promptTokens, 0)
  const reported = { prompt_tokens: promptTokens, total_tokens: promptTokens }
  yield Chunk.of({ object: 'list', model: body.model, data, usage: reported }, { promptTokens })
  return { usage, servedBy: parts.servedBy, finishReason: null }
}

function inputsOf(model: LoadedModel, { input }: EmbeddingRequest): Uint32Array[] {
  if (typeof input === 'string') return [textTokens(model, input)]
  if (typeof input[0] === 'number') return [checkedTokens(model, input as number[], 'input')]
  return (input as (string | number[])[]).map(item =>
    typeof item === 'string' ? textTokens(model, item) : checkedTokens(model, item, 'input'),
  )
}

function textTokens(model: LoadedModel, text: string): Uint32Array {
  return model.native._model.tokenize(text, false)
}

/**
 * Fewer dimensions than the model has. Only models trained for it keep their meaning when cut, and their files do not say
 * so: a shorter vector is refused rather than quietly made worse.
 */
function shortened(model: LoadedModel, vector: Float32Array, dimensions: number | null | undefined): Float32Array {
  if (dimensions == null || dimensions === vector.length) return vector
  if (dimensions < vector.length && isMatryoshka(model)) return normalize(vector.subarray(0, dimensions))
  const message = `this model gives ${vector.length} dimensions; leave dimensions out`
  throw new ParleyError('unsupported', message, { param: 'dimensions' })
}

/** Families whose authors document that their vectors may be cut. */
function isMatryoshka(model: LoadedModel): boolean {
  const name = String(model.file.header.metadata.get('general.name') ?? '')
  return /nomic.?embed.*v1\.5|nomic.?embed.*v2|qwen3.?embedding|embedding.?gemma/i.test(name)
}
