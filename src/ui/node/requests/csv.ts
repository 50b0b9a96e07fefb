import { api } from '../../client/api.ts'
import { columns, csvLines } from './csv-text.ts'
import type { RequestQuery } from './query.ts'

export const rowsMax = 100_000
const pageRows = 200

export interface Exported {
  readonly blob: Blob
  readonly rows: number
  /** There were more than may be exported at once. */
  readonly isCut: boolean
}

/** Every row that fits, page by page; rows that are written meanwhile are not among them. */
export async function exportCsv(
  query: RequestQuery,
  tell: (rows: number) => void,
  signal: AbortSignal,
): Promise<Exported> {
  const parts = [`${columns.join(',')}\r\n`]
  let rows = 0
  let to = query.to
  for (let page = 1; rows < rowsMax; page++) {
    const wanted = { ...query, ...(to !== undefined && { to }), page, limit: pageRows }
    const { data, total, hasMore } = await api('GET /requests', { query: wanted }, signal)
    parts.push(csvLines(data))
    rows += data.length
    tell(rows)
    if (page === 1 && data[0] !== undefined)
      to = Math.min(to ?? Number.POSITIVE_INFINITY, Date.parse(data[0].timestamp) + 1)
    if (data.length < pageRows || (rows >= total && hasMore === undefined)) return done(parts, rows, false)
  }
  return done(parts, rows, true)
}

function done(parts: string[], rows: number, isCut: boolean): Exported {
  return { blob: new Blob(parts, { type: 'text/csv;charset=utf-8' }), rows, isCut }
}

/** Hands a file to the browser. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
