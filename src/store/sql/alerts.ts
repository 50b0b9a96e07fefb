import { sql } from 'kysely'
import type { AlertStore } from '../../core/index.ts'
import type { Database } from './database.ts'
import { compare, createTable, equalities } from './table.ts'

export function createAlerts(database: Database): AlertStore {
  const { clock, random } = database
  const table = createTable(database, 'alerts')
  return {
    list: ({ state, rule, from, to }, page) => {
      const range = [
        ...(from === undefined ? [] : [compare('startedAt', '>=', from)]),
        ...(to === undefined ? [] : [compare('startedAt', '<', to)]),
      ]
      return table.list([...equalities({ state, rule }), ...range], page, [
        ['startedAt', 'desc'],
        ['id', 'desc'],
      ])
    },
    get: id => table.find({ id }),
    create: alert => table.insert({ id: random.uuid(), ...alert, state: 'firing', endedAt: null }),
    resolve: async (id, value) => {
      const firing = sql<boolean>`state = 'firing'`
      const known = await table.update(id, {}, [])
      if (known.state === 'resolved') return known
      return await table.update(id, { state: 'resolved', endedAt: clock.now(), value }, [firing])
    },
  }
}
