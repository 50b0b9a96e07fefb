import { z } from 'zod'
import { count, httpUrl, milliseconds, shortName } from './values.ts'

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

const upstream = z
  .strictObject({
    name: shortName().describe('What this node calls the server.'),
    url: httpUrl().describe('Base URL of an OpenAI-compatible API, with its `/v1`.'),
    keyEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'is the name of an environment variable')
      .optional()
      .describe('Environment variable that holds the API key.'),
    keyFile: z.string().min(1).optional().describe('File that holds the API key.'),
    models: z.array(shortName()).max(1_000).default([]).describe('Models to offer; empty asks the server.'),
  })
  .refine(({ keyEnv, keyFile }) => keyEnv === undefined || keyFile === undefined, {
    path: ['keyFile'],
    message: 'and keyEnv are both set: keep one',
  })

export const upstreamsSection = z
  .array(upstream)
  .max(64)
  .refine(list => new Set(list.map(({ name }) => name)).size === list.length, 'has two entries of the same name')
  .default([])
  .describe('OpenAI-compatible servers: `name`, `url`, `keyEnv` or `keyFile`, and optionally `models`.')

export const routingSection = z
  .strictObject({
    policy: z
      .enum(['balanced', 'cheapest', 'fastest', 'trusted'])
      .default('balanced')
      .describe(
        'Which provider is tried first: a weighing of all, the lowest price, the quickest by own measurement, or the most reliable with most stake.',
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
    attemptsMax: count(32).default(4).describe('Providers tried for one call before it fails.'),
  })
  .describe('Which provider answers.')

export const timeoutsSection = z
  .strictObject({
    connectMs: milliseconds().default(10_000).describe('To reach a provider.'),
    firstTokenMs: milliseconds().default(60_000).describe('To the first token; then the next provider is tried.'),
    idleMs: milliseconds().default(30_000).describe('Between two tokens.'),
    totalMs: milliseconds().default(600_000).describe('For a whole answer.'),
    stopMs: milliseconds(600_000).default(25_000).describe('For running answers to end when the node is told to stop.'),
  })
  .describe('How long to wait.')
