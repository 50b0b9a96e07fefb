import type { ArchivedCall, ArchiveStore, Listing, Page, TimeRange } from '../../core/index.ts'
import { createCodec } from './codec.ts'
import type { Database } from './database.ts'
import { countedUpTo, rangeOf, removeOld } from './dated.ts'
import { guarded } from './failures.ts'
import { all, boundsOf, equal } from './table.ts'

export function createArchive(database: Database): ArchiveStore {
  const { db, dialect } = database
  const inputs = createCodec(dialect, 'inputs')
  const responses = createCodec(dialect, 'responses')
  const both = async (found: readonly Record<string, unknown>[]): Promise<ArchivedCall[]> => {
    if (found.length === 0) return []
    const asked = found.map(inputs.decode)
    const ids = asked.map(({ id }) => id)
    const answers = await db.selectFrom('responses').selectAll().where('inputId', 'in', ids).execute()
    const byInput = new Map(answers.map(cells => [cells.inputId, responses.decode(cells)]))
    return asked.flatMap(input => {
      const response = byInput.get(input.id)
      return response === undefined ? [] : { input, response }
    })
  }
  const list = async (filter: TimeRange, page: Page): Promise<Listing<ArchivedCall>> => {
    const { limit, offset } = boundsOf(page)
    const conditions = rangeOf(dialect, filter)
    const count = await countedUpTo(database, 'inputs', conditions)
    const query = db.selectFrom('inputs').selectAll().where(all(conditions))
    const ordered = query.orderBy('timestamp', 'desc').orderBy('id', 'desc').limit(limit).offset(offset)
    return { ...count, rows: await both(await ordered.execute()) }
  }
  return {
    list: (filter, page) => guarded(() => list(filter, page)),
    get: id =>
      guarded(async () => (await both(await db.selectFrom('inputs').selectAll().where(equal('id', id)).execute()))[0]),
    remove: id => guarded(async () => void (await db.deleteFrom('inputs').where(equal('id', id)).execute())),
    removeBefore: (time, limit) => removeOld(database, 'inputs', time, limit),
  }
}
