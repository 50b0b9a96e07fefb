import { type RawBuilder, sql } from 'kysely'
import type { ErrorCode, RequestRow, StatsFilter, StatsSums } from '../../core/index.ts'
import { ceilHour, floorHour } from './calendar.ts'
import { plainText } from './codec.ts'
import type { Query } from './database.ts'
import type { Dialect } from './dialect.ts'
import { insertOf, snakeCase } from './insert-new.ts'
import { all, type Condition, compare, equalities } from './table.ts'
import { counters, dimensions, histogramColumns, histogramMs, keyDimensions } from './tables.ts'

const leftCode: ErrorCode = 'cancelled'

/** What calls came to, in numbers that can be added to each other. */
export interface Sums {
  requests: number
  failures: number
  cached: number
  tokensInput: number
  tokensOutput: number
  cost: bigint
  responseTimeSum: number
  responseTimeMax: number
  /** One count for each column of the histogram. */
  histogram: number[]
}

export function noSums(): Sums {
  const counts = { requests: 0, failures: 0, cached: 0, tokensInput: 0, tokensOutput: 0 }
  return { ...counts, cost: 0n, responseTimeSum: 0, responseTimeMax: 0, histogram: histogramColumns.map(() => 0) }
}

export function addSums(to: Sums, more: Sums): void {
  to.requests += more.requests
  to.failures += more.failures
  to.cached += more.cached
  to.tokensInput += more.tokensInput
  to.tokensOutput += more.tokensOutput
  to.cost += more.cost
  to.responseTimeSum += more.responseTimeSum
  to.responseTimeMax = Math.max(to.responseTimeMax, more.responseTimeMax)
  for (const [at, count] of more.histogram.entries()) to.histogram[at]! += count
}

/** What its caller left is no failure: nothing went wrong. */
function isFailure({ status, errorCode }: RequestRow): boolean {
  return errorCode !== leftCode && (status >= 400 || errorCode !== null)
}

export function addRow(to: Sums, row: RequestRow): void {
  const responseTime = Math.round(row.responseTime)
  to.requests++
  if (isFailure(row)) to.failures++
  if (row.cache === 'hit') to.cached++
  to.tokensInput += Math.round(row.tokensInput)
  to.tokensOutput += Math.round(row.tokensOutput)
  to.cost += row.cost ?? 0n
  to.responseTimeSum += responseTime
  to.responseTimeMax = Math.max(to.responseTimeMax, responseTime)
  const bin = histogramMs.findIndex(most => responseTime <= most)
  to.histogram[bin === -1 ? histogramMs.length : bin]!++
}

export function readSums(row: Record<string, unknown>): Sums {
  const number = (name: string) => Number(row[name] ?? 0)
  return {
    requests: number('requests'),
    failures: number('failures'),
    cached: number('cached'),
    tokensInput: number('tokensInput'),
    tokensOutput: number('tokensOutput'),
    cost: BigInt(String(row.cost ?? 0)),
    responseTimeSum: number('responseTimeSum'),
    responseTimeMax: number('responseTimeMax'),
    histogram: histogramColumns.map(number),
  }
}

export function shownSums(sums: Sums): StatsSums {
  const { requests, failures, cached, tokensInput, tokensOutput, cost } = sums
  const isEmpty = requests === 0
  return {
    requests,
    failures,
    cached,
    tokensInput,
    tokensOutput,
    cost,
    averageMs: isEmpty ? null : sums.responseTimeSum / requests,
    p50Ms: quantile(sums, 0.5),
    p95Ms: quantile(sums, 0.95),
    maxMs: isEmpty ? null : sums.responseTimeMax,
  }
}

/** As if the calls of one column were spread evenly over it. */
function quantile({ histogram, requests, responseTimeMax }: Sums, part: number): number | null {
  if (requests === 0) return null
  let left = requests * part
  for (const [at, count] of histogram.entries()) {
    const low = at === 0 ? 0 : histogramMs[at - 1]!
    const high = Math.min(histogramMs[at] ?? responseTimeMax, responseTimeMax)
    if (left <= count) return Math.round(low + ((high - low) * left) / count)
    left -= count
  }
  return responseTimeMax
}

/** The finer table is read only where its columns are asked for: it is many times as long. */
export function sourceOf(filter: StatsFilter, isByKey = false): 'statsHourly' | 'statsHourlyKeys' {
  return isByKey || filter.keyId !== undefined || filter.project !== undefined ? 'statsHourlyKeys' : 'statsHourly'
}

export function filterOf({ provider, endpoint, model, keyId, project }: StatsFilter): Condition[] {
  return equalities({ provider, endpoint, model, keyId, project })
}

/** Sums of whole hours in the range; what `by` names is in the rows too. */
export async function hourlySums(
  query: Query,
  filter: StatsFilter & { from: number; to: number },
  by: RawBuilder<unknown>,
  { isByKey = false, limit }: { isByKey?: boolean; limit?: number } = {},
): Promise<Record<string, unknown>[]> {
  const range = [compare('hour', '>=', ceilHour(filter.from)), compare('hour', '<', floorHour(filter.to))]
  const { rows } = await sql<Record<string, unknown>>`
    select ${by} as grouping, ${totals()} from ${sql.table(sourceOf(filter, isByKey))}
    where ${all([...range, ...filterOf(filter)])} group by ${by}
    ${limit === undefined ? sql`` : sql`order by requests desc limit ${sql.lit(limit)}`}`.execute(query)
  return rows
}

function totals(): RawBuilder<unknown> {
  const sums = [...counters, ...histogramColumns].map(
    name => sql`cast(sum(${sql.ref(name)}) as bigint) as ${sql.ref(name)}`,
  )
  return sql`${sql.join(sums)}, max(response_time_max) as response_time_max`
}

export interface Piece {
  readonly from: number
  readonly to: number
}

/**
 * Sums of the requests themselves, in pieces of hours: by piece, which is the place of one in the list, or by a column. A
 * planner that is shown the times of each piece knows how little lies in it; so the list must be a short one.
 */
export async function pieceSums(
  query: Query,
  dialect: Dialect,
  pieces: readonly Piece[],
  filter: StatsFilter,
  column = 'piece',
): Promise<Record<string, unknown>[]> {
  if (pieces.length === 0) return []
  const columns = sql.join(
    [...new Set(['status', ...summedColumns, ...(column === 'piece' ? [] : [column])])].map(sql.ref),
  )
  const selects = pieces.map(({ from, to }, at) => {
    const range = [compare('timestamp', '>=', dialect.clock(from)), compare('timestamp', '<', dialect.clock(to))]
    return sql`select ${sql.lit(at)} as piece, ${columns} from requests where ${all([...range, ...filterOf(filter)])}`
  })
  const { rows } = await sql<Record<string, unknown>>`
    select ${sql.ref(column)} as grouping, ${totalsOfRequests(dialect)}
    from (${sql.join(selects, sql` union all `)}) as pieces group by ${sql.ref(column)}`.execute(query)
  return rows
}

const summedColumns = ['errorCode', 'cache', 'tokensInput', 'tokensOutput', 'cost', 'responseTime']

/** In the order of the tables of sums. */
export function totalsOfRequests({ sumOfCost }: Dialect): RawBuilder<unknown> {
  const bins = histogramColumns.map((name, at) => {
    const bounds = [
      ...(at === 0 ? [] : [`response_time > ${histogramMs[at - 1]}`]),
      ...(at === histogramMs.length ? [] : [`response_time <= ${histogramMs[at]}`]),
    ]
    return `count(case when ${bounds.join(' and ')} then 1 end) as ${name}`
  })
  const isFailure = `coalesce(error_code, '') <> '${leftCode}' and (status >= 400 or error_code is not null)`
  return sql.raw(`count(*) as requests, count(case when ${isFailure} then 1 end) as failures,
    count(case when cache = 'hit' then 1 end) as cached, cast(sum(tokens_input) as bigint) as tokens_input,
    cast(sum(tokens_output) as bigint) as tokens_output, ${sumOfCost} as cost,
    cast(sum(response_time) as bigint) as response_time_sum, max(response_time) as response_time_max,
    ${bins.join(', ')}`)
}

/**
 * Adds rows that have just been written to both tables of sums. In one order, so that two nodes that do this at once
 * cannot wait for each other.
 */
export async function countIn(query: Query, dialect: Dialect, rows: readonly RequestRow[]): Promise<void> {
  await addTo(query, dialect, 'statsHourly', dimensions, rows)
  await addTo(query, dialect, 'statsHourlyKeys', keyDimensions, rows)
}

type Place = Record<(typeof keyDimensions)[number], string | number>

async function addTo(
  query: Query,
  dialect: Dialect,
  table: 'statsHourly' | 'statsHourlyKeys',
  names: readonly (typeof keyDimensions)[number][],
  rows: readonly RequestRow[],
): Promise<void> {
  const places = new Map<string, { place: Place; sums: Sums }>()
  for (const row of rows) {
    const place = placeOf(row)
    const key = JSON.stringify(names.map(name => place[name]))
    let known = places.get(key)
    if (known === undefined) places.set(key, (known = { place, sums: noSums() }))
    addRow(known.sums, row)
  }
  const sorted = [...places].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, cells]) => cells)
  if (sorted.length === 0) return
  const values = sorted.map(({ place, sums: { histogram, ...sums } }) => ({
    ...Object.fromEntries(names.map(name => [name, place[name]])),
    ...sums,
    ...Object.fromEntries(histogramColumns.map((name, at) => [name, histogram[at]!])),
  }))
  await query.executeQuery(insertOf(dialect, snakeCase(table), values, addingTails[table]))
}

function placeOf({ timestamp, endpoint, provider, model, status, keyId, project }: RequestRow): Place {
  return {
    hour: floorHour(timestamp),
    endpoint: plainText(endpoint),
    provider: plainText(provider ?? ''),
    model: plainText(model),
    status,
    keyId: plainText(keyId ?? ''),
    project: plainText(project ?? ''),
  }
}

/** What becomes of sums that are there already. */
function addingTail(table: string, names: readonly string[]): string {
  const sums = [...counters, ...histogramColumns].map(snakeCase)
  const added = sums.map(name => `${name} = ${table}.${name} + excluded.${name}`)
  const [was, is] = [`${table}.response_time_max`, 'excluded.response_time_max']
  const longest = `response_time_max = case when ${is} > ${was} then ${is} else ${was} end`
  const place = names.map(name => `"${snakeCase(name)}"`).join(', ')
  return `on conflict (${place}) do update set ${[...added, longest].join(', ')}`
}

const addingTails = {
  statsHourly: addingTail('stats_hourly', dimensions),
  statsHourlyKeys: addingTail('stats_hourly_keys', keyDimensions),
}
