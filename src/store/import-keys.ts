import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type ApiKeyStore, type KeyRow, ParleyError } from '../core/index.ts'
import { nothingSet } from './sql/keys.ts'

/**
 * Takes the keys of a node's key file over into the store, so that their secrets go on working; the file stays as it is.
 * Those that are there already are left alone, however often this is done. How many were new; 0 without a file.
 */
export async function importKeys(path: string, keys: Pick<ApiKeyStore, 'importAll'>): Promise<number> {
  const rows = existsSync(path) ? readKeys(path) : []
  return rows.length === 0 ? 0 : await keys.importAll(rows)
}

function readKeys(path: string): KeyRow[] {
  try {
    const database = new DatabaseSync(path, { readOnly: true })
    try {
      return database.prepare('select * from api_keys order by created_at, id').all().map(toRow)
    } finally {
      database.close()
    }
  } catch (cause) {
    const message = `the keys in ${path} cannot be read; restore the file from a backup, or move it away to do without them`
    throw new ParleyError('store_unavailable', message, { cause })
  }
}

function toRow(row: Record<string, unknown>): KeyRow {
  const amount = (text: unknown) => (text === null ? null : BigInt(text as string))
  return {
    ...nothingSet,
    id: row.id as string,
    hash: Buffer.from(row.hash as Uint8Array).toString('hex'),
    name: row.name as string,
    tail: row.tail as string,
    maxPrice: amount(row.max_price),
    maxPerDay: amount(row.max_per_day),
    createdAt: row.created_at as number,
    revokedAt: row.revoked_at as number | null,
  }
}
