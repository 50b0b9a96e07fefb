import { z } from 'zod'
import { type Actor, ParleyError, type RequestFilter, type RequestRow, statsGroups } from '../../core/index.ts'
import { declareIn } from './route.ts'
import { Dollars, given, Id, Json, KeyId, listOf, pageFields, pageOf, rangeFields, Time, Units } from './schemas.ts'

const declare = declareIn('requests')

const Entry = {
  id: Id,
  timestamp: Time,
  endpoint: z.string(),
  providerId: z.string().nullable(),
  provider: z.string().nullable().describe('Its name at that time.'),
  model: z.string(),
  servedModel: z.string().nullable(),
  status: z.int(),
  errorCode: z.string().nullable(),
  responseTime: z.number().describe('Milliseconds to the end.'),
  firstChunkMs: z.number().nullable(),
  tokensInput: z.int(),
  tokensOutput: z.int(),
  cost: Dollars.nullable().describe('Dollars; null where no price is known.'),
  costUnits: Units.nullable().describe('What a peer was paid, in smallest units of the token.'),
  keyId: z.string().nullable(),
  userId: z.string().nullable(),
  project: z.string().nullable(),
  cache: z.enum(['hit', 'miss', 'off']),
  stream: z.boolean(),
  partial: z.boolean(),
}

const Request = z.object(Entry).meta({ id: 'Request' })
const RequestDetail = z
  .object({
    ...Entry,
    attempts: z
      .array(Json)
      .readonly()
      .describe('Who was asked in turn: `provider`, `model`, `code` (`ok` for the one that answered) and `ms`.'),
    request: Json.describe(
      'Its parameters, without a word of the prompt; `requestId` where the caller named it, else that is the id here.',
    ),
    response: Json.describe('How it ended, without a word of the answer.'),
    input: z.string().nullable().describe('What was asked, where it is archived and you may see it.'),
    output: z.string().nullable().describe('What was answered, likewise.'),
  })
  .meta({ id: 'RequestDetail' })

const name = z.string().min(1).max(200)

const filterFields = {
  provider: name.optional().describe('Name at that time, or id.'),
  endpoint: name.optional().describe('Path, like `/v1/chat/completions`.'),
  model: name.optional(),
  keyId: KeyId.optional(),
  project: name.optional(),
  ...rangeFields,
}

const statusMax = 999
/** `200`, `5xx` or `400-499`, as the least and the most. */
const StatusRange = z
  .string()
  .regex(/^(?:[1-5]\d\d|[1-5]xx|[1-5]\d\d-[1-5]\d\d)$/, { error: 'is no status: write 200, 5xx or 400-499' })
  .transform((text): readonly [number, number] => {
    if (text.endsWith('xx')) return [Number(text[0]) * 100, Number(text[0]) * 100 + 99]
    const [min = '', max = min] = text.split('-')
    return [Number(min), Number(max)]
  })
  .refine(([min, max]) => min <= max && max <= statusMax, { error: 'ends before it begins' })

const Sums = {
  requests: z.int(),
  failures: z.int(),
  cached: z.int(),
  tokensInput: z.int(),
  tokensOutput: z.int(),
  cost: Dollars,
  averageMs: z.number().nullable(),
  p50Ms: z.number().nullable().describe('An estimate: times are counted in steps.'),
  p95Ms: z.number().nullable().describe('Likewise.'),
  maxMs: z.number().nullable(),
}

const Stats = z
  .object({
    buckets: z.array(z.object({ from: Time, to: Time, ...Sums })).readonly(),
    total: z.object(Sums),
  })
  .meta({ id: 'Stats' })

const Shares = z
  .object({ from: Time, to: Time, data: z.array(z.object({ name: z.string().nullable(), ...Sums })).readonly() })
  .meta({ id: 'Shares' })

const dayMs = 86_400_000

export const requestRoutes = [
  declare(
    'GET /requests',
    {
      access: 'user',
      takesKeys: true,
      summary: 'Lists requests, newest first; those of the role `user` see their own.',
      query: z.strictObject({
        ...filterFields,
        status: StatusRange.optional().describe('`200`, `5xx` or `400-499`.'),
        userId: Id.optional(),
        ...pageFields,
      }),
      answer: listOf(Request),
    },
    async ({ query: { page, limit, ...filter }, actor }, { requests }) => {
      const listing = await requests.list({ ...given(filter), ...ownOf(actor) }, { page, limit })
      return pageOf({ ...listing, rows: listing.rows.map(shown) }, { page, limit })
    },
  ),
  declare(
    'GET /requests/stats',
    {
      access: 'viewer',
      summary: 'Sums of requests by hour, day, week or month; the last day by hour when nothing is said.',
      query: z.strictObject({
        ...filterFields,
        groupBy: z.enum(statsGroups).default('hour'),
        timeZone: z.string().min(1).max(64).optional().describe('Where days begin, like `Europe/Berlin`.'),
      }),
      answer: Stats,
    },
    async ({ query: { from, to, ...query } }, { requests }) =>
      await requests.stats({ ...given(query), ...rangeOf(from, to) }),
  ),
  declare(
    'GET /requests/shares',
    {
      access: 'viewer',
      summary: 'The same sums by what requests have in common, most requests first.',
      query: z.strictObject({
        ...filterFields,
        of: z.enum(['provider', 'endpoint', 'model', 'project', 'keyId']).default('provider'),
        limit: pageFields.limit,
      }),
      answer: Shares,
    },
    async ({ query: { from, to, of, limit, ...filter } }, { requests }) => {
      const range = rangeOf(from, to)
      return { ...range, data: await requests.shares({ ...given(filter), ...range }, of, limit) }
    },
  ),
  declare(
    'GET /requests/:id',
    {
      access: 'user',
      takesKeys: true,
      summary: 'Shows a request; what was said in it only to its owner, operators and admins.',
      answer: RequestDetail,
    },
    async ({ params, actor }, { requests }) => {
      const { request, archive } = await requests.get(params.id!, actor?.role !== 'viewer')
      if (!isOwn(request, actor)) throw new ParleyError('not_found', 'you have no such request; list yours')
      const { attempts, request: parameters, response } = request
      const texts = { input: archive?.input.content ?? null, output: archive?.response.content ?? null }
      return { ...shown(request), ...texts, attempts, request: parameters, response }
    },
  ),
]

function shown({ isStream, isPartial, ...row }: RequestRow) {
  return { ...row, stream: isStream, partial: isPartial }
}

/** What those see who have no role beyond their own things. */
export function ownOf(actor: Actor | undefined): Pick<RequestFilter, 'keyId' | 'userId'> {
  if (actor === undefined || actor.role !== 'user') return {}
  return actor.kind === 'key' ? { keyId: actor.id } : { userId: actor.id }
}

function isOwn({ keyId, userId }: RequestRow, actor: Actor | undefined): boolean {
  const own = ownOf(actor)
  return (own.keyId ?? keyId) === keyId && (own.userId ?? userId) === userId
}

function rangeOf(from: number | undefined, to = Date.now()): { from: number; to: number } {
  const start = from ?? to - dayMs
  if (start < to) return { from: start, to }
  throw new ParleyError('invalid_request', 'from is not before to; give an earlier one', { param: 'from' })
}
