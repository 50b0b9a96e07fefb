import { z } from 'zod'
import { count } from './values.ts'

const weekSeconds = 7 * 24 * 60 * 60

export const cacheSection = z
  .strictObject({
    scope: z
      .enum(['off', 'own', 'shared'])
      .default('off')
      .describe(
        'Whose answers a call may get again, for keys that say nothing else: `off` nobody’s; `own` those to the same key; `shared` also those to other keys of its project that share.',
      ),
    ttlSeconds: count(weekSeconds).default(3_600).describe('How long an answer is kept.'),
    nonDeterministic: z
      .boolean()
      .default(true)
      .describe(
        'Whether text is kept that a model would say otherwise the next time; `false`: only where a request has a temperature of 0 or a seed.',
      ),
    entryMaxBytes: z
      .int()
      .min(1_024)
      .max(16 * 1024 ** 2)
      .default(1024 ** 2)
      .describe('Longer answers are not kept.'),
    memoryMaxBytes: z
      .int()
      .min(1024 ** 2)
      .max(16 * 1024 ** 3)
      .default(128 * 1024 ** 2)
      .describe(
        'What answers kept in the memory of this node may take; the one unused for longest goes first. In Redis its `maxmemory` is the bound.',
      ),
  })
  .describe('Answers that are kept for equal calls.')
