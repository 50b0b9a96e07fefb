import type { Request } from '../../client/api.ts'

export const columns = [
  'timestamp',
  'id',
  'endpoint',
  'model',
  'servedModel',
  'provider',
  'status',
  'errorCode',
  'responseTime',
  'firstChunkMs',
  'tokensInput',
  'tokensOutput',
  'cost',
  'costUnits',
  'keyId',
  'userId',
  'project',
  'cache',
  'stream',
  'partial',
] as const satisfies readonly (keyof Request)[]

/** Quoted; what a spreadsheet would run as a formula is text. */
export function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value)
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export function csvLines(rows: readonly Request[]): string {
  return rows.map(row => `${columns.map(column => csvCell(row[column])).join(',')}\r\n`).join('')
}
