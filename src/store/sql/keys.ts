import { sql } from 'kysely'
import type { ApiKeyStore, KeyRow, NewKey } from '../../core/index.ts'
import { changing, type Database } from './database.ts'
import { guarded } from './failures.ts'
import { type Condition, createTable, equalities } from './table.ts'

const importedAtOnce = 500

export function createKeys(database: Database): ApiKeyStore {
  const { db, clock, random } = database
  const table = createTable(database, 'keys')
  const importSome = async (keys: readonly KeyRow[]) => {
    const known = db.selectFrom('keys').select('id')
    const ids = await guarded(() =>
      known
        .where(
          'id',
          'in',
          keys.map(({ id }) => id),
        )
        .execute(),
    )
    const there = new Set(ids.map(({ id }) => id))
    const cells = keys.filter(({ id }) => !there.has(id)).map(table.codec.encode)
    if (cells.length === 0) return 0
    return await changing(database, async trx => {
      const added = trx
        .insertInto('keys')
        .values(cells as never)
        .onConflict(conflict => conflict.doNothing())
      return Number((await added.executeTakeFirstOrThrow()).numInsertedOrUpdatedRows ?? 0)
    })
  }
  return {
    list: ({ project, userId, isRevoked }, page) =>
      table.list([...equalities({ project, userId }), ...revocation(isRevoked)], page, [
        ['createdAt', 'asc'],
        ['id', 'asc'],
      ]),
    get: id => table.find({ id }),
    find: hash => table.find({ hash }),
    create: key => changing(database, trx => table.insert(rowOf(key, random.uuid(), clock.now()), trx)),
    update: (id, change) => changing(database, trx => table.update(id, change, [], trx)),
    revoke: id =>
      changing(database, async trx => {
        const revoked = sql<number>`coalesce(revoked_at, ${clock.now()})`
        await trx.updateTable('keys').set({ revokedAt: revoked }).where('id', '=', id).execute()
        return await table.update(id, {}, [], trx)
      }),
    touch: usedAt =>
      guarded(() =>
        db.transaction().execute(async trx => {
          // In one order, so that two who do this at once cannot wait for each other.
          for (const [id, time] of [...usedAt].sort(([one], [other]) => (one < other ? -1 : 1))) {
            const touched = trx.updateTable('keys').set({ lastUsedAt: time }).where('id', '=', id)
            await touched
              .where(({ or, eb }) => or([eb('lastUsedAt', 'is', null), eb('lastUsedAt', '<', time)]))
              .execute()
          }
        }),
      ),
    importAll: async keys => {
      let added = 0
      for (let at = 0; at < keys.length; at += importedAtOnce) {
        added += await importSome(keys.slice(at, at + importedAtOnce))
      }
      return added
    },
  }
}

/** A key without limits, presets or wishes. */
export const nothingSet = {
  project: null,
  userId: null,
  models: null,
  rpm: null,
  tpm: null,
  parallel: null,
  maxPrice: null,
  maxPerDay: null,
  budgetId: null,
  preset: null,
  archive: 'default',
  redact: null,
  cache: 'default',
  expiresAt: null,
  replacedBy: null,
  revokedAt: null,
  lastUsedAt: null,
} as const satisfies Partial<KeyRow>

function rowOf(key: NewKey, id: string, createdAt: number): KeyRow {
  return { ...nothingSet, id, ...key, createdAt }
}

function revocation(isRevoked: boolean | undefined): Condition[] {
  if (isRevoked === undefined) return []
  return [isRevoked ? sql<boolean>`revoked_at is not null` : sql<boolean>`revoked_at is null`]
}
