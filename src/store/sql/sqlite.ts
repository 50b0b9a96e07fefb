import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
  type TransactionSettings,
} from 'kysely'
import { sleep } from '../../core/index.ts'

const statementsMax = 100
/** Waiting inside SQLite holds the whole process, so most of it is done outside. */
const busyInsideMs = 5
const busyMaxMs = 5_000
const busyPauseMs = 10
const busy = 5
const cacheKib = 4_096

/** A file that only its owner may read. A crash of the process loses nothing; a loss of power may cost the last moments. */
export function openFile(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
  const database = new DatabaseSync(path, { timeout: busyInsideMs, enableForeignKeyConstraints: true })
  try {
    database.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -${cacheKib}`)
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

/** node:sqlite for the query builder, which was made for another driver. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    super({ database: adapted(database) })
    this.#database = database
  }

  override createDriver(): SqliteDriver {
    return new NodeSqliteDriver({ database: adapted(this.#database) })
  }
}

/**
 * A transaction that will write takes its turn when it begins: one that must wait later could not. Whoever finds another
 * one writing, in this process or a different one, waits without holding up anything else.
 */
class NodeSqliteDriver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection()
    return {
      executeQuery: query => patiently(() => connection.executeQuery(query)),
      streamQuery: (query, size) => connection.streamQuery(query, size),
    }
  }

  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    const begin = settings?.accessMode === 'read only' ? 'begin' : 'begin immediate'
    await connection.executeQuery(CompiledQuery.raw(begin))
  }
}

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const until = performance.now() + busyMaxMs
  for (;;) {
    try {
      return await work()
    } catch (cause) {
      const isBusy = cause instanceof Error && 'errcode' in cause && (Number(cause.errcode) & 0xff) === busy
      if (!isBusy || performance.now() > until) throw cause
      await sleep(busyPauseMs)
    }
  }
}

function adapted(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>()
  return {
    prepare: text => {
      const known = prepared.get(text)
      const statement = known ?? adaptedStatement(database.prepare(text))
      prepared.delete(text)
      prepared.set(text, statement)
      if (prepared.size > statementsMax) prepared.delete(prepared.keys().next().value!)
      return statement
    },
    close: () => database.close(),
  }
}

/** Integers come as `bigint` only where a number could not hold them. */
function adaptedStatement(statement: StatementSync): SqliteStatement {
  statement.setReadBigInts(true)
  const reader = statement.columns().length > 0
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[]
  return {
    reader,
    all: parameters => statement.all(...values(parameters)).map(plainRow),
    run: parameters => statement.run(...values(parameters)),
    iterate: parameters => statement.iterate(...values(parameters)),
  }
}

function plainRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) row[name] = Number(value)
  }
  return row
}
