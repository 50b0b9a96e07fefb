import { z } from 'zod'
import { type Actor, type KeyView, type Management, ParleyError } from '../../core/index.ts'
import { Preset } from '../../openai/index.ts'
import { declareIn } from './route.ts'
import { Flag, given, Id, Json, KeyId, listOf, Name, pageFields, pageOf, Time, Units, UnitsIn } from './schemas.ts'

const declare = declareIn('keys')

const Key = z
  .object({
    id: z.string(),
    name: z.string(),
    tail: z.string().describe('Its last four characters.'),
    project: z.string().nullable(),
    userId: z.string().nullable(),
    models: z.array(z.string()).readonly().nullable().describe('Null for every model.'),
    rpm: z.int().nullable(),
    tpm: z.int().nullable(),
    parallel: z.int().nullable(),
    maxPrice: Units.nullable(),
    maxPerDay: Units.nullable(),
    budgetId: z.string().nullable(),
    preset: Json.nullable(),
    archive: z.enum(['on', 'off', 'default']),
    redact: Json.nullable(),
    cache: z.enum(['own', 'shared', 'off', 'default']),
    expiresAt: Time.nullable(),
    replacedBy: z.string().nullable(),
    createdAt: Time,
    revokedAt: Time.nullable(),
    lastUsedAt: Time.nullable(),
  })
  .meta({ id: 'Key' })

const NewKeyAnswer = z.object({ key: Key, secret: z.string().describe('Shown this once.') }).meta({ id: 'NewKey' })

const limit = (max: number) => z.int().min(1).max(max).nullable()

/** What an operator sets; what is null is not bounded. */
const settings = {
  project: Name.nullable(),
  userId: Id.nullable(),
  models: z.array(z.string().min(1).max(200)).max(1_000).nullable(),
  rpm: limit(10_000_000),
  tpm: limit(1_000_000_000),
  parallel: limit(100_000),
  maxPrice: UnitsIn.nullable(),
  maxPerDay: UnitsIn.nullable(),
  budgetId: Id.nullable(),
  preset: Preset.nullable().describe('What is added to its calls, unseen by its callers.'),
  archive: z.enum(['on', 'off', 'default']),
  redact: Json.nullable().describe(
    'What is taken out of texts before they are archived: `kinds` (email, phone, card, iban, address, secret) and `words`.',
  ),
  cache: z.enum(['own', 'shared', 'off', 'default']),
}
const expiresAt = z.iso
  .datetime({ offset: true })
  .transform(text => Date.parse(text))
  .nullable()

const KeyWish = z.strictObject({ name: Name, ...optional(settings), expiresAt: expiresAt.optional() })
const KeyUpdate = z.strictObject({ name: Name.optional(), ...optional(settings), expiresAt: expiresAt.optional() })

function optional<T extends Record<string, z.ZodType>>(fields: T): { [K in keyof T]: z.ZodOptional<T[K]> } {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.optional()])) as never
}

const graceMaxSeconds = 30 * 86_400
const params = { id: KeyId }

export const keyRoutes = [
  declare(
    'GET /keys',
    {
      access: 'user',
      summary: 'Lists API keys; those of the role `user` see their own.',
      query: z.strictObject({
        project: Name.optional(),
        userId: Id.optional(),
        revoked: Flag.optional(),
        ...pageFields,
      }),
      answer: listOf(Key),
    },
    async ({ query: { page, limit, revoked, ...filter }, actor }, { keys }) => {
      const own = actor?.role === 'user' ? ownOf(actor) : {}
      const wanted = { ...given({ ...filter, isRevoked: revoked }), ...own }
      return pageOf(await keys.list(wanted, { page, limit }), { page, limit })
    },
  ),
  declare(
    'POST /keys',
    {
      access: 'user',
      summary: 'Makes an API key. The role `user` makes keys of its own and sets name, models and end alone.',
      body: KeyWish,
      answer: NewKeyAnswer,
      status: 201,
    },
    async ({ body, actor }, { keys }) => await keys.create({ ...allowed(given(body), actor), ...ownOf(actor) }),
  ),
  declare(
    'GET /keys/:id',
    { access: 'user', params, summary: 'Shows an API key.', answer: Key },
    async ({ params, actor }, { keys }) => {
      const key = await keys.get(params.id!)
      return actor?.role === 'viewer' ? key : own(key, actor)
    },
  ),
  declare(
    'PUT /keys/:id',
    { access: 'user', params, summary: 'Changes what is given of an API key.', body: KeyUpdate, answer: Key },
    async ({ params, body, actor }, management) => {
      await ownKey(management, params.id!, actor)
      return await management.keys.update(params.id!, allowed(given(body), actor))
    },
  ),
  declare(
    'POST /keys/:id/rotate',
    {
      access: 'user',
      params,
      summary: 'Makes a key in the place of one, which goes on working for a while.',
      body: z.strictObject({ graceSeconds: z.int().min(0).max(graceMaxSeconds).default(3_600) }),
      answer: NewKeyAnswer,
      status: 201,
    },
    async ({ params, body, actor }, management) => {
      await ownKey(management, params.id!, actor)
      return await management.keys.rotate(params.id!, body.graceSeconds * 1_000)
    },
  ),
  declare(
    'DELETE /keys/:id',
    { access: 'user', params, summary: 'Revokes an API key; it opens nothing from now on.' },
    async ({ params, actor }, management) => {
      await ownKey(management, params.id!, actor)
      await management.keys.revoke(params.id!)
    },
  ),
]

/** Whoever has no right to limits must not lift his own, nor give his keys to others. */
const ownFields = ['name', 'models', 'expiresAt']

function allowed<T extends object>(wish: T, actor: Actor | undefined): T {
  if (mayChangeAll(actor)) return wish
  const other = Object.keys(wish).find(field => !ownFields.includes(field))
  if (other === undefined) return wish
  throw new ParleyError('forbidden', `${other} is set by an operator; leave it out`, { param: other })
}

function ownOf(actor: Actor | undefined): { userId?: string } {
  return mayChangeAll(actor) ? {} : { userId: actor?.id ?? '' }
}

function mayChangeAll(actor: Actor | undefined): boolean {
  return actor?.role === 'operator' || actor?.role === 'admin'
}

async function ownKey({ keys }: Management, id: string, actor: Actor | undefined): Promise<KeyView> {
  return own(await keys.get(id), actor)
}

function own(key: KeyView, actor: Actor | undefined): KeyView {
  if (mayChangeAll(actor) || key.userId === actor?.id) return key
  throw new ParleyError('not_found', 'you have no such key; list yours')
}
