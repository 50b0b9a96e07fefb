/** `page` counts from 1; `limit` is at most `pageLimitMax`. A page past the end is empty. */
export interface Page {
  readonly page: number
  readonly limit: number
}

export const pageLimitMax = 1_000

export interface Listing<T> {
  readonly rows: readonly T[]
  /** How many there are in all, whatever the page. */
  readonly total: number
  /** Set where counting stopped at `total` because there are more. */
  readonly hasMore?: true
}

/** From inclusive, to exclusive, Unix milliseconds. */
export interface TimeRange {
  readonly from?: number
  readonly to?: number
}
