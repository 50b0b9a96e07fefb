import { z } from 'zod'
import type { Folder } from './fold.ts'

/** Embeddings. The official SDKs ask for base64 unless told otherwise. https://platform.openai.com/docs/api-reference/embeddings */
export const EmbeddingRequest = z.looseObject({
  model: z.string().min(1),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(2_048),
    z.array(z.number().int()).min(1),
    z.array(z.array(z.number().int()).min(1)).min(1).max(2_048),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.number().int().positive().nullish(),
  user: z.string().nullish(),
})
export type EmbeddingRequest = z.infer<typeof EmbeddingRequest>

export const EmbeddingResponse = z.looseObject({
  object: z.literal('list'),
  model: z.string(),
  data: z.array(
    z.looseObject({
      object: z.literal('embedding'),
      index: z.number().int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  usage: z.looseObject({ prompt_tokens: z.number().int(), total_tokens: z.number().int() }),
})
export type EmbeddingResponse = z.infer<typeof EmbeddingResponse>

/** Little-endian float32 in base64: the compact form the SDKs decode. */
export function toBase64(vector: readonly number[] | Float32Array): string {
  const floats = Float32Array.from(vector)
  return Buffer.from(floats.buffer).toString('base64')
}

/** The numbers of such a text. */
export function fromBase64(text: string): number[] {
  const bytes = Buffer.from(text, 'base64')
  return Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readFloatLE(i * 4))
}

/** The one body of the answer, in the form its caller asked for where the backend chose the other. */
export function embeddingFolder(format: EmbeddingRequest['encoding_format']): Folder {
  let body: { data?: unknown; usage?: unknown } = {}
  return {
    add: chunk => {
      body = chunk.json() as typeof body
    },
    body: counted => ({
      ...body,
      ...(Array.isArray(body.data) && { data: body.data.map(item => inFormat(item, format)) }),
      ...(body.usage == null &&
        counted !== undefined && {
          usage: { prompt_tokens: counted.prompt_tokens, total_tokens: counted.total_tokens },
        }),
    }),
  }
}

/** Nested and quantised vectors, which some servers give, stay as they are. */
function inFormat(item: unknown, format: EmbeddingRequest['encoding_format']): unknown {
  const { embedding } = item as { embedding?: unknown }
  if (format === 'base64' && Array.isArray(embedding) && typeof embedding[0] === 'number') {
    return { ...(item as object), embedding: toBase64(embedding) }
  }
  if (format !== 'base64' && typeof embedding === 'string') {
    return { ...(item as object), embedding: fromBase64(embedding) }
  }
  return item
}
