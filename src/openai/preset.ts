import { z } from 'zod'

/** What is the caller's alone to say: which model, what it is asked, and how the answer is sent. */
const callersOwn = ['model', 'messages', 'prompt', 'input', 'stream', 'stream_options']

const parameters = z
  .record(z.string().min(1).max(100), z.unknown())
  .refine(fields => !callersOwn.some(name => Object.hasOwn(fields, name)), {
    error: `cannot hold ${callersOwn.join(', ')}: those are the caller's`,
  })
const promptMaxLength = 200_000

/** What is added to the calls of a project, unseen by its callers. */
export const Preset = z.strictObject({
  /** Stands before everything a chat says, and before the prompt of a completion. */
  system: z.string().min(1).max(promptMaxLength).nullish(),
  /** Parameters of calls that do not name them. */
  defaults: parameters.nullish(),
  /** Parameters of every call. */
  forced: parameters.nullish(),
  /** What becomes of a caller's own system text, and of its own value for one of the defaults. */
  own: z.enum(['wins', 'refused']).default('wins'),
  /** Names callers use, and the models they stand for. */
  aliases: z.record(z.string().min(1).max(200), z.string().min(1).max(200)).nullish(),
})
export type Preset = z.infer<typeof Preset>
