import { z } from 'zod'

/** Documents in the order of how well they answer a query: not OpenAI's, but common to those that have it (Cohere, Jina, vLLM). */
export const RerankRequest = z.looseObject({
  model: z.string().min(1),
  query: z.string().min(1),
  documents: z
    .array(z.union([z.string(), z.looseObject({})]))
    .min(1)
    .max(10_000),
  top_n: z.number().int().positive().nullish(),
})
export type RerankRequest = z.infer<typeof RerankRequest>
