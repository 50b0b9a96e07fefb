import { z } from 'zod'
import { StreamOptions } from './chat.ts'
import { Usage } from './usage.ts'
import { wholeNumber } from './whole-number.ts'

/** Legacy completions: what editors use for autocomplete. https://platform.openai.com/docs/api-reference/completions */
export const CompletionRequest = z.looseObject({
  model: z.string().min(1),
  prompt: z.union([
    z.string(),
    z.array(z.string()).min(1),
    z.array(z.number().int()).min(1),
    z.array(z.array(z.number().int())),
  ]),
  suffix: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: StreamOptions.nullish(),
  /** 0 asks for the prompt alone, with `echo`, and for what the model makes of it. */
  max_tokens: z.number().int().nonnegative().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  seed: wholeNumber.nullish(),
  n: z.number().int().min(1).max(128).nullish(),
  /** Of how many answers the `n` best are told. */
  best_of: z.number().int().min(1).max(128).nullish(),
  echo: z.boolean().nullish(),
})
export type CompletionRequest = z.infer<typeof CompletionRequest>

/** Whether more answers are made than told. */
export function picksBest({ best_of }: Pick<CompletionRequest, 'best_of'>): boolean {
  return (best_of ?? 1) > 1
}

/** Whether servers answer it in one body alone: what is chosen in the end, and what says no new word, is no stream. */
export function comesWhole({ stream, best_of, max_tokens }: CompletionRequest): boolean {
  return stream !== true && (picksBest({ best_of }) || max_tokens === 0)
}

export const CompletionChunk = z.looseObject({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.number(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.number().int(),
      text: z.string(),
      finish_reason: z.string().nullish(),
      logprobs: z.unknown().optional(),
    }),
  ),
  usage: Usage.nullish(),
})
export type CompletionChunk = z.infer<typeof CompletionChunk>
