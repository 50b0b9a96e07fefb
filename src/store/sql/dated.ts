import type { TimeRange } from '../../core/index.ts'
import type { Database } from './database.ts'
import type { Dialect } from './dialect.ts'
import { guarded } from './failures.ts'
import { all, type Condition, compare } from './table.ts'

/** Counting stops here: nobody turns so many pages, and it would read the whole table. */
export const countMax = 10_000

type DatedTable = 'requests' | 'inputs' | 'logs'

export function rangeOf(dialect: Dialect, { from, to }: TimeRange): Condition[] {
  return [
    ...(from === undefined ? [] : [compare('timestamp', '>=', dialect.clock(from))]),
    ...(to === undefined ? [] : [compare('timestamp', '<', dialect.clock(to))]),
  ]
}

export async function countedUpTo(
  { db }: Pick<Database, 'db'>,
  table: DatedTable,
  conditions: readonly Condition[],
): Promise<{ readonly total: number; readonly hasMore?: true }> {
  const some = db
    .selectFrom(table)
    .select('id')
    .where(all(conditions))
    .limit(countMax + 1)
  const { count } = await db
    .selectFrom(some.as('some'))
    .select(({ fn }) => fn.countAll().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count) > countMax ? { total: countMax, hasMore: true } : { total: Number(count) }
}

/** The oldest rows from before a time, at most `limit`; how many went. */
export function removeOld({ db, dialect }: Database, table: DatedTable, time: number, limit: number): Promise<number> {
  return guarded(async () => {
    const before = compare('timestamp', '<', dialect.clock(time))
    const old = db.selectFrom(table).select('id').where(before).orderBy('timestamp').limit(limit)
    const { numDeletedRows } = await db.deleteFrom(table).where('id', 'in', old).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  })
}
