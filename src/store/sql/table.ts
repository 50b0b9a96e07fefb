import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type Listing, type Page, ParleyError, pageLimitMax } from '../../core/index.ts'
import { type Codec, createCodec, plainText } from './codec.ts'
import type { Database, Query } from './database.ts'
import { guarded } from './failures.ts'
import type { Cell, Rows } from './tables.ts'

export type Condition = RawBuilder<boolean>
export type Order = readonly (readonly [column: string, direction: 'asc' | 'desc'])[]

/** What the repositories of small tables have in common. Every function takes a transaction it may be part of. */
export interface Table<Row> {
  readonly codec: Codec<Row>
  readonly list: (conditions: readonly Condition[], page: Page, order: Order, query?: Query) => Promise<Listing<Row>>
  /** The first row where all of these are equal. */
  readonly find: (where: Partial<Row>, query?: Query) => Promise<Row | undefined>
  readonly insert: (row: Row, query?: Query) => Promise<Row>
  /** Throws `not_found` where no row has this id and fulfils the conditions. */
  readonly update: (id: string, change: Partial<Row>, conditions: readonly Condition[], query?: Query) => Promise<Row>
  /** How many went. */
  readonly remove: (conditions: readonly Condition[], query?: Query) => Promise<number>
}

/** The names of columns are checked where they are written down, not where this passes them on. */
type Loose = Kysely<{ table: Record<string, Cell> }>

export function createTable<Name extends keyof Rows>({ db, dialect }: Database, name: Name): Table<Rows[Name]> {
  const codec = createCodec(dialect, name)
  const table = name as string as 'table'
  const on = (query: Query = db) => query as unknown as Loose
  const update = async (id: string, change: Partial<Rows[Name]>, conditions: readonly Condition[], query?: Query) => {
    const cells = codec.encode(change)
    const where = all([equal('id', id), ...conditions])
    const changed =
      Object.keys(cells).length > 0
        ? on(query).updateTable(table).set(cells).where(where).returningAll()
        : on(query).selectFrom(table).selectAll().where(where)
    const row = await changed.executeTakeFirst()
    if (row === undefined)
      throw new ParleyError('not_found', `there is no ${name.slice(0, -1)} ${shown(id)}; list them`)
    return codec.decode(row)
  }
  return {
    codec,
    list: (conditions, page, order, query) =>
      guarded(async () => {
        const { limit, offset } = boundsOf(page)
        const matching = on(query).selectFrom(table).where(all(conditions))
        const { total } = await matching.select(({ fn }) => fn.countAll().as('total')).executeTakeFirstOrThrow()
        let ordered = matching.selectAll().limit(limit).offset(offset)
        for (const [column, direction] of order) ordered = ordered.orderBy(column, direction)
        const rows = offset < Number(total) ? await ordered.execute() : []
        return { rows: rows.map(codec.decode), total: Number(total) }
      }),
    find: (where, query) =>
      guarded(async () => {
        const conditions = Object.entries(codec.encode(where)).map(([column, cell]) => equal(column, cell))
        const row = await on(query).selectFrom(table).selectAll().where(all(conditions)).limit(1).executeTakeFirst()
        return row && codec.decode(row)
      }),
    insert: (row, query) =>
      guarded(async () => {
        const cells = codec.encode(row)
        return codec.decode(await on(query).insertInto(table).values(cells).returningAll().executeTakeFirstOrThrow())
      }),
    update: (id, change, conditions, query) => guarded(() => update(id, change, conditions, query)),
    remove: (conditions, query) =>
      guarded(async () => {
        const { numDeletedRows } = await on(query).deleteFrom(table).where(all(conditions)).executeTakeFirstOrThrow()
        return Number(numDeletedRows)
      }),
  }
}

export function equal(column: string, cell: Cell): Condition {
  return sql<boolean>`${sql.ref(column)} = ${typeof cell === 'string' ? plainText(cell) : cell}`
}

export function compare(column: string, sign: '>=' | '<' | '<=' | '>', cell: Cell): Condition {
  return sql<boolean>`${sql.ref(column)} ${sql.raw(sign)} ${cell}`
}

/** A condition for each column whose cell is given. */
export function equalities(columns: Readonly<Record<string, Cell | undefined>>): Condition[] {
  return Object.entries(columns).flatMap(([column, cell]) => (cell === undefined ? [] : [equal(column, cell)]))
}

export function all(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? sql<boolean>`1 = 1` : sql<boolean>`${sql.join(conditions, sql` and `)}`
}

export function boundsOf({ page, limit }: Page): { readonly limit: number; readonly offset: number } {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > pageLimitMax) {
    throw new ParleyError('invalid_request', `limit must be a whole number from 1 to ${pageLimitMax}`, {
      param: 'limit',
    })
  }
  if (!Number.isSafeInteger(page) || page < 1 || !Number.isSafeInteger(page * limit)) {
    throw new ParleyError('invalid_request', 'page must be a whole number from 1', { param: 'page' })
  }
  return { limit, offset: (page - 1) * limit }
}

function shown(id: string): string {
  return JSON.stringify(id.slice(0, 64))
}
