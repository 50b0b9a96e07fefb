import { type RawBuilder, sql } from 'kysely'
import { ceilHour } from './calendar.ts'
import type { Database, Query } from './database.ts'
import { guarded } from './failures.ts'
import { totalsOfRequests } from './sums.ts'
import { counters, dimensions, histogramColumns, keyDimensions } from './tables.ts'

/**
 * Counts the sums anew from the requests that are there, for a database that was filled by other means. Sums of hours
 * from before the oldest request stay as they are.
 */
export function recount({ db, dialect }: Pick<Database, 'db' | 'dialect'>): Promise<void> {
  return guarded(() =>
    db.transaction().execute(async trx => {
      if (dialect.isLocking) await sql`lock table requests in share mode`.execute(trx)
      const { oldest } = await trx
        .selectFrom('requests')
        .select(({ fn }) => fn.min('timestamp').as('oldest'))
        .executeTakeFirstOrThrow()
      if (oldest === null) return
      const since = ceilHour(dialect.fromClock(oldest))
      const totals = totalsOfRequests(dialect)
      const hour = dialect.hourOf('timestamp')
      const from = sql`from requests where timestamp >= ${dialect.clock(since)}`
      await fill(trx, 'statsHourly', dimensions, since, { hour, totals, from })
      await fill(trx, 'statsHourlyKeys', keyDimensions, since, { hour, totals, from })
    }),
  )
}

interface Parts {
  readonly hour: RawBuilder<number>
  readonly totals: RawBuilder<unknown>
  readonly from: RawBuilder<unknown>
}

async function fill(
  trx: Query,
  table: 'statsHourly' | 'statsHourlyKeys',
  names: readonly string[],
  since: number,
  { hour, totals, from }: Parts,
): Promise<void> {
  await trx.deleteFrom(table).where('hour', '>=', since).execute()
  const sums = [...counters, 'responseTimeMax', ...histogramColumns].map(name => sql.ref(name))
  const places = names.map(name => {
    if (name === 'hour') return hour
    return name === 'status' ? sql.ref(name) : sql`coalesce(${sql.ref(name)}, '')`
  })
  const order = names.map((_, at) => sql.lit(at + 1))
  await sql`insert into ${sql.table(table)} (${sql.join(names.map(name => sql.ref(name)))}, ${sql.join(sums)})
    select ${sql.join(places)}, ${totals} ${from} group by ${sql.join(order)}`.execute(trx)
}
