import { ParleyError } from '../../core/index.ts'

/** SQLite's primary result codes that say a statement or its data is at fault, and not the database. */
const sqliteDataErrors = new Set([18, 19, 20, 21, 25])
const sqliteUnique = new Set([1_555, 2_067])
const sqliteDamaged = new Set([11, 26])

/**
 * A driver's error in the words of the node. The database's own words may quote rows, so they are left behind: what
 * remains is the code that its manual explains.
 */
export function storeError(cause: unknown): ParleyError {
  if (cause instanceof ParleyError) return cause
  const code = codeOf(cause)
  if (isTaken(cause)) return new ParleyError('conflict', 'something of this name is there already; choose another name')
  if (isDataError(cause)) {
    return new ParleyError('internal', `the database refused a statement (${code}); report it with this code`)
  }
  if (sqliteDamaged.has(Number(code) & 0xff)) {
    return new ParleyError('store_unavailable', 'the database is damaged or is none; restore it from a backup')
  }
  const message = `the database of the gateway does not answer (${code}); check that it runs and may be reached`
  return new ParleyError('store_unavailable', message)
}

/** Whether writing the same again cannot help. */
export function isDataError(cause: unknown): boolean {
  if (cause instanceof ParleyError) return cause.code !== 'store_unavailable'
  if (cause instanceof TypeError || cause instanceof RangeError) return true
  const { errcode, code } = fieldsOf(cause)
  if (typeof errcode === 'number') return sqliteDataErrors.has(errcode & 0xff) || errcode === 1
  return typeof code === 'string' && /^(?:22|23|42)[0-9A-Z]{3}$/.test(code)
}

function isTaken(cause: unknown): boolean {
  const { errcode, code } = fieldsOf(cause)
  return code === '23505' || (typeof errcode === 'number' && sqliteUnique.has(errcode))
}

function codeOf(cause: unknown): string {
  const { errcode, code } = fieldsOf(cause)
  if (typeof errcode === 'number') return String(errcode)
  if (typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code)) return code
  if (cause instanceof Error && /timeout/i.test(cause.message)) return 'timeout'
  return cause instanceof Error ? cause.name : 'unknown'
}

function fieldsOf(cause: unknown): { errcode?: unknown; code?: unknown } {
  return typeof cause === 'object' && cause !== null ? cause : {}
}

/** Runs `work` and translates what it throws. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw storeError(cause)
  }
}
