import { sql } from 'kysely'
import type { Listing, LogFilter, LogRow, LogStore, Page } from '../../core/index.ts'
import { createCodec, plainText } from './codec.ts'
import type { Database } from './database.ts'
import { countedUpTo, rangeOf, removeOld } from './dated.ts'
import { guarded } from './failures.ts'
import { insertNew } from './insert-new.ts'
import { all, boundsOf, type Condition, equalities } from './table.ts'

const rowsAtOnce = 500

export function createLogs(database: Database): LogStore {
  const { db, dialect } = database
  const codec = createCodec(dialect, 'logs')
  const list = async (filter: LogFilter, page: Page): Promise<Listing<LogRow>> => {
    const { limit, offset } = boundsOf(page)
    const { level, component, requestId, search } = filter
    const conditions = [
      ...equalities({ level, component, requestId }),
      ...rangeOf(dialect, filter),
      ...(search === undefined ? [] : [containing(search)]),
    ]
    const count = await countedUpTo(database, 'logs', conditions)
    const query = db.selectFrom('logs').selectAll().where(all(conditions))
    const ordered = query.orderBy('timestamp', 'desc').orderBy('id', 'desc').limit(limit).offset(offset)
    return { ...count, rows: (await ordered.execute()).map(codec.decode) }
  }
  return {
    write: batch =>
      guarded(() =>
        db.transaction().execute(async trx => {
          for (let at = 0; at < batch.length; at += rowsAtOnce) {
            await insertNew(trx, dialect, 'logs', batch.slice(at, at + rowsAtOnce).map(codec.encode))
          }
        }),
      ),
    list: (filter, page) => guarded(() => list(filter, page)),
    removeBefore: (time, limit) => removeOld(database, 'logs', time, limit),
  }
}

/** The signs that stand for other text in a pattern are taken as they are. */
function containing(search: string): Condition {
  const pattern = `%${plainText(search).replace(/[\\%_]/g, '\\$&')}%`
  return sql<boolean>`lower(message) like lower(${pattern}) escape '\\'`
}
