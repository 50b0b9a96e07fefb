import { type ConfigurationStore, ParleyError } from '../../core/index.ts'
import { applyRunning } from './apply-running.ts'
import { changing, type Database } from './database.ts'
import { createTable, equal } from './table.ts'

export function createConfigurations(database: Database): ConfigurationStore {
  const { clock, random, dialect } = database
  const table = createTable(database, 'configurations')
  return {
    list: (_, page) =>
      table.list([], page, [
        ['createdAt', 'asc'],
        ['id', 'asc'],
      ]),
    get: id => table.find({ id }),
    active: () => table.find({ isActive: true }),
    create: configuration => {
      const now = clock.now()
      const row = { ...configuration, id: random.uuid(), isActive: false, createdAt: now, updatedAt: now }
      return changing(database, trx => table.insert(row, trx))
    },
    update: (id, change) => changing(database, trx => table.update(id, { ...change, updatedAt: clock.now() }, [], trx)),
    activate: id =>
      changing(database, async trx => {
        await trx
          .updateTable('configurations')
          .set({ isActive: dialect.flag(false) })
          .execute()
        return await table.update(id, { isActive: true }, [], trx)
      }),
    apply: change => applyRunning(database, change),
    remove: id =>
      changing(database, async trx => {
        if ((await table.update(id, {}, [], trx)).isActive) {
          throw new ParleyError('conflict', 'the active configuration cannot be deleted; activate another one first')
        }
        await table.remove([equal('id', id), equal('isActive', dialect.flag(false))], trx)
      }),
  }
}
