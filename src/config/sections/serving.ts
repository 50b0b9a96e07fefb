import { z } from 'zod'
import { routingPolicies } from '../../core/index.ts'
import { routingRules } from './rules.ts'
import { count, milliseconds, shortName } from './values.ts'

const localModel = z.strictObject({
  id: shortName().describe('The public name of the model.'),
  path: z.string().min(1).describe('GGUF file, absolute or in the models directory.'),
  contextTokens: count(10_000_000).optional().describe('Context to reserve; the model decides when missing.'),
  parallel: count(1_024).optional().describe('Answers written at once.'),
  threads: count(1_024).optional().describe('CPU threads; measured when missing.'),
})

export const modelsSection = z
  .strictObject({
    directory: z
      .string()
      .min(1)
      .optional()
      .describe('Where GGUF files are kept; `models` in the data directory when missing.'),
    nano: z
      .boolean()
      .default(true)
      .describe('Whether to serve the tiny built-in model, which answers offline and at once but knows little.'),
    local: z
      .array(localModel)
      .max(64)
      .default([])
      .describe('Models served by this machine: `id`, `path`, and optionally `contextTokens`, `parallel`, `threads`.'),
  })
  .describe('Models on this machine.')

export const routingSection = z
  .strictObject({
    policy: z
      .enum(routingPolicies)
      .default('balanced')
      .describe(
        'Who of one priority is asked first: a weighing of all (`balanced`), by chance and weight (`weighted`), as listed (`priority`), the quickest by own measurement (`fastest`), the lowest price (`cheapest`), who has least to do for its weight (`least-busy`), this machine and then peers (`private`), or the most reliable with most stake (`trusted`).',
      ),
    allow: z
      .array(z.string().min(1).max(200))
      .max(1_000)
      .default([])
      .describe('Peers that may be bought from, by provider address or peer id; empty allows all.'),
    expose: z
      .enum(['all', 'endpoints'])
      .default('all')
      .describe('Whether apps may ask for every model there is, or only for the names in `endpoints`.'),
    attemptsMax: count(32)
      .default(4)
      .describe('How often providers are asked for one call before it fails, over all providers and fallback models.'),
    sameProviderRetries: z
      .number()
      .int()
      .min(0)
      .max(8)
      .default(0)
      .describe('How often the same provider is asked again before the next one; 0: only when no other is left.'),
    hedge: z
      .boolean()
      .default(false)
      .describe(
        'Whether a second provider of a model is asked when the first word of the first is later than 95 of 100 of its first words; the quicker one answers.',
      ),
    hedgePercentMax: z
      .number()
      .min(0.1)
      .max(100)
      .default(5)
      .describe('How many of 100 calls may be given a second provider that way.'),
    rules: routingRules(),
  })
  .describe('Which provider answers.')

export const timeoutsSection = z
  .strictObject({
    connectMs: milliseconds().default(10_000).describe('To reach a provider.'),
    headersMs: milliseconds()
      .default(60_000)
      .describe('To the head of a streamed answer of an upstream; many servers send it with the first token.'),
    firstTokenMs: milliseconds().default(60_000).describe('To the first token; then the next provider is tried.'),
    idleMs: milliseconds().default(30_000).describe('Between two tokens.'),
    totalMs: milliseconds().default(600_000).describe('For a whole answer.'),
    stopMs: milliseconds(600_000).default(25_000).describe('For running answers to end when the node is told to stop.'),
  })
  .describe('How long to wait.')
