import { sql } from 'kysely'
import type { ProviderStore } from '../../core/index.ts'
import { changing, type Database } from './database.ts'
import { createTable, equalities } from './table.ts'

const isThere = sql<boolean>`deleted_at is null`

export function createProviders(database: Database): ProviderStore {
  const { clock, random } = database
  const table = createTable(database, 'providers')
  return {
    list: ({ type, status }, page) =>
      table.list([isThere, ...equalities({ type, status })], page, [
        ['createdAt', 'asc'],
        ['id', 'asc'],
      ]),
    get: id => table.find({ id }),
    find: async name => {
      const { rows } = await table.list([isThere, ...equalities({ name })], { page: 1, limit: 1 }, [['id', 'asc']])
      return rows[0]
    },
    create: provider => {
      const now = clock.now()
      const row = { id: random.uuid(), secret: null, secretTail: null, status: 'active' as const, ...provider }
      return changing(database, trx => table.insert({ deletedAt: null, ...row, createdAt: now, updatedAt: now }, trx))
    },
    update: (id, change) =>
      changing(database, trx => table.update(id, { ...change, updatedAt: clock.now() }, [isThere], trx)),
    remove: async id => {
      const gone = { deletedAt: clock.now(), secret: null, secretTail: null }
      await changing(database, trx => table.update(id, gone, [isThere], trx))
    },
  }
}
