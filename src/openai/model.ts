import { z } from 'zod'

/** An entry of `/v1/models`: OpenAI's four fields and what clients look for beside them. Unknown values are left out. */
export const Model = z.looseObject({
  id: z.string().min(1),
  object: z.literal('model'),
  /** Unix seconds. */
  created: z.number().int(),
  owned_by: z.string(),
  /** Tokens of prompt and answer together. */
  context_length: z.number().int().positive().optional(),
  max_model_len: z.number().int().positive().optional(),
  max_output_tokens: z.number().int().positive().optional(),
  /** What it can do: `chat`, `completion`, `embedding`, `tools`. */
  capabilities: z.array(z.string()).optional(),
  /** Price per million tokens, decimal strings in the smallest unit of the escrow's token. */
  pricing: z.looseObject({ prompt: z.string(), completion: z.string(), currency: z.string() }).optional(),
  /** How many providers can answer with it. */
  providers: z.number().int().optional(),
})
export type Model = z.infer<typeof Model>

export const ModelList = z.looseObject({ object: z.literal('list').optional(), data: z.array(Model) })
