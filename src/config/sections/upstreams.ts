import { z } from 'zod'
import { count, dollars, httpUrl, shortName } from './values.ts'

const price = z.strictObject({
  model: z.string().min(1).max(200).default('*').describe('Which models; `*` stands for any letters, `?` for one.'),
  in: dollars().optional().describe('Dollars per million tokens of the prompt.'),
  out: dollars().optional().describe('Dollars per million tokens of the answer.'),
  image: dollars().optional().describe('Dollars for each image made.'),
  minute: dollars().optional().describe('Dollars per minute of sound heard.'),
  characters: dollars().optional().describe('Dollars per million characters spoken.'),
})

/** What one entry of `prices` says, as it is written; the first that fits a model holds. */
export type ModelPrice = z.output<typeof price>

const kinds = ['openai', 'anthropic', 'google', 'mistral', 'cohere', 'bedrock', 'azure'] as const

/** What an upstream is wherever it is written down: in a file or in the store. */
const fields = {
  url: httpUrl().optional().describe('Base URL with its version; kinds with an address of their own need none.'),
  region: z
    .string()
    .regex(/^[a-z]{2,6}(?:-[a-z]{2,12}){1,3}-\d{1,2}$/, 'is a region of AWS, like "eu-central-1"')
    .optional()
    .describe('Region of Amazon Bedrock.'),
  resource: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i, 'is the name of a resource: letters, digits and - only')
    .optional()
    .describe('Resource of Azure OpenAI.'),
  models: z.array(shortName()).max(1_000).default([]).describe('Models to offer; empty asks the server.'),
  weight: z
    .number()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('Its share among those of its priority; 1 when missing.'),
  priority: count(100).optional().describe('A lower one is asked first; 1 when missing.'),
  prices: z.array(price).max(1_000).default([]).describe('What its models cost, for budgets and for `cheapest`.'),
}

const variableName = () =>
  z
    .string()
    .regex(/^(?:[A-Za-z_][A-Za-z0-9_]{0,127}|ENDPOINTS\[\d{1,3}\])$/, 'is the name of an environment variable')
    .refine(name => !name.startsWith('PARLEY_'), 'is a variable of this node itself: its secrets go to no server')

const upstream = z
  .strictObject({
    name: shortName().describe('What this node calls the server.'),
    kind: z.enum(kinds).default('openai').describe('What it speaks: `openai` for every OpenAI-compatible API.'),
    keyEnv: variableName().optional().describe('Environment variable that holds the API key.'),
    keyFile: z.string().min(1).optional().describe('File that holds the API key.'),
    ...fields,
  })
  .refine(({ keyEnv, keyFile }) => keyEnv === undefined || keyFile === undefined, {
    path: ['keyFile'],
    message: 'and keyEnv are both set: keep one',
  })
  .superRefine((entry, context) => {
    const hasKey = (entry.keyEnv ?? entry.keyFile) !== undefined
    for (const [key, message] of missingIn({ ...entry, hasKey }))
      context.addIssue({ code: 'custom', path: [key], message })
  })

/**
 * The same as it is stored: its name, kind and key are columns of their own. No `keyFile`, or whoever may write rows could
 * send the files of this machine to a server.
 */
export const storedUpstream = z.strictObject({ ...fields, keyEnv: variableName().optional() })

/** What services are called in rows; a server that speaks OpenAI's protocol has two names. */
export const storedKind = z
  .enum([...kinds, 'openai-compatible'])
  .transform(kind => (kind === 'openai-compatible' ? 'openai' : kind))

interface UpstreamEntry {
  readonly kind: string
  readonly url?: string | undefined
  readonly region?: string | undefined
  readonly resource?: string | undefined
  readonly hasKey: boolean
  readonly models: readonly string[]
}

/** What a kind cannot do without. A proxy, which has a URL, may keep the key; Bedrock may sign with an AWS account's. */
export function missingIn({ kind, url, region, resource, hasKey, models }: UpstreamEntry): [string, string][] {
  const takesKey = kind !== 'openai' && kind !== 'bedrock'
  const isUnlisted = kind === 'bedrock' || kind === 'azure'
  const problems: (readonly [isMissing: boolean, key: string, message: string])[] = [
    [kind === 'openai' && url === undefined, 'url', 'is missing'],
    [kind === 'bedrock' && (region ?? url) === undefined, 'region', 'is missing: bedrock has an address in each'],
    [kind === 'azure' && (resource ?? url) === undefined, 'resource', 'is missing: azure gives each its address'],
    [takesKey && !hasKey && url === undefined, 'keyEnv', `is missing: ${kind} wants a key, from keyEnv or keyFile`],
    [isUnlisted && models.length === 0, 'models', `is empty: ${kind} has no list to ask for, so name its models`],
  ]
  return problems.flatMap(([isMissing, key, message]) => (isMissing ? [[key, message]] : []))
}

export const upstreamsSection = z
  .array(upstream)
  .max(64)
  .refine(list => new Set(list.map(({ name }) => name)).size === list.length, 'has two entries of the same name')
  .default([])
  .describe(
    'AI services: `name`, `kind`, `url` (or `region`, `resource`), `keyEnv` or `keyFile`, and optionally `models`, `weight`, `priority`, `prices`; see docs/providers.md.',
  )
