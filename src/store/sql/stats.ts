import { sql } from 'kysely'
import type { Share, ShareOf, Stats, StatsBucket, StatsFilter, StatsQuery } from '../../core/index.ts'
import { ceilHour, cutsOf, floorHour } from './calendar.ts'
import { type Database, type Query, reading } from './database.ts'
import { addSums, hourlySums, noSums, type Piece, pieceSums, readSums, type Sums, shownSums } from './sums.ts'

const piecesAtOnce = 100
const namesMax = 10_000

interface Bucket extends Piece {
  readonly sums: Sums
}

/** Whole hours come from the table of sums; what a cut leaves of an hour is counted in the requests. */
export function statsOf(database: Database, query: StatsQuery): Promise<Stats> {
  const cuts = cutsOf(query.from, query.to, query.groupBy, query.timeZone)
  const buckets = cuts.slice(1).map((to, at): Bucket => ({ from: cuts[at]!, to, sums: noSums() }))
  return reading(database, async trx => {
    const cutHours = new Set(cuts.filter(cut => floorHour(cut) !== cut).map(floorHour))
    let at = 0
    for (const row of (await hourlySums(trx, query, sql`hour`)).sort(byGrouping)) {
      const hour = Number(row.grouping)
      if (cutHours.has(hour)) continue
      while (buckets[at]!.to <= hour) at++
      addSums(buckets[at]!.sums, readSums(row))
    }
    await addPieces(database, trx, query, buckets)
    const total = noSums()
    for (const { sums } of buckets) addSums(total, sums)
    return { buckets: buckets.map(shownBucket), total: shownSums(total) }
  })
}

function byGrouping(one: Record<string, unknown>, other: Record<string, unknown>): number {
  return Number(one.grouping) - Number(other.grouping)
}

function shownBucket({ from, to, sums }: Bucket): StatsBucket {
  return { from, to, ...shownSums(sums) }
}

async function addPieces(
  { dialect }: Database,
  trx: Query,
  query: StatsFilter,
  buckets: readonly Bucket[],
): Promise<void> {
  const pieces = buckets.flatMap((bucket, at) => piecesOf(bucket).map(piece => ({ at, piece })))
  for (let start = 0; start < pieces.length; start += piecesAtOnce) {
    const some = pieces.slice(start, start + piecesAtOnce)
    const listed = some.map(({ piece }) => piece)
    for (const row of await pieceSums(trx, dialect, listed, query)) {
      addSums(buckets[some[Number(row.grouping)]!.at]!.sums, readSums(row))
    }
  }
}

/** The parts of a range that are no whole hours: at most one at each end. */
export function piecesOf({ from, to }: Piece): Piece[] {
  const [first, last] = [ceilHour(from), floorHour(to)]
  if (first > last) return [{ from, to }]
  const pieces = [
    { from, to: first },
    { from: last, to },
  ]
  return pieces.filter(piece => piece.from < piece.to)
}

export function sharesOf(
  database: Database,
  filter: StatsFilter & Piece,
  of: ShareOf,
  limit: number,
): Promise<readonly Share[]> {
  const by = sql.ref(of)
  const isByKey = of === 'keyId' || of === 'project'
  return reading(database, async trx => {
    const rows = await hourlySums(trx, filter, by, { isByKey, limit: namesMax })
    rows.push(...(await pieceSums(trx, database.dialect, piecesOf(filter), filter, of)))
    const shares = new Map<string, Sums>()
    for (const row of rows) {
      const name = String(row.grouping ?? '')
      const sums = shares.get(name) ?? noSums()
      addSums(sums, readSums(row))
      shares.set(name, sums)
    }
    const most = [...shares].sort(([, one], [, other]) => other.requests - one.requests).slice(0, limit)
    return most.map(([name, sums]) => ({ name: name === '' ? null : name, ...shownSums(sums) }))
  })
}
