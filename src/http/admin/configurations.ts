import { z } from 'zod'
import { configurationSchema, providerTypes } from '../../core/index.ts'
import { Mapping } from './endpoints.ts'
import { ProviderName } from './providers.ts'
import { declareIn, known } from './route.ts'
import { given, Id, Json, listOf, Name, pageFields, pageOf, Time } from './schemas.ts'

const declare = declareIn('configs')

const importMaxBytes = 10 * 1024 * 1024

const Entry = {
  id: Id,
  name: z.string(),
  description: z.string(),
  active: z.boolean(),
  createdAt: Time,
  updatedAt: Time,
}

const Summary = z.object(Entry).meta({ id: 'ConfigurationSummary' })
const Configuration = z.object({ ...Entry, document: Json }).meta({ id: 'Configuration' })

const description = z.string().max(2_000)

/** A whole configuration as it is exported. */
const Document = z
  .strictObject({
    schema: z.literal(configurationSchema, { error: `is not ${configurationSchema}, the only one this node knows` }),
    providers: z
      .array(
        z.strictObject({
          name: ProviderName,
          type: z.enum(['api', 'web']),
          provider: z.string().min(1).max(64),
          config: Json,
          status: z.enum(['active', 'disabled']),
          key: z
            .string()
            .regex(/^env:[A-Za-z_][A-Za-z0-9_]{0,127}$/, { error: 'is not env:NAME; keys are entered by themselves' })
            .optional(),
        }),
      )
      .max(1_000),
    endpoints: z.array(z.strictObject({ path: z.string().max(200), active: z.boolean(), mapping: Mapping })).max(100),
    routing: Json,
  })
  .describe('What `GET /api/configs/export` gives.')

const Exported = z
  .object({
    schema: z.int(),
    providers: z
      .array(
        z.object({
          name: z.string(),
          type: z.enum(providerTypes),
          provider: z.string(),
          config: Json,
          status: z.enum(['active', 'disabled']),
          key: z.string().optional(),
        }),
      )
      .readonly(),
    endpoints: z.array(z.object({ path: z.string(), active: z.boolean(), mapping: Json })).readonly(),
    routing: Json,
  })
  .meta({ id: 'ConfigurationDocument' })

const names = z.array(z.string()).readonly()
const Changes = z
  .object({
    created: names,
    updated: names,
    removed: names,
    endpoints: names,
    routing: z.boolean(),
    withoutKey: names.describe('Providers that have no key now; enter one for those that need it.'),
  })
  .meta({ id: 'ConfigurationChanges' })

function shown<T extends { readonly isActive: boolean }>({ isActive, ...row }: T) {
  return { ...row, active: isActive }
}

export const configurationRoutes = [
  declare(
    'GET /configs',
    {
      access: 'viewer',
      summary: 'Lists the saved configurations.',
      query: z.strictObject(pageFields),
      answer: listOf(Summary),
    },
    async ({ query }, { configurations }) => {
      const listing = await configurations.list(query)
      return pageOf({ ...listing, rows: listing.rows.map(shown) }, query)
    },
  ),
  declare(
    'POST /configs',
    {
      access: 'operator',
      summary: 'Saves what runs now; later changes do not touch it.',
      body: z.strictObject({ name: Name, description: description.default('') }),
      answer: Configuration,
      status: 201,
    },
    async ({ body }, { configurations }) => shown(await configurations.create(body.name, body.description)),
  ),
  declare(
    'GET /configs/export',
    { access: 'operator', summary: 'What runs now, without keys.', answer: Exported },
    async (_, { configurations }) => await configurations.export(),
  ),
  declare(
    'POST /configs/import',
    {
      access: 'operator',
      summary:
        'Puts a configuration in the place of what runs: checked first, all or nothing, and saved under its name.',
      body: z.strictObject({
        config: Document,
        name: Name.optional().describe('How it is saved; the time of the import when missing.'),
        dryRun: z.boolean().default(false).describe('Only says what would change.'),
      }),
      bodyMaxBytes: importMaxBytes,
      answer: Changes,
    },
    async ({ body, actor }, { configurations }) => {
      const name = body.name ?? `import ${new Date().toISOString()}`
      return await configurations.import({ document: body.config, name, isTrial: body.dryRun }, known(actor))
    },
  ),
  declare(
    'GET /configs/:id',
    { access: 'viewer', summary: 'Shows a saved configuration.', answer: Configuration },
    async ({ params }, { configurations }) => shown(await configurations.get(params.id!)),
  ),
  declare(
    'PUT /configs/:id',
    {
      access: 'operator',
      summary: 'Renames or describes a saved configuration.',
      body: z.strictObject({ name: Name.optional(), description: description.optional() }),
      answer: Configuration,
    },
    async ({ params, body }, { configurations }) => shown(await configurations.update(params.id!, given(body))),
  ),
  declare(
    'DELETE /configs/:id',
    { access: 'operator', summary: 'Removes a saved configuration that is not active.' },
    async ({ params }, { configurations }) => await configurations.remove(params.id!),
  ),
  declare(
    'POST /configs/:id/activate',
    {
      access: 'operator',
      summary:
        'Puts a saved configuration in the place of what runs. Every call sees the old one or the new one whole.',
      answer: Changes,
    },
    async ({ params, actor }, { configurations }) => await configurations.activate(params.id!, known(actor)),
  ),
]
