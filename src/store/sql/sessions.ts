import { sql } from 'kysely'
import type { SessionRow, SessionStore } from '../../core/index.ts'
import type { Database } from './database.ts'
import { guarded } from './failures.ts'
import { type Condition, compare, createTable, equal } from './table.ts'

const isUnused = sql<boolean>`rotated_at is null and revoked_at is null`

function isOf(userId: SessionRow['userId']): Condition {
  return userId === null ? sql<boolean>`user_id is null` : equal('userId', userId)
}

export function createSessions(database: Database): SessionStore {
  const { db, dialect, clock, random } = database
  const table = createTable(database, 'sessions')
  const revoke = (whose: Condition) =>
    guarded(async () => {
      const revoked = db.updateTable('sessions').set({ revokedAt: clock.now() }).where(whose)
      return Number((await revoked.where(isUnused).executeTakeFirstOrThrow()).numUpdatedRows)
    })
  /** What came of a session that was being renewed meanwhile is seen by the second statement alone. */
  const revokeAll = async (whose: Condition) => (await revoke(whose)) + (dialect.isLocking ? await revoke(whose) : 0)
  const rotate = (id: string, next: Pick<SessionRow, 'refreshHash' | 'expiresAt'>) =>
    guarded(() =>
      db.transaction().execute(async trx => {
        const now = clock.now()
        const rotated = trx.updateTable('sessions').set({ rotatedAt: now }).where('id', '=', id).where(isUnused)
        const old = await rotated.returningAll().executeTakeFirst()
        if (old === undefined) return undefined
        const row = { ...table.codec.decode(old), ...next, id: random.uuid(), createdAt: now, rotatedAt: null }
        return await table.insert(row, trx)
      }),
    )
  return {
    create: session =>
      table.insert({ rotatedAt: null, revokedAt: null, ...session, id: random.uuid(), createdAt: clock.now() }),
    get: id => table.find({ id }),
    find: refreshHash => table.find({ refreshHash }),
    list: ({ userId }, page) =>
      table.list([isOf(userId), isUnused, compare('expiresAt', '>', clock.now())], page, [
        ['createdAt', 'desc'],
        ['id', 'desc'],
      ]),
    rotate,
    revokeFamily: family => revokeAll(equal('family', family)),
    revokeUser: userId => revokeAll(isOf(userId)),
    removeExpired: (before, limit) =>
      guarded(async () => {
        const expired = db.selectFrom('sessions').select('id').where('expiresAt', '<', before).limit(limit)
        const { numDeletedRows } = await db.deleteFrom('sessions').where('id', 'in', expired).executeTakeFirstOrThrow()
        return Number(numDeletedRows)
      }),
  }
}
