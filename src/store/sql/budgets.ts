import { sql } from 'kysely'
import { type BudgetRow, type BudgetStore, ParleyError, windowAround } from '../../core/index.ts'
import { changing, type Database } from './database.ts'
import { guarded } from './failures.ts'
import { createTable, equal, equalities } from './table.ts'

export function createBudgets(database: Database): BudgetStore {
  const { db, clock, random } = database
  const table = createTable(database, 'budgets')
  return {
    list: async ({ scope, scopeId }, page) => {
      const { rows, total } = await table.list(equalities({ scope, scopeId }), page, [
        ['createdAt', 'asc'],
        ['id', 'asc'],
      ])
      return { rows: rows.map(row => current(row, clock.now())), total }
    },
    get: async id => {
      const row = await table.find({ id })
      return row && current(row, clock.now())
    },
    create: budget => {
      const windowStart = windowAround(budget.window, clock.now()).start
      const row = { spent: 0n, windowStart, ...budget, id: random.uuid(), createdAt: clock.now() }
      return changing(database, trx => table.insert(row, trx))
    },
    update: async (id, change) =>
      current(await changing(database, trx => table.update(id, change, [], trx)), clock.now()),
    remove: async id => {
      const removed = await changing(database, trx => table.remove([equal('id', id)], trx))
      if (removed === 0) throw new ParleyError('not_found', 'there is no such budget; list them')
    },
    spend: (ids, amount) =>
      guarded(() =>
        db.transaction().execute(async trx => {
          const now = clock.now()
          const rows: BudgetRow[] = []
          // In one order, so that two who do this at once cannot wait for each other.
          for (const id of [...new Set(ids)].sort()) {
            const spent = trx.updateTable('budgets').set(spending(amount, now)).where('id', '=', id).returningAll()
            const row = await spent.executeTakeFirst()
            if (row !== undefined) rows.push(table.codec.decode(row))
          }
          return rows
        }),
      ),
  }
}

/** Another node's clock may be ahead: a window that has begun does not begin again. */
function spending(amount: bigint, now: number) {
  const start = startInSql(now)
  const before = sql`case when window_start < ${start} then 0 else spent end`
  return {
    spent: sql<bigint>`case when ${before} + ${amount} < 0 then 0 else ${before} + ${amount} end`,
    windowStart: sql<number>`case when window_start < ${start} then ${start} else window_start end`,
  }
}

function startInSql(now: number) {
  const [hour, day, week, month] = (['hour', 'day', 'week', 'month'] as const).map(each =>
    sql.lit(windowAround(each, now).start),
  )
  return sql<number>`case "window" when 'hour' then ${hour} when 'day' then ${day} when 'week' then ${week}
    when 'month' then ${month} else 0 end`
}

function current(row: BudgetRow, now: number): BudgetRow {
  const windowStart = windowAround(row.window, now).start
  return row.windowStart < windowStart ? { ...row, spent: 0n, windowStart } : row
}
