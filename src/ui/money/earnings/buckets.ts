import type { Answer } from '../../client/api.ts'

export interface Bucket {
  /** Unix milliseconds, the beginning of a day or of a week's Monday, in UTC. */
  readonly start: number
  readonly earned: bigint
  readonly calls: number
}

const dayMs = 86_400_000
/** The first day there is was a Thursday. */
const mondayOffsetDays = 3

/** One entry for every day or week of the range, also for those in which nothing was earned. */
export function bucketsOf(
  rows: Answer<'GET /selling/earnings'>['data'],
  { from, to, by }: { from: number; to: number; by: 'day' | 'week' },
): Bucket[] {
  const beginning = (time: number) => {
    const day = Math.floor(time / dayMs)
    return (by === 'day' ? day : day - ((day + mondayOffsetDays) % 7)) * dayMs
  }
  const found = new Map<number, { earned: bigint; calls: number }>()
  const step = by === 'day' ? dayMs : 7 * dayMs
  for (let start = beginning(from); start < to; start += step) found.set(start, { earned: 0n, calls: 0 })
  for (const { start, earned, calls } of rows) {
    const bucket = start === null ? undefined : found.get(beginning(Date.parse(start)))
    if (bucket === undefined) continue
    bucket.earned += BigInt(earned)
    bucket.calls += calls
  }
  return [...found].map(([start, bucket]) => ({ start, ...bucket }))
}

/** As spreadsheets read it: amounts in whole tokens, times in UTC. */
export function csvOf(buckets: readonly Bucket[], plain: (amount: bigint) => string): string {
  const lines = buckets.map(({ start, earned, calls }) => [
    new Date(start).toISOString().slice(0, 10),
    plain(earned),
    calls,
  ])
  return ['start,earned,calls', ...lines.map(line => line.join(','))].join('\n')
}
