import { sql } from 'kysely'
import {
  type ConfigurationRow,
  type NewProvider,
  ParleyError,
  type ProviderRow,
  type RunningChange,
} from '../../core/index.ts'
import type { Database, Query } from './database.ts'
import { guarded } from './failures.ts'
import { createTable } from './table.ts'

const isThere = sql<boolean>`deleted_at is null`

/** What goes makes room for the names of what comes. */
export function applyRunning(database: Database, change: RunningChange): Promise<ConfigurationRow | undefined> {
  const { db, clock } = database
  const providers = createTable(database, 'providers')
  const endpoints = createTable(database, 'endpoints')
  return guarded(() =>
    db.transaction().execute(async trx => {
      await takeRevision(trx, change.revision)
      const now = clock.now()
      for (const id of change.removed) {
        await providers.update(id, { deletedAt: now, secret: null, secretTail: null }, [isThere], trx)
      }
      for (const { id, change: update } of change.updated) {
        await providers.update(id, { ...update, updatedAt: now }, [isThere], trx)
      }
      for (const provider of change.created) await providers.insert(rowOf(database, provider, now), trx)
      for (const { id, change: update } of change.endpoints) {
        await endpoints.update(id, { ...update, updatedAt: now }, [], trx)
      }
      return await activate(database, trx, change.active, now)
    }),
  )
}

/** Whoever comes second finds another number and has changed nothing. */
async function takeRevision(trx: Query, revision: number): Promise<void> {
  const next = sql`update meta set value = ${String(revision + 1)} where name = 'revision' and value = ${String(revision)}`
  const { numAffectedRows = 0n } = await next.execute(trx)
  if (numAffectedRows === 1n) return
  throw new ParleyError(
    'conflict',
    'the configuration was changed by somebody else meanwhile; look at it and try again',
  )
}

function rowOf({ random }: Database, provider: NewProvider, now: number): ProviderRow {
  const row = { id: random.uuid(), secret: null, secretTail: null, status: 'active' as const, ...provider }
  return { deletedAt: null, ...row, createdAt: now, updatedAt: now }
}

async function activate(
  database: Database,
  trx: Query,
  active: RunningChange['active'],
  now: number,
): Promise<ConfigurationRow | undefined> {
  const { dialect, random } = database
  const table = createTable(database, 'configurations')
  await trx
    .updateTable('configurations')
    .set({ isActive: dialect.flag(false) })
    .execute()
  if (active === undefined) return undefined
  if (typeof active === 'string') return await table.update(active, { isActive: true }, [], trx)
  return await table.insert({ ...active, id: random.uuid(), isActive: true, createdAt: now, updatedAt: now }, trx)
}
