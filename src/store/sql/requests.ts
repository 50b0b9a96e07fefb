import type { Listing, Page, RequestFilter, RequestRecord, RequestRow, RequestStore } from '../../core/index.ts'
import { createCodec } from './codec.ts'
import { type Database, reading } from './database.ts'
import { removeOld } from './dated.ts'
import { guarded } from './failures.ts'
import { insertNew } from './insert-new.ts'
import { conditionsOf, placeOfPage } from './request-pages.ts'
import { sharesOf, statsOf } from './stats.ts'
import { countIn } from './sums.ts'
import { all, boundsOf, equal } from './table.ts'

/** Rows of one statement: PostgreSQL takes 65,535 values and SQLite 32,766. */
const rowsAtOnce = 250

export function createRequests(database: Database): RequestStore {
  const { db, dialect } = database
  const codec = createCodec(dialect, 'requests')
  const list = (filter: RequestFilter, page: Page): Promise<Listing<RequestRow>> => {
    const { limit, offset } = boundsOf(page)
    return reading(database, async trx => {
      const place = await placeOfPage(database, trx, filter, { limit, offset })
      if (place.rows === undefined) return place.listing
      const { range, skip } = place.rows
      const query = trx
        .selectFrom('requests')
        .selectAll()
        .where(all(conditionsOf(dialect, { ...filter, ...range })))
      const ordered = query.orderBy('timestamp', 'desc').orderBy('id', 'desc').limit(limit).offset(skip)
      return { ...place.listing, rows: (await ordered.execute()).map(codec.decode) }
    })
  }
  return {
    write: batch =>
      guarded(() => writeAll(database, [...new Map(batch.map(each => [each.request.id, each])).values()])),
    list,
    get: id =>
      guarded(async () => {
        const row = await db.selectFrom('requests').selectAll().where(equal('id', id)).executeTakeFirst()
        return row && codec.decode(row)
      }),
    stats: async query => await statsOf(database, query),
    shares: (filter, of, limit) => sharesOf(database, filter, of, limit),
    removeBefore: (time, limit) => removeOld(database, 'requests', time, limit),
  }
}

function writeAll({ db, dialect }: Database, batch: readonly RequestRecord[]): Promise<void> {
  const requests = createCodec(dialect, 'requests')
  const inputs = createCodec(dialect, 'inputs')
  const responses = createCodec(dialect, 'responses')
  return db.transaction().execute(async trx => {
    for (let at = 0; at < batch.length; at += rowsAtOnce) {
      const some = batch.slice(at, at + rowsAtOnce)
      const rows = some.map(({ request }) => request)
      const known = await insertNew(trx, dialect, 'requests', rows.map(requests.encode))
      await countIn(
        trx,
        dialect,
        rows.filter(({ id }) => known.has(id)),
      )
      const archived = some.flatMap(({ archive }) => archive ?? [])
      await insertNew(
        trx,
        dialect,
        'inputs',
        archived.map(({ input }) => inputs.encode(input)),
      )
      await insertNew(
        trx,
        dialect,
        'responses',
        archived.map(({ response }) => responses.encode(response)),
      )
    }
  })
}
