import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, openSync, renameSync, rmSync } from 'node:fs'
import { type Kysely, sql, type Transaction } from 'kysely'
import { type Clock, ParleyError } from '../../core/index.ts'
import type { Dialect } from './dialect.ts'
import type { Migration } from './schema.ts'
import type { Tables } from './tables.ts'

/** The same number on every node, and in nobody else's use. */
const lockId = 7_275_001

export interface MigrateOptions {
  readonly db: Kysely<Tables>
  readonly dialect: Dialect
  readonly clock: Clock
  readonly migrations: readonly Migration[]
  /** Of a database in a file: where it is, so that a copy stays behind before it is changed. */
  readonly path?: string
}

/**
 * Brings the schema up to date, all steps in one transaction; whoever comes at the same time waits and finds it done. A
 * schema that is newer than this program is `conflict`.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { db, dialect, path, migrations } = options
  const version = await versionOf(db, dialect)
  if (version === migrations.length) return
  refuseNewer(version, migrations.length)
  if (path !== undefined && version > 0) await backUp(db, `${path}.before-v${migrations.length}`)
  await db.transaction().execute(trx => migrateIn(trx, options))
}

async function migrateIn(trx: Transaction<Tables>, options: MigrateOptions): Promise<void> {
  const { dialect, clock, migrations } = options
  if (dialect.isLocking) await sql`select pg_advisory_xact_lock(${sql.lit(lockId)})`.execute(trx)
  const version = await versionOf(trx, dialect)
  refuseNewer(version, migrations.length)
  if (version === 0) await sql.raw(tableOfVersions(dialect)).execute(trx)
  for (const [at, { name, statements }] of migrations.entries()) {
    if (at < version) continue
    for (const statement of statements(dialect)) await sql.raw(statement).execute(trx)
    await trx
      .insertInto('schemaMigrations')
      .values({ version: at + 1, name, appliedAt: clock.now() })
      .execute()
  }
}

function tableOfVersions({ types: { whole } }: Dialect): string {
  return `create table if not exists schema_migrations (
    version ${whole} primary key, name text not null, applied_at ${whole} not null)`
}

/** How many steps were taken; 0 for a database that holds nothing. */
async function versionOf(db: Kysely<Tables>, { name }: Dialect): Promise<number> {
  const found =
    name === 'sqlite'
      ? sql<{ found: unknown }>`select name as found from sqlite_master where name = 'schema_migrations'`
      : sql<{ found: unknown }>`select to_regclass('schema_migrations') as found`
  const { rows } = await found.execute(db)
  if (rows.length === 0 || rows[0]?.found === null) return 0
  const { version } = await db
    .selectFrom('schemaMigrations')
    .select(({ fn }) => fn.max('version').as('version'))
    .executeTakeFirstOrThrow()
  return Number(version ?? 0)
}

function refuseNewer(version: number, known: number): void {
  if (version <= known) return
  const message = `the gateway's database has schema ${version}, this version knows ${known}; upgrade parley or restore the backup from before`
  throw new ParleyError('conflict', message)
}

/** A whole copy under its name or none; one from an earlier try is replaced. */
async function backUp(db: Kysely<Tables>, path: string): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  closeSync(openSync(draft, 'wx', 0o600))
  try {
    await sql`vacuum into ${sql.lit(draft)}`.execute(db)
    chmodSync(draft, 0o600)
    renameSync(draft, path)
  } catch (cause) {
    rmSync(draft, { force: true })
    throw cause
  }
}
