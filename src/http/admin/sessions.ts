import { z } from 'zod'
import { type Actor, ParleyError } from '../../core/index.ts'
import { declareIn, known } from './route.ts'
import { Id, listOf, pageFields, pageOf, Time } from './schemas.ts'

const declare = declareIn('sessions')

const Session = z
  .object({
    id: Id,
    userId: Id.nullable().describe('Null for one of whoever runs the node, who came in on the page.'),
    createdAt: Time,
    expiresAt: Time,
    userAgent: z.string(),
    current: z.boolean().describe('Whether it is the one that asks.'),
  })
  .meta({ id: 'Session' })

export const sessionRoutes = [
  declare(
    'GET /sessions',
    {
      access: 'user',
      summary:
        'Lists sessions that are open: your own, those of a user for an admin, those of the page for the machine.',
      query: z.strictObject({ userId: Id.optional(), ...pageFields }),
      answer: listOf(Session),
    },
    async ({ query: { userId, page, limit }, actor }, { sessions }) => {
      const whose = whoseSessions(actor, userId)
      const listing = await sessions.list(whose, { page, limit })
      const rows = listing.rows.map(row => ({ ...row, current: row.id === actor?.sessionId }))
      return pageOf({ ...listing, rows }, { page, limit })
    },
  ),
  declare(
    'DELETE /sessions',
    {
      access: 'user',
      summary: 'Ends all sessions: your own, or those of a user for an admin.',
      query: z.strictObject({ userId: Id.optional() }),
      answer: z.object({ ended: z.int() }),
    },
    async ({ query, actor }, { sessions }) => ({
      ended: await sessions.revokeAll(whoseSessions(actor, query.userId)),
    }),
  ),
  declare(
    'DELETE /sessions/:id',
    { access: 'user', summary: 'Ends a session.' },
    async ({ params, actor }, { sessions }) => {
      const { userId } = await sessions.get(params.id!)
      // Those of the machine have no user: admins alone are the machine.
      if (userId !== actor?.id && actor?.role !== 'admin') {
        throw new ParleyError('not_found', 'you have no such session; list yours')
      }
      await sessions.revoke(params.id!)
    },
  ),
]

function whoseSessions(actor: Actor | undefined, wanted: string | undefined): string | null {
  if (wanted !== undefined && wanted !== actor?.id && actor?.role !== 'admin') {
    throw new ParleyError('forbidden', 'these are sessions of somebody else; leave userId out', { param: 'userId' })
  }
  if (wanted !== undefined) return wanted
  const { kind, id } = known(actor)
  return kind === 'machine' ? null : id
}
