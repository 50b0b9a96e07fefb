import { z } from 'zod'

/** Words to sound. The answer is bytes of whatever format was asked for. https://platform.openai.com/docs/api-reference/audio */
export const SpeechRequest = z.looseObject({
  model: z.string().min(1),
  input: z.string().min(1),
  response_format: z.string().nullish(),
  stream_format: z.string().nullish(),
})
export type SpeechRequest = z.infer<typeof SpeechRequest>
