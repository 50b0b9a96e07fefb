import type { EndpointStore } from '../../core/index.ts'
import { changing, type Database } from './database.ts'
import { createTable, equalities } from './table.ts'

export function createEndpoints(database: Database): EndpointStore {
  const { clock, dialect } = database
  const table = createTable(database, 'endpoints')
  return {
    list: ({ isActive }, page) =>
      table.list(equalities({ active: isActive === undefined ? undefined : dialect.flag(isActive) }), page, [
        ['id', 'asc'],
      ]),
    get: id => table.find({ id }),
    update: (id, change) => changing(database, trx => table.update(id, { ...change, updatedAt: clock.now() }, [], trx)),
  }
}
