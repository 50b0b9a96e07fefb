import { CamelCasePlugin, Kysely, type Dialect as KyselyDialect, sql } from 'kysely'
import type { Clock, Random, Sealer, Store } from '../../core/index.ts'
import { createAlerts } from './alerts.ts'
import { createArchive } from './archive.ts'
import { createBudgets } from './budgets.ts'
import { createChats } from './chats.ts'
import { createConfigurations } from './configurations.ts'
import { type Database, revisionOf } from './database.ts'
import { type Dialect, postgres, sqlite } from './dialect.ts'
import { createEndpoints } from './endpoints.ts'
import { guarded } from './failures.ts'
import { createKeys } from './keys.ts'
import { createLogs } from './logs.ts'
import { migrate } from './migrate.ts'
import type { PostgresOptions } from './postgres.ts'
import { createProviders } from './providers.ts'
import { recount } from './recount.ts'
import { createRequests } from './requests.ts'
import { type Migration, migrations as released } from './schema.ts'
import { checkCanary, reseal } from './secrets.ts'
import { createSessions } from './sessions.ts'
import { NodeSqliteDialect, openFile } from './sqlite.ts'
import type { Tables } from './tables.ts'
import { createUsers } from './users.ts'

/** A file on this machine, or a PostgreSQL that several nodes share. */
export type StorePlace = { readonly path: string } | PostgresOptions

export interface OpenStoreOptions {
  readonly clock: Clock
  readonly random: Random
  /** Whoever gives one is sure that the secrets in the database open with it: else opening is `secret_unreadable`. */
  readonly sealer?: Sealer
  /** The steps of the schema this program knows. */
  readonly migrations?: readonly Migration[]
}

export interface SqlStore extends Store {
  /** Seals every secret anew, all or none; how many. Nodes that run with the old master key must be started again. */
  readonly rotateSecrets: (from: Sealer, to: Sealer) => Promise<number>
  /** Counts the sums of requests anew, for a database that was filled by other means. */
  readonly recount: () => Promise<void>
}

const unhurriedMs = 4 * 3_600_000

/** Opens or makes the store, with its schema brought up to date. */
export async function openStore(place: StorePlace, options: OpenStoreOptions): Promise<SqlStore> {
  const { clock, random, sealer, migrations = released } = options
  return await guarded(async () => {
    await unhurried(place, async ({ db, dialect }) => {
      await migrate({ db, dialect, clock, migrations, ...('path' in place && { path: place.path }) })
    })
    const { db, dialect } = await connect(place)
    try {
      if (sealer !== undefined) await checkCanary(db, sealer)
      return storeOf({ db, dialect, clock, random }, place)
    } catch (cause) {
      await db.destroy()
      throw cause
    }
  })
}

type Connection = Pick<Database, 'db' | 'dialect'>

/** The client of PostgreSQL is loaded where there is one. */
async function connect(place: StorePlace): Promise<Connection> {
  const [own, dialect]: [KyselyDialect, Dialect] =
    'path' in place
      ? [new NodeSqliteDialect(openFile(place.path)), sqlite]
      : [(await import('./postgres.ts')).postgresDialect(place), postgres]
  const plugins = [new CamelCasePlugin({ maintainNestedObjectKeys: true })]
  return { db: new Kysely<Tables>({ dialect: own, plugins }), dialect }
}

/** Does what may take its time on a connection of its own: the bound on statements is for those that serve calls. */
async function unhurried(place: StorePlace, work: (connection: Connection) => Promise<void>): Promise<void> {
  const bounds = { connectionsMax: 1, statementTimeoutMs: unhurriedMs }
  const connection = await connect('path' in place ? place : { ...place, ...bounds })
  try {
    await work(connection)
  } finally {
    await connection.db.destroy()
  }
}

function storeOf(database: Database, place: StorePlace): SqlStore {
  const { db } = database
  return {
    providers: createProviders(database),
    endpoints: createEndpoints(database),
    configurations: createConfigurations(database),
    users: createUsers(database),
    sessions: createSessions(database),
    keys: createKeys(database),
    budgets: createBudgets(database),
    alerts: createAlerts(database),
    requests: createRequests(database),
    archive: createArchive(database),
    logs: createLogs(database),
    chats: createChats(database),
    revision: () => revisionOf(database),
    rotateSecrets: (from, to) => reseal(database, from, to),
    recount: () => guarded(() => unhurried(place, recount)),
    ping: () => guarded(async () => void (await sql`select 1`.execute(db))),
    close: () => guarded(() => db.destroy()),
  }
}
