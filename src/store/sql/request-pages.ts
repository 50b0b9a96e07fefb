import type { Listing, RequestFilter, RequestRow, TimeRange } from '../../core/index.ts'
import { ceilHour, floorHour, hourMs } from './calendar.ts'
import type { Database, Query } from './database.ts'
import { countedUpTo, rangeOf } from './dated.ts'
import type { Dialect } from './dialect.ts'
import { piecesOf } from './stats.ts'
import { filterOf, sourceOf } from './sums.ts'
import { all, type Condition, compare, equalities } from './table.ts'

export interface PlaceOfPage {
  readonly listing: Listing<RequestRow>
  /** Undefined for a page past the end. */
  readonly rows?: { readonly range: TimeRange; readonly skip: number }
}

export function conditionsOf(dialect: Dialect, filter: RequestFilter): Condition[] {
  return [
    ...filterOf(filter),
    ...equalities({ userId: filter.userId }),
    ...statusOf(filter),
    ...rangeOf(dialect, filter),
  ]
}

function statusOf({ status }: RequestFilter): Condition[] {
  if (status === undefined) return []
  const [min, max] = status
  return min === max ? equalities({ status: min }) : [compare('status', '>=', min), compare('status', '<=', max)]
}

/**
 * How many rows there are in all, and in which hours the page lies: both from the sums by hour, so that neither a total
 * nor a page deep down reads the rows before it.
 */
export async function placeOfPage(
  database: Database,
  trx: Query,
  filter: RequestFilter,
  { limit, offset }: { limit: number; offset: number },
): Promise<PlaceOfPage> {
  if (filter.userId !== undefined) return await countedPlace(database, trx, filter, offset)
  const segments = await segmentsOf(database, trx, filter)
  const total = segments.reduce((sum, { count }) => sum + count, 0)
  const listing = { rows: [], total }
  if (offset >= total) return { listing }
  let before = 0
  let at = 0
  while (before + segments[at]!.count <= offset) before += segments[at++]!.count
  const to = segments[at]!.to
  let seen = before
  while (at < segments.length - 1 && (seen += segments[at]!.count) < offset + limit) at++
  return { listing, rows: { range: { from: segments[at]!.from, to }, skip: offset - before } }
}

interface Segment {
  readonly from: number
  readonly to: number
  readonly count: number
}

/** Stretches of time, newest first, and how many rows lie in each. Sums outlive their rows, so what is gone is left out. */
async function segmentsOf(database: Database, trx: Query, filter: RequestFilter): Promise<Segment[]> {
  const ends = await endsOf(database.dialect, trx)
  if (ends === undefined) return []
  const from = Math.max(filter.from ?? 0, ends.oldest)
  const to = Math.min(filter.to ?? Number.POSITIVE_INFINITY, floorHour(ends.newest) + hourMs)
  if (from >= to) return []
  const segments: Segment[] = []
  for (const piece of piecesOf({ from, to })) {
    segments.push({ ...piece, count: await countIn(database.dialect, trx, { ...filter, ...piece }) })
  }
  const hours = await trx
    .selectFrom(sourceOf(filter))
    .select(['hour', ({ fn }) => fn.sum('requests').as('count')])
    .where(all([...filterOf(filter), ...statusOf(filter)]))
    .where('hour', '>=', ceilHour(from))
    .where('hour', '<', floorHour(to))
    .groupBy('hour')
    .execute()
  for (const { hour, count } of hours) {
    segments.push({ from: Number(hour), to: Number(hour) + hourMs, count: Number(count) })
  }
  return segments.sort((one, other) => other.from - one.from)
}

async function endsOf(dialect: Dialect, trx: Query): Promise<{ oldest: number; newest: number } | undefined> {
  const { oldest, newest } = await trx
    .selectFrom('requests')
    .select(({ fn }) => [fn.min('timestamp').as('oldest'), fn.max('timestamp').as('newest')])
    .executeTakeFirstOrThrow()
  if (oldest === null || newest === null) return undefined
  return { oldest: dialect.fromClock(oldest), newest: dialect.fromClock(newest) }
}

async function countIn(dialect: Dialect, trx: Query, filter: RequestFilter): Promise<number> {
  const { count } = await trx
    .selectFrom('requests')
    .select(({ fn }) => fn.countAll().as('count'))
    .where(all(conditionsOf(dialect, filter)))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Nothing is summed by users: their requests are counted one by one. */
async function countedPlace(
  { dialect }: Database,
  trx: Query,
  filter: RequestFilter,
  offset: number,
): Promise<PlaceOfPage> {
  const { from, to } = filter
  const counted = await countedUpTo({ db: trx }, 'requests', conditionsOf(dialect, filter))
  const listing = { rows: [], ...counted }
  if (offset >= counted.total && counted.hasMore === undefined) return { listing }
  const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
  return { listing, rows: { range, skip: offset } }
}
