import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ParleyError } from '../core/index.ts'

export interface OpenOptions {
  /** For a second process that only looks: nothing is created or migrated. */
  readonly readOnly?: boolean
  /** One entry per schema version, applied in order, each in its own transaction. Never edit one that was released. */
  readonly migrations: readonly string[]
  /** How long a statement waits for another process's write. */
  readonly busyTimeoutMs?: number
}

/**
 * Opens a database whose every commit survives a loss of power (write-ahead log, synchronous=FULL) and that only its owner
 * may read. A damaged file and one written by a newer version are refused instead of guessed at.
 */
export function openDatabase(path: string, options: OpenOptions): DatabaseSync {
  const readOnly = options.readOnly ?? false
  if (!readOnly) createPrivately(path)
  const database = open(path, readOnly, options.busyTimeoutMs ?? 5_000)
  try {
    if (!readOnly) database.exec('pragma journal_mode = wal; pragma synchronous = full')
    checkIntegrity(database, path)
    migrate(database, path, options)
    return database
  } catch (cause) {
    database.close()
    throw ParleyError.from(cause, undefined, 'ledger_conflict')
  }
}

/** Runs `work` in one transaction that no other writer interleaves; a throw undoes it. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('begin immediate')
  try {
    const result = work()
    database.exec('commit')
    return result
  } catch (cause) {
    if (database.isTransaction) database.exec('rollback')
    throw cause
  }
}

function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}

function open(path: string, readOnly: boolean, timeout: number): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout })
  } catch (cause) {
    throw new ParleyError('not_found', `cannot open the database ${path}: ${reasonOf(cause)}`, { cause })
  }
}

function checkIntegrity(database: DatabaseSync, path: string): void {
  let verdict: unknown
  try {
    verdict = database.prepare('pragma integrity_check(1)').get()?.integrity_check
  } catch (cause) {
    throw damaged(path, reasonOf(cause), cause)
  }
  if (verdict !== 'ok') throw damaged(path, String(verdict))
}

function damaged(path: string, reason: string, cause?: unknown): ParleyError {
  return new ParleyError('ledger_conflict', `the database ${path} is damaged (${reason}); restore it from a backup`, {
    cause,
  })
}

function migrate(database: DatabaseSync, path: string, options: OpenOptions): void {
  const wanted = options.migrations.length
  const version = () => Number(database.prepare('pragma user_version').get()?.user_version)
  if (version() > wanted) {
    const message = `the database ${path} has schema ${version()}, this version knows ${wanted}; upgrade parley`
    throw new ParleyError('conflict', message)
  }
  if (options.readOnly) {
    if (version() === wanted) return
    const message = `the database ${path} has the older schema ${version()}; start the node once to migrate it`
    throw new ParleyError('conflict', message)
  }
  for (let next = version(); next < wanted; next++) {
    transaction(database, () => {
      if (version() !== next) return
      database.exec(options.migrations[next]!)
      database.exec(`pragma user_version = ${next + 1}`)
    })
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
