import { z } from 'zod'
import { type EndpointRow, routingPolicies } from '../../core/index.ts'
import { declareIn } from './route.ts'
import { Flag, given, Id, Json, listOf, pageFields, pageOf, Time } from './schemas.ts'

const declare = declareIn('endpoints')

const shortName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, {
  error: 'is no name: letters, digits and . _ : / - only',
})

const target = z.strictObject({
  provider: shortName.optional().describe('Who answers; whoever has the model when missing.'),
  model: shortName.optional().describe('The name the model has there; the same when missing.'),
  weight: z.number().min(0).max(1_000_000).default(1).describe('Its share among targets of its priority.'),
  priority: z.int().min(1).max(100).default(1).describe('A lower one is asked first.'),
})

const namesMax = 1_000

/** Model names of this node's own: who answers them, and what else they are called. */
export const Mapping = z
  .record(
    shortName,
    z.strictObject({
      targets: z.array(target).min(1).max(64),
      aliases: z.array(shortName).max(64).default([]),
      policy: z
        .enum(routingPolicies)
        .optional()
        .describe(
          'How targets of one priority are ordered; that of the node when missing, `weighted` where that is `balanced` and their weights differ.',
        ),
      continues: z.boolean().optional().describe('Whether an answer that breaks off is continued by another target.'),
    }),
  )
  .refine(mapping => Object.keys(mapping).length <= namesMax, { error: `has more than ${namesMax} names` })

const Endpoint = z
  .object({
    id: Id,
    path: z.string(),
    active: z.boolean(),
    mapping: Json,
    updatedAt: Time.nullable().describe('Null while nobody has changed it.'),
  })
  .meta({ id: 'Endpoint' })

const DryRunResult = z
  .object({
    provider: z.string().nullable().describe('Who would be asked first; null where nobody would.'),
    model: z.string().describe('The name the model has there.'),
    reason: z.string().nullable().describe('Why nobody would be asked.'),
    body: Json.describe('What would be sent, beside that it is asked for as a stream.'),
    candidates: z.array(z.object({ name: z.string(), place: z.int().optional(), why: z.string() })).readonly(),
  })
  .meta({ id: 'DryRun' })

/** What was there from the start has no time. */
function shown({ isActive, updatedAt, ...row }: EndpointRow) {
  return { ...row, active: isActive, updatedAt: updatedAt === 0 ? null : updatedAt }
}

export const endpointRoutes = [
  declare(
    'GET /endpoints',
    {
      access: 'viewer',
      summary: 'Lists the API paths that can be configured.',
      query: z.strictObject({
        status: z.enum(['active', 'inactive']).optional(),
        active: Flag.optional(),
        ...pageFields,
      }),
      answer: listOf(Endpoint),
    },
    async ({ query: { page, limit, status, active } }, { endpoints }) => {
      const isActive = active ?? (status === undefined ? undefined : status === 'active')
      const listing = await endpoints.list(given({ isActive }), { page, limit })
      return pageOf({ ...listing, rows: listing.rows.map(shown) }, { page, limit })
    },
  ),
  declare(
    'GET /endpoints/:id',
    { access: 'viewer', summary: 'Shows an API path and its model names.', answer: Endpoint },
    async ({ params }, { endpoints }) => shown(await endpoints.get(params.id!)),
  ),
  declare(
    'PUT /endpoints/:id',
    {
      access: 'operator',
      summary: 'Opens or closes an API path, or replaces its model names.',
      body: z.strictObject({ active: z.boolean().optional(), mapping: Mapping.optional() }),
      answer: Endpoint,
    },
    async ({ params, body: { active, mapping } }, { endpoints }) =>
      shown(await endpoints.update(params.id!, given({ isActive: active, mapping }))),
  ),
  declare(
    'POST /endpoints/:id/test',
    {
      access: 'operator',
      summary: 'Says who would answer a request and what would be sent, and sends nothing.',
      isTold: false,
      body: z.strictObject({ request: Json.describe('The body an app would send to this path.') }),
      answer: DryRunResult,
    },
    async ({ params, body }, { endpoints }) => await endpoints.dryRun(params.id!, body.request),
  ),
]
