import { z } from 'zod'

/** Pictures from words. https://platform.openai.com/docs/api-reference/images/create */
export const ImageRequest = z.looseObject({
  model: z.string().min(1),
  prompt: z.string().min(1),
  n: z.number().int().min(1).max(128).nullish(),
  stream: z.boolean().nullish(),
})
export type ImageRequest = z.infer<typeof ImageRequest>
