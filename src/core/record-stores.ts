import type { Listing, Page, TimeRange } from './page.ts'
import type { InputRow, LogLevel, LogRow, RequestRow, ResponseRow } from './records.ts'

/** A request with what is archived of it; both texts or none. */
export interface RequestRecord {
  readonly request: RequestRow
  readonly archive?: { readonly input: InputRow; readonly response: ResponseRow }
}

export interface StatsFilter extends TimeRange {
  /** The provider's name at that time. */
  readonly provider?: string
  /** The path. */
  readonly endpoint?: string
  readonly model?: string
  readonly keyId?: string
  readonly project?: string
}

export interface RequestFilter extends StatsFilter {
  /** Inclusive at both ends: 200 is 200..200, all failures of servers are 500..599. */
  readonly status?: readonly [min: number, max: number]
  readonly userId?: string
}

export const statsGroups = ['hour', 'day', 'week', 'month'] as const
export type StatsGroup = (typeof statsGroups)[number]

/** What calls came to. A failure has a status from 400 or an error code. */
export interface StatsSums {
  readonly requests: number
  readonly failures: number
  /** Answered from the cache. */
  readonly cached: number
  readonly tokensInput: number
  readonly tokensOutput: number
  /** Millionths of a dollar. */
  readonly cost: bigint
  /** Milliseconds; null without requests. Percentiles are read off a histogram, so they are near and not exact. */
  readonly averageMs: number | null
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly maxMs: number | null
}

export interface StatsBucket extends StatsSums {
  /** Unix milliseconds: the part of the hour (of UTC), day, week (from Monday) or month that lies in the range. */
  readonly from: number
  readonly to: number
}

export interface Stats {
  /** In order, without gaps: one where nothing happened is full of zeros. */
  readonly buckets: readonly StatsBucket[]
  readonly total: StatsSums
}

export interface StatsQuery extends StatsFilter {
  readonly from: number
  readonly to: number
  readonly groupBy: StatsGroup
  /** IANA name, in which days begin; UTC when missing. Hours are those of UTC in any. An unknown one is `invalid_request`. */
  readonly timeZone?: string
}

export const statsBucketsMax = 10_000

export type ShareOf = 'provider' | 'endpoint' | 'model' | 'project' | 'keyId'

export interface Share extends StatsSums {
  /** Null for calls that have none, such as those no provider was asked for. */
  readonly name: string | null
}

export interface RequestStore {
  /**
   * All or nothing, with their sums. Whatever is known by its id is left alone and counted once, so a batch whose fate is
   * not known may be written again.
   */
  readonly write: (batch: readonly RequestRecord[]) => Promise<void>
  /** Newest first. */
  readonly list: (filter: RequestFilter, page: Page) => Promise<Listing<RequestRow>>
  readonly get: (id: string) => Promise<RequestRow | undefined>
  /** More than `statsBucketsMax` buckets are `invalid_request`. */
  readonly stats: (query: StatsQuery) => Promise<Stats>
  /** The same sums by what the calls have in common, most requests first. */
  readonly shares: (filter: StatsFilter & Required<TimeRange>, of: ShareOf, limit: number) => Promise<readonly Share[]>
  /** Rows from before a time, at most `limit` of them; how many went. Their sums stay. */
  readonly removeBefore: (time: number, limit: number) => Promise<number>
}

export interface ArchivedCall {
  readonly input: InputRow
  readonly response: ResponseRow
}

export interface ArchiveStore {
  /** Newest first. */
  readonly list: (filter: TimeRange, page: Page) => Promise<Listing<ArchivedCall>>
  /** By the id of the request. */
  readonly get: (id: string) => Promise<ArchivedCall | undefined>
  readonly remove: (id: string) => Promise<void>
  /** Texts from before a time, at most `limit` calls; how many went. */
  readonly removeBefore: (time: number, limit: number) => Promise<number>
}

export interface LogFilter extends TimeRange {
  readonly level?: LogLevel
  readonly component?: string
  readonly requestId?: string
  /** Part of the message, taken literally; letters of either case. */
  readonly search?: string
}

export interface LogStore {
  /** All or nothing; known ids are left alone. */
  readonly write: (batch: readonly LogRow[]) => Promise<void>
  /** Newest first. */
  readonly list: (filter: LogFilter, page: Page) => Promise<Listing<LogRow>>
  readonly removeBefore: (time: number, limit: number) => Promise<number>
}

/** Takes what happened off a call's hands: returns at once and never throws. */
export interface RecordSink {
  readonly putRequest: (record: RequestRecord) => void
  readonly putLog: (row: LogRow) => void
}
