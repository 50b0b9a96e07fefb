import { CompiledQuery } from 'kysely'
import type { Query } from './database.ts'
import type { Dialect } from './dialect.ts'
import type { Cell } from './tables.ts'

/** Tables that are only added to, many rows at a time. */
type Growing = 'requests' | 'inputs' | 'responses' | 'logs'

/** SQLite keeps what it has prepared: of these few lengths every batch is made up. */
const lengths = [64, 16, 4, 1]

const textsMax = 2_000
const texts = new Map<string, string>()

/**
 * Leaves alone what is known by an id; returns the ids of those that were not there. Every call of the node leads here, so
 * the statements are written once instead of being built for each batch. All rows have the same columns.
 */
export async function insertNew(
  query: Query,
  dialect: Dialect,
  table: Growing,
  rows: readonly Record<string, Cell>[],
): Promise<ReadonlySet<string>> {
  const [first] = rows
  if (first === undefined) return new Set()
  const added = new Set<string>()
  const tail = 'on conflict do nothing returning "id"'
  for (let at = 0, length = 0; at < rows.length; at += length) {
    const left = rows.length - at
    length = dialect.name === 'sqlite' ? lengths.find(each => each <= left)! : left
    const statement = insertOf(dialect, table, rows.slice(at, at + length), tail)
    for (const { id } of (await query.executeQuery<{ id: string }>(statement)).rows) added.add(id)
  }
  return added
}

/** One statement for all of the rows, which have the same columns. Its text is kept: the tail is one of a few. */
export function insertOf(
  dialect: Dialect,
  table: string,
  rows: readonly Record<string, Cell>[],
  tail: string,
): CompiledQuery {
  const columns = Object.keys(rows[0]!)
  const cells = rows.flatMap(row => columns.map(column => row[column] ?? null))
  return CompiledQuery.raw(textOf(dialect, table, columns, rows.length, tail), cells)
}

function textOf(dialect: Dialect, table: string, columns: readonly string[], length: number, tail: string): string {
  const key = `${dialect.name} ${table} ${length} ${columns} ${tail}`
  const known = texts.get(key)
  if (known !== undefined) return known
  let count = 0
  const place = () => (dialect.name === 'sqlite' ? '?' : `$${++count}`)
  const row = () => `(${columns.map(place).join(', ')})`
  const names = columns.map(name => `"${snakeCase(name)}"`).join(', ')
  const values = Array.from({ length }, row).join(', ')
  const text = `insert into "${table}" (${names}) values ${values} ${tail}`
  if (texts.size < textsMax) texts.set(key, text)
  return text
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
