import { type Kysely, sql } from 'kysely'
import { ParleyError, type Sealer, type SealPurpose } from '../../core/index.ts'
import { changing, type Database, type Query } from './database.ts'
import type { Tables } from './tables.ts'

/** A text whose only use is to tell whether a master key is the right one. */
const canary = 'parley'

/** The first one who brings a master key decides which it is. */
export async function checkCanary(db: Kysely<Tables>, sealer: Sealer): Promise<void> {
  const first = { name: 'canary', value: sealer.seal(canary, 'canary') }
  await db
    .insertInto('meta')
    .values(first)
    .onConflict(conflict => conflict.doNothing())
    .execute()
  const { value } = await db.selectFrom('meta').select('value').where('name', '=', 'canary').executeTakeFirstOrThrow()
  try {
    sealer.open(String(value), 'canary')
  } catch (cause) {
    const message =
      'the secrets in the database are sealed by another master key; start with that one, or rotate from it to this one'
    throw new ParleyError('secret_unreadable', message, { cause })
  }
}

/** Which columns hold sealed texts, and for what purpose those of a row are sealed. */
const sealedColumns = [
  { table: 'providers', column: 'secret', purpose: id => `provider:${id}` },
  { table: 'users', column: 'totpSecret', purpose: id => `totp:${id}` },
] as const satisfies readonly SealedColumn[]

interface SealedColumn {
  readonly table: 'providers' | 'users'
  readonly column: 'secret' | 'totpSecret'
  readonly purpose: (id: string) => SealPurpose
}

export function reseal(database: Database, from: Sealer, to: Sealer): Promise<number> {
  return changing(database, async trx => {
    if (database.dialect.isLocking) await sql`lock table providers, users in share row exclusive mode`.execute(trx)
    let count = 0
    for (const sealed of sealedColumns) count += await resealColumn(trx, sealed, from, to)
    await trx
      .updateTable('meta')
      .set({ value: to.seal(canary, 'canary') })
      .where('name', '=', 'canary')
      .execute()
    return count
  })
}

async function resealColumn(trx: Query, sealed: SealedColumn, from: Sealer, to: Sealer): Promise<number> {
  const { column, purpose } = sealed
  const table = sealed.table as 'providers'
  const secret = column as 'secret'
  const rows = await trx.selectFrom(table).select(['id', secret]).where(secret, 'is not', null).execute()
  for (const row of rows) {
    const id = String(row.id)
    const value = to.seal(from.open(String(row[secret]), purpose(id)), purpose(id))
    await trx
      .updateTable(table)
      .set({ [secret]: value })
      .where('id', '=', id)
      .execute()
  }
  return rows.length
}
