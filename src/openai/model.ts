import { z } from 'zod'

const tokens = z.number().int().positive().optional().catch(undefined)

/**
 * An entry of `/v1/models`: OpenAI's four fields and what clients look for beside them. A value that is not known, or that
 * a server means otherwise, is left out.
 */
export const Model = z.looseObject({
  id: z.string().min(1),
  object: z.literal('model'),
  /** Unix seconds. */
  created: z.number().int(),
  owned_by: z.string(),
  /** Tokens of prompt and answer together. */
  context_length: tokens,
  max_model_len: tokens,
  max_output_tokens: tokens,
  /** What it can do: `chat`, `completion`, `embedding`, `tools`. */
  capabilities: z.array(z.string()).optional().catch(undefined),
  /** Price per million units (tokens when missing) in and out, decimal strings in the smallest unit of the escrow's token. */
  pricing: z
    .looseObject({ prompt: z.string(), completion: z.string(), unit: z.string().optional(), currency: z.string() })
    .optional()
    .catch(undefined),
  /** How many providers can answer with it. */
  providers: z.number().int().optional().catch(undefined),
})
export type Model = z.infer<typeof Model>

const Shown = z.object(Model.shape)

/** An entry as this node shows it: what a server says of its models beyond that is its own affair. */
export function shownModel(model: Model): Model {
  return Shown.parse(model)
}

export const ModelList = z.looseObject({ object: z.literal('list').optional(), data: z.array(Model) })
