import { sql } from 'kysely'
import { type NewUser, ParleyError, type UserRow, type UserStore } from '../../core/index.ts'
import { removeChatsOf } from './chats.ts'
import { changing, type Database } from './database.ts'
import { createTable, equal, equalities } from './table.ts'

export function createUsers(database: Database): UserStore {
  const { clock, random, dialect } = database
  const table = createTable(database, 'users')
  const rowOf = (user: NewUser): UserRow => ({
    id: random.uuid(),
    passwordHash: null,
    totpSecret: null,
    isTotpConfirmed: false,
    status: 'active',
    priceMultiplier: 1_000,
    lastLoginAt: null,
    ...user,
    email: user.email.toLowerCase(),
    createdAt: clock.now(),
  })
  return {
    list: ({ role, status }, page) =>
      table.list(equalities({ role, status }), page, [
        ['createdAt', 'asc'],
        ['id', 'asc'],
      ]),
    get: id => table.find({ id }),
    find: email => table.find({ email: email.toLowerCase() }),
    create: user => changing(database, trx => table.insert(rowOf(user), trx)),
    createFirst: user =>
      changing(database, async trx => {
        if (dialect.isLocking) await sql`lock table users in share row exclusive mode`.execute(trx)
        const anybody = await trx.selectFrom('users').select('id').limit(1).executeTakeFirst()
        return anybody === undefined ? await table.insert(rowOf(user), trx) : undefined
      }),
    update: (id, change) =>
      changing(database, trx =>
        table.update(id, { ...change, ...(change.email && { email: change.email.toLowerCase() }) }, [], trx),
      ),
    remove: async id => {
      await changing(database, async trx => {
        const removed = await table.remove([equal('id', id)], trx)
        if (removed === 0) throw new ParleyError('not_found', 'there is no such user; list them')
        const keys = trx.updateTable('keys').set({ revokedAt: clock.now() })
        await keys.where('userId', '=', id).where('revokedAt', 'is', null).execute()
        await removeChatsOf(trx, id)
      })
    },
  }
}
