import type { Kysely, Transaction } from 'kysely'
import { sql } from 'kysely'
import type { Clock, Random } from '../../core/index.ts'
import type { Dialect } from './dialect.ts'
import { guarded } from './failures.ts'
import type { Tables } from './tables.ts'

/** What every repository is made of. */
export interface Database {
  readonly db: Kysely<Tables>
  readonly dialect: Dialect
  readonly clock: Clock
  readonly random: Random
}

export type Query = Kysely<Tables> | Transaction<Tables>

/** Runs `work` in one transaction and lets everybody know that something changed. */
export function changing<T>({ db }: Database, work: (trx: Query) => Promise<T>): Promise<T> {
  return guarded(() =>
    db.transaction().execute(async trx => {
      const result = await work(trx)
      await sql`update meta set value = cast(cast(value as bigint) + 1 as text) where name = 'revision'`.execute(trx)
      return result
    }),
  )
}

/** Runs `work` on one state of the database, whatever others write meanwhile. */
export function reading<T>({ db, dialect }: Database, work: (trx: Query) => Promise<T>): Promise<T> {
  const transaction = db.transaction().setAccessMode('read only')
  const steady = dialect.name === 'postgres' ? transaction.setIsolationLevel('repeatable read') : transaction
  return guarded(() => steady.execute(work))
}

export async function revisionOf({ db }: Database): Promise<number> {
  const row = await guarded(() =>
    db.selectFrom('meta').select('value').where('name', '=', 'revision').executeTakeFirstOrThrow(),
  )
  return Number(row.value)
}
