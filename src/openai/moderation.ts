import { z } from 'zod'

/** Whether words or pictures may be harmful. https://platform.openai.com/docs/api-reference/moderations */
export const ModerationRequest = z.looseObject({
  model: z.string().min(1),
  input: z.union([
    z.string(),
    z.array(z.string()).min(1).max(2_048),
    z
      .array(z.looseObject({ type: z.string() }))
      .min(1)
      .max(2_048),
  ]),
})
export type ModerationRequest = z.infer<typeof ModerationRequest>
