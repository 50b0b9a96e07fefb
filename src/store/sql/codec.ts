import type { Dialect } from './dialect.ts'
import { type Cell, type Kind, kinds, type Rows, renamed } from './tables.ts'

/** Rows of one table to cells and back. */
export interface Codec<Row> {
  readonly encode: (row: Partial<Row>) => Record<string, Cell>
  readonly decode: (cells: Record<string, unknown>) => Row
}

/**
 * Text keeps every character but two that PostgreSQL has no place for: NUL and half a surrogate pair become U+FFFD, in
 * both databases alike.
 */
export function createCodec<Table extends keyof Rows>(dialect: Dialect, table: Table): Codec<Rows[Table]> {
  const kindOf = new Map(Object.entries<Kind | undefined>(kinds[table]))
  const columnOf = new Map<string, string>(
    Object.entries(table in renamed ? renamed[table as keyof typeof renamed] : {}),
  )
  const fieldOf = new Map([...columnOf].map(([field, column]) => [column, field]))
  return {
    encode: row => {
      const cells: Record<string, Cell> = {}
      for (const [field, value] of Object.entries(row)) {
        if (value !== undefined) cells[columnOf.get(field) ?? field] = toCell(dialect, kindOf.get(field), value)
      }
      return cells
    },
    decode: cells => {
      const row: Record<string, unknown> = {}
      for (const [column, cell] of Object.entries(cells)) {
        const field = fieldOf.get(column) ?? column
        row[field] = fromCell(dialect, kindOf.get(field), cell as Cell)
      }
      return row as unknown as Rows[Table]
    },
  }
}

function toCell(dialect: Dialect, kind: Kind | undefined, value: unknown): Cell {
  if (value === null) return null
  if (kind === 'json') return jsonText(value)
  if (kind === 'flag') return dialect.flag(value as boolean)
  if (kind === 'clock') return dialect.clock(value as number)
  if (kind === 'dollars') return dialect.dollars(value as bigint)
  if (kind === 'units') return String(value)
  if (kind === 'rounded') return Math.round(value as number)
  return typeof value === 'string' ? plainText(value) : (value as Cell)
}

function fromCell(dialect: Dialect, kind: Kind | undefined, cell: Cell): unknown {
  if (cell === null || kind === undefined || kind === 'rounded') return cell
  if (kind === 'json') return dialect.json(cell)
  if (kind === 'flag') return Boolean(cell)
  if (kind === 'clock') return dialect.fromClock(cell)
  if (kind === 'dollars') return dialect.fromDollars(cell)
  return BigInt(String(cell))
}

export function plainText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{fffd}')
}

/** An escape counts where an even number of backslashes stands before it. */
const unfitEscape = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  return text.includes('\\u') ? text.replace(unfitEscape, '$1\u{fffd}') : text
}
