import { z } from 'zod'
import { declareIn } from './route.ts'
import { given, Json, KeyId, LevelName, listOf, pageFields, pageOf, rangeFields, Time } from './schemas.ts'

const declareAlert = declareIn('alerts')
const declareLog = declareIn('logs')
const declareCache = declareIn('cache')

const Alert = z
  .object({
    id: z.string(),
    rule: z.string(),
    subject: z.string(),
    state: z.enum(['firing', 'resolved']),
    value: z.number(),
    threshold: z.number(),
    startedAt: Time,
    endedAt: Time.nullable(),
    message: z.string(),
  })
  .meta({ id: 'Alert' })

const LogLine = z
  .object({
    id: z.string(),
    timestamp: Time,
    level: LevelName,
    component: z.string(),
    message: z.string(),
    requestId: z.string().nullable(),
    fields: Json,
  })
  .meta({ id: 'LogLine' })

const Level = z.object({ level: z.string() })

export const operationRoutes = [
  declareAlert(
    'GET /alerts',
    {
      access: 'viewer',
      summary: 'Lists alerts, newest first; the range is about when they began.',
      query: z.strictObject({
        state: z.enum(['firing', 'resolved']).optional(),
        rule: z.string().min(1).max(200).optional(),
        ...rangeFields,
        ...pageFields,
      }),
      answer: listOf(Alert),
    },
    async ({ query: { page, limit, ...filter } }, { alerts }) =>
      pageOf(await alerts.list(given(filter), { page, limit }), { page, limit }),
  ),
  declareAlert(
    'GET /alerts/firing',
    {
      access: 'viewer',
      summary: 'Alerts that this node raises now.',
      answer: z.object({ data: z.array(Alert).readonly() }),
    },
    async (_, { alerts }) => ({ data: alerts.firing() }),
  ),
  declareLog(
    'GET /logs',
    {
      access: 'viewer',
      summary: 'Lists lines of the log, newest first.',
      query: z.strictObject({
        level: LevelName.optional(),
        component: z.string().min(1).max(200).optional(),
        requestId: z.string().min(1).max(64).optional(),
        search: z.string().min(1).max(200).optional().describe('Part of the message, taken literally.'),
        ...rangeFields,
        ...pageFields,
      }),
      answer: listOf(LogLine),
    },
    async ({ query: { page, limit, ...filter } }, { logs }) =>
      pageOf(await logs.list(given(filter), { page, limit }), { page, limit }),
  ),
  declareLog(
    'GET /logs/level',
    { access: 'viewer', summary: 'How much is logged.', answer: Level },
    async (_, { logs }) => ({ level: logs.level() }),
  ),
  declareLog(
    'PUT /logs/level',
    {
      access: 'operator',
      summary: 'Changes how much is logged, until the node stops.',
      body: z.strictObject({ level: LevelName }),
      answer: Level,
    },
    async ({ body }, { logs }) => {
      logs.setLevel(body.level)
      return { level: logs.level() }
    },
  ),
  declareCache(
    'POST /cache/purge',
    {
      access: 'operator',
      summary: 'Forgets answers that were kept: those of an API key, or all.',
      body: z.strictObject({ keyId: KeyId.optional() }),
    },
    async ({ body }, { purgeCache }) => await purgeCache(body.keyId),
  ),
]
