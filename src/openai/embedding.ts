import { z } from 'zod'

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
