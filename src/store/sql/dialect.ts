import { type RawBuilder, sql } from 'kysely'
import type { Cell } from './tables.ts'

/** Everything in which the two databases differ. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  /** Names of column types. `key` is text that sorts byte by byte on both. */
  readonly types: Readonly<Record<'key' | 'whole' | 'json' | 'flag' | 'clock' | 'dollars' | 'real', string>>
  /** Unix milliseconds as a timestamp column holds them, and back. */
  readonly clock: (ms: number) => Cell
  readonly fromClock: (cell: Cell) => number
  /** The start of the hour of UTC in which a timestamp column lies, in Unix milliseconds. */
  readonly hourOf: (column: string) => RawBuilder<number>
  readonly flag: (value: boolean) => Cell
  readonly json: (cell: Cell) => unknown
  /** Millionths of a dollar as `requests.cost` holds them, and back. */
  readonly dollars: (millionths: bigint) => Cell
  readonly fromDollars: (cell: Cell) => bigint
  /** The sum of `requests.cost` in millionths. */
  readonly sumOfCost: string
  /** Whether several write at the same time, so that what must not change meanwhile has to be locked. */
  readonly isLocking: boolean
}

const hourMs = 3_600_000

export const sqlite: Dialect = {
  name: 'sqlite',
  types: {
    key: 'text',
    whole: 'integer',
    json: 'text',
    flag: 'integer',
    clock: 'integer',
    dollars: 'integer',
    real: 'real',
  },
  clock: ms => ms,
  fromClock: Number,
  hourOf: column => sql`${sql.ref(column)} / ${sql.lit(hourMs)} * ${sql.lit(hourMs)}`,
  flag: Number,
  json: cell => JSON.parse(String(cell)),
  dollars: millionths => millionths,
  fromDollars: cell => BigInt(String(cell)),
  sumOfCost: 'coalesce(sum(cost), 0)',
  isLocking: false,
}

export const postgres: Dialect = {
  name: 'postgres',
  types: {
    key: 'text collate "C"',
    whole: 'bigint',
    json: 'jsonb',
    flag: 'boolean',
    clock: 'timestamptz',
    dollars: 'numeric(20,6)',
    real: 'double precision',
  },
  clock: ms => new Date(ms).toISOString(),
  fromClock: cell => (cell as Date).getTime(),
  hourOf: column => sql`cast(floor(extract(epoch from ${sql.ref(column)}) / 3600) * ${sql.lit(hourMs)} as bigint)`,
  flag: value => value,
  json: cell => cell,
  dollars: millionths => decimal(millionths),
  fromDollars: cell => millionthsOf(String(cell)),
  sumOfCost: 'cast(coalesce(sum(cost), 0) * 1000000 as bigint)',
  isLocking: true,
}

const million = 1_000_000n

function decimal(millionths: bigint): string {
  const [sign, size] = millionths < 0n ? ['-', -millionths] : ['', millionths]
  return `${sign}${size / million}.${String(size % million).padStart(6, '0')}`
}

function millionthsOf(text: string): bigint {
  const [whole = '0', part = ''] = text.split('.')
  return BigInt(whole + part.padEnd(6, '0'))
}
