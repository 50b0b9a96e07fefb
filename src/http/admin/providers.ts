import { z } from 'zod'
import { ParleyError, providerTypes, type TokenCall, type Trial } from '../../core/index.ts'
import { declareIn, known } from './route.ts'
import { given, Id, Json, listOf, Name, pageFields, pageOf, Time } from './schemas.ts'

const declare = declareIn('providers')

const status = z.enum(['active', 'disabled'])

export const LiveState = z.object({
  name: z.string(),
  source: z.enum(['file', 'store', 'code']),
  kind: z.string(),
  state: z.enum(['up', 'resting', 'down']),
  coolsDownUntil: Time.optional(),
  lastErrorCode: z.string().optional(),
  models: z.array(z.string()).readonly(),
  running: z.int(),
})

const Provider = z
  .object({
    id: Id,
    name: z.string(),
    type: z.enum(providerTypes),
    provider: z.string().describe('The kind of service, like `openai`.'),
    config: Json,
    status,
    keySource: z.enum(['none', 'variable', 'sealed']),
    keyHint: z.string().nullable().describe('`env:NAME`, or the last four characters of a long key.'),
    live: LiveState.nullable().describe('How it is now; null for one that is not in use.'),
    createdAt: Time,
    updatedAt: Time,
  })
  .meta({ id: 'Provider' })

const keyMaxLength = 10_000
const Key = z
  .string()
  .trim()
  .min(1)
  .max(keyMaxLength)
  .regex(/^[\x21-\x7e]+$/, { error: 'holds a character no key has' })
  .describe('Kept sealed and never sent back; `env:NAME` reads it from a variable of the node.')

const kind = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, { error: 'is no kind of service' })
  .describe('The kind of service; `openai` for every OpenAI-compatible API.')

export const ProviderName = Name.regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/, {
  error: 'holds more than letters, digits and . _ : / -',
})

const newProvider = {
  name: ProviderName,
  provider: kind.default('openai'),
  config: Json.describe('As an entry of `upstreams` in the configuration: `url`, `models`, `prices`, …'),
  key: Key.optional(),
  status: status.default('active'),
}

const NewProvider = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('api'), ...newProvider }),
    z.strictObject({ type: z.literal('web'), ...newProvider, provider: kind.default('page') }),
  ],
  {
    error: ({ code }) =>
      String(code) === 'invalid_type' ? 'is not an object; send one' : 'is none of api, web; send one of them',
  },
)

const ProviderUpdate = z.strictObject({
  name: newProvider.name.optional(),
  provider: kind.optional(),
  config: newProvider.config.optional(),
  key: Key.nullish().describe('Left out, it stays; null takes it away.'),
  status: status.optional(),
})

const testTimeoutMs = 30_000

const Test = z.strictObject({
  model: z.string().min(1).max(300),
  prompt: z.string().min(1).max(100_000).default('Say hello in one word.'),
  parameters: Json.default({}).describe('Further fields of the request, like `max_tokens`.'),
  timeoutMs: z.int().min(100).max(120_000).default(testTimeoutMs),
})

const TestResult = z
  .object({
    ok: z.boolean(),
    latencyMs: z.number(),
    firstChunkMs: z.number().nullable(),
    model: z.string().nullable().describe('As the provider names it.'),
    text: z.string().nullable().describe('The answer, or its beginning.'),
    usage: z.looseObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() }).nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: 'TestResult' })

/** Say what is asked and how it is sent, which is not for parameters to say. */
const fixedFields = ['model', 'messages', 'stream', 'stream_options']

export const providerRoutes = [
  declare(
    'GET /providers',
    {
      access: 'viewer',
      summary: 'Lists the providers that were set up here; those of the configuration file are in the status.',
      query: z.strictObject({ type: z.enum(providerTypes).optional(), status: status.optional(), ...pageFields }),
      answer: listOf(Provider),
    },
    async ({ query: { page, limit, ...filter } }, { providers }) =>
      pageOf(await providers.list(given(filter), { page, limit }), { page, limit }),
  ),
  declare(
    'POST /providers',
    {
      access: 'operator',
      summary: 'Sets up a provider; the next call may be answered by it.',
      body: NewProvider,
      answer: Provider,
      status: 201,
    },
    async ({ body, actor }, { providers }) => await providers.create(body, known(actor)),
  ),
  declare(
    'GET /providers/:id',
    { access: 'viewer', summary: 'Shows a provider.', answer: Provider },
    async ({ params }, { providers }) => await providers.get(params.id!),
  ),
  declare(
    'PUT /providers/:id',
    {
      access: 'operator',
      summary: 'Changes what is given of a provider. Running calls end as they began.',
      body: ProviderUpdate,
      answer: Provider,
    },
    async ({ params, body, actor }, { providers }) => await providers.update(params.id!, given(body), known(actor)),
  ),
  declare(
    'DELETE /providers/:id',
    { access: 'operator', summary: 'Removes a provider that no endpoint names; its requests stay.' },
    async ({ params }, { providers }) => await providers.remove(params.id!),
  ),
  declare(
    'POST /providers/:id/test',
    {
      access: 'operator',
      summary: 'Asks a provider once. Neither counted nor recorded.',
      body: Test,
      answer: TestResult,
    },
    async ({ params, body, signal }, { providers }) => {
      const bound = AbortSignal.any([signal, AbortSignal.timeout(body.timeoutMs)])
      return resultOf(await providers.test(params.id!, callOf(body), bound))
    },
  ),
]

function callOf({ model, prompt, parameters }: z.output<typeof Test>): TokenCall {
  const wrong = fixedFields.find(name => Object.hasOwn(parameters, name))
  if (wrong !== undefined) {
    throw new ParleyError('invalid_request', `parameters cannot hold ${wrong}; leave it out`, { param: 'parameters' })
  }
  return { task: 'chat', body: { ...parameters, model, messages: [{ role: 'user', content: prompt }] } }
}

function resultOf(trial: Trial): z.input<typeof TestResult> {
  if (trial.ok) {
    const { ms, firstChunkMs, model, text, usage } = trial
    return { ok: true, latencyMs: ms, firstChunkMs, model, text, usage, error: null }
  }
  const { code, message } = trial.error
  const nothing = { firstChunkMs: null, model: null, text: null, usage: null }
  return { ok: false, latencyMs: trial.ms, ...nothing, error: { code, message } }
}
