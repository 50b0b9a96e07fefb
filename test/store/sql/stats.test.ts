import { describe, expect, test } from 'vitest'
import type { RequestRow, StatsGroup, StatsQuery } from '../../../src/core/index.ts'
import { cutsOf } from '../../../src/store/sql/calendar.ts'
import { noon, randomCall, seeded } from './calls.ts'
import { onBoth } from './stage.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

describe('the calendar', () => {
  const utc = (...parts: Parameters<typeof Date.UTC>) => Date.UTC(...parts)

  test('days, weeks and months begin at midnight of the zone', () => {
    const days = cutsOf(utc(2026, 0, 1, 12), utc(2026, 0, 3, 12), 'day', 'Asia/Kathmandu')
    expect(days.slice(1, -1)).toEqual([utc(2026, 0, 1, 18, 15), utc(2026, 0, 2, 18, 15)])
    const weeks = cutsOf(utc(2026, 0, 1), utc(2026, 0, 20), 'week')
    expect(weeks.slice(1, -1)).toEqual([utc(2026, 0, 5), utc(2026, 0, 12), utc(2026, 0, 19)])
    const months = cutsOf(utc(2026, 0, 15), utc(2026, 3, 2), 'month', 'America/New_York')
    expect(months.slice(1, -1)).toEqual([utc(2026, 1, 1, 5), utc(2026, 2, 1, 5), utc(2026, 3, 1, 4)])
  })

  test('the days on which clocks change have 23 and 25 hours', () => {
    const lengths = (from: number, to: number, zone: string) => {
      const cuts = cutsOf(from, to, 'day', zone)
      return cuts.slice(1).map((cut, at) => (cut - cuts[at]!) / hourMs)
    }
    expect(lengths(utc(2026, 2, 27, 23), utc(2026, 2, 30, 22), 'Europe/Berlin')).toEqual([24, 23, 24])
    expect(lengths(utc(2026, 9, 23, 22), utc(2026, 9, 26, 23), 'Europe/Berlin')).toEqual([24, 25, 24])
    // Midnight itself is left out: the day begins at one o'clock.
    expect(lengths(utc(2026, 3, 22, 22), utc(2026, 3, 25, 21), 'Africa/Cairo')).toEqual([24, 23, 24])
    const hours = cutsOf(utc(2026, 9, 24, 22), utc(2026, 9, 25, 23), 'hour', 'Europe/Berlin')
    expect(hours).toHaveLength(26)
  })

  test('a day that a country left out is in no bucket', () => {
    const cuts = cutsOf(utc(2011, 11, 29, 10), utc(2011, 11, 31, 10), 'day', 'Pacific/Apia')
    expect(cuts).toEqual([utc(2011, 11, 29, 10), utc(2011, 11, 30, 10), utc(2011, 11, 31, 10)])
  })

  test('unknown zones, ranges that end before they begin and too many buckets are refused', () => {
    const bad = expect.objectContaining({ code: 'invalid_request' })
    expect(() => cutsOf(0, 1, 'day', 'Mars/Olympus')).toThrow(bad)
    expect(() => cutsOf(5, 5, 'day')).toThrow(bad)
    expect(() => cutsOf(0, 10_001 * hourMs, 'hour')).toThrow(bad)
    expect(cutsOf(0, 10_000 * hourMs, 'hour')).toHaveLength(10_001)
  })
})

onBoth('sums', stage => {
  test('equal what adding up the rows gives, for every grouping, in zones of all sorts', async () => {
    const { requests } = await stage.open()
    const chance = seeded(11)
    /** Clocks change in Berlin in the middle of it, and in Lord Howe by half an hour. */
    const [from, to] = [Date.UTC(2026, 2, 20), Date.UTC(2026, 3, 10)]
    const rows = Array.from({ length: 900 }, () => randomCall(chance, from, to))
    await requests.write(rows.map(request => ({ request })))
    const zones = ['Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe']
    const ranges = [
      [from, to],
      [from - 40 * dayMs, to + 3 * dayMs + 1],
      [from + 5 * dayMs + 1_234_567, to - 3 * dayMs - 7_654_321],
      [noon + 13 * dayMs + 60_000, noon + 13 * dayMs + 120_000],
    ] as const
    const filters = [
      {},
      { provider: 'one' },
      { endpoint: '/v1/embeddings', model: 'small' },
      { keyId: 'k1', project: 'p2' },
    ]
    for (const [at, timeZone] of zones.entries()) {
      for (const groupBy of ['hour', 'day', 'week', 'month'] as const) {
        const [start, end] = ranges[(at + groupBy.length) % ranges.length]!
        for (const filter of filters) {
          const query = { ...filter, from: start, to: end, groupBy, timeZone }
          expect(plain(await requests.stats(query))).toEqual(plain(bruteForce(rows, query)))
        }
      }
    }
  })

  test('buckets without calls are zeros, and nothing is missing between them', async () => {
    const { requests } = await stage.open()
    const [from, to] = [noon, noon + 3 * hourMs]
    await requests.write([{ request: randomCall(seeded(1), noon + hourMs, noon + hourMs + 1) }])
    const { buckets } = await requests.stats({ from, to, groupBy: 'hour' })
    expect(buckets.map(bucket => [bucket.from, bucket.to, bucket.requests])).toEqual([
      [noon, noon + hourMs, 0],
      [noon + hourMs, noon + 2 * hourMs, 1],
      [noon + 2 * hourMs, to, 0],
    ])
    expect(buckets[0]).toMatchObject({
      cost: 0n,
      tokensInput: 0,
      p50Ms: null,
      p95Ms: null,
      averageMs: null,
      maxMs: null,
    })
  })

  test('percentiles lie in the column of the histogram where the true ones lie', async () => {
    const { requests } = await stage.open()
    const rows = Array.from({ length: 1_000 }, (_, at) => ({
      ...randomCall(seeded(at), noon, noon + 1),
      responseTime: at,
    }))
    await requests.write(rows.map(request => ({ request })))
    const { total } = await requests.stats({ from: noon, to: noon + hourMs, groupBy: 'hour' })
    expect(total).toMatchObject({ p50Ms: 499, maxMs: 999, averageMs: 499.5 })
    expect(total.p95Ms).toBeGreaterThan(930)
    expect(total.p95Ms).toBeLessThanOrEqual(960)
  })

  test('shares are the same sums by what calls have in common', async () => {
    const { requests } = await stage.open()
    const chance = seeded(13)
    const rows = Array.from({ length: 400 }, () => randomCall(chance, noon - 3 * hourMs, noon + 3 * hourMs))
    await requests.write(rows.map(request => ({ request })))
    const range = { from: noon - 2 * hourMs - 5, to: noon + 2 * hourMs + 5 }
    for (const of of ['provider', 'endpoint', 'model', 'project', 'keyId'] as const) {
      const inRange = rows.filter(({ timestamp }) => timestamp >= range.from && timestamp < range.to)
      const expected = Map.groupBy(inRange, row => row[of])
      const shares = await requests.shares(range, of, 10)
      expect(new Map(shares.map(({ name, requests: count, cost }) => [name, [count, cost]]))).toEqual(
        new Map([...expected].map(([name, some]) => [name, [some.length, sumOf(some, row => row.cost ?? 0n, 0n)]])),
      )
      const counts = shares.map(share => share.requests)
      expect(counts).toEqual(counts.toSorted((one, other) => other - one))
      expect(await requests.shares(range, of, 1)).toEqual(shares.slice(0, 1))
    }
  })

  test('what its caller left counts as asked, not as failed: in whole hours, in parts of one, and counted anew', async () => {
    const store = await stage.open()
    const ends = [
      { status: 200, errorCode: null },
      { status: 499, errorCode: 'cancelled' },
      { status: 200, errorCode: 'cancelled' },
      { status: 200, errorCode: 'provider_error' },
      { status: 404, errorCode: 'model_not_found' },
      { status: 503, errorCode: null },
    ]
    const chance = seeded(19)
    await store.requests.write(
      ends.map(end => ({ request: { ...randomCall(chance, noon + 1_000, noon + 2_000), ...end } })),
    )
    const counted = async (from: number, to: number) => {
      const { total } = await store.requests.stats({ from, to, groupBy: 'hour' })
      return [total.requests, total.failures]
    }
    expect(await counted(noon, noon + hourMs)).toEqual([6, 3])
    expect(await counted(noon + 500, noon + 2_500)).toEqual([6, 3])
    await store.recount()
    expect(await counted(noon, noon + hourMs)).toEqual([6, 3])
  })

  test('counted anew they are what they were', async () => {
    const store = await stage.open()
    const chance = seeded(17)
    const rows = Array.from({ length: 300 }, () => randomCall(chance, noon - 30 * hourMs, noon))
    await store.requests.write(rows.map(request => ({ request })))
    const query = { from: noon - 40 * hourMs, to: noon + hourMs, groupBy: 'hour' } as const
    const before = [await store.requests.stats(query), await store.requests.stats({ ...query, keyId: 'k1' })]
    await store.recount()
    expect([await store.requests.stats(query), await store.requests.stats({ ...query, keyId: 'k1' })]).toEqual(before)
  })
})

interface Plain {
  from: number
  to: number
  requests: number
  failures: number
  cached: number
  tokensInput: number
  tokensOutput: number
  cost: bigint
  averageMs: number | null
  maxMs: number | null
}

function plain({ buckets }: { readonly buckets: readonly Plain[] }): Plain[] {
  return buckets.map(({ from, to, requests, failures, cached, tokensInput, tokensOutput, cost, averageMs, maxMs }) => {
    return { from, to, requests, failures, cached, tokensInput, tokensOutput, cost, averageMs, maxMs }
  })
}

const cutsFound = new Map<string, readonly number[]>()

/** Quarter by quarter: another bucket begins where the zone's calendar shows another hour, day, week or month. */
function findCuts({ from, to, groupBy, timeZone = 'UTC' }: StatsQuery): readonly number[] {
  const name = [from, to, groupBy, timeZone].join()
  const known = cutsFound.get(name)
  if (known !== undefined) return known
  const label = labelOf(groupBy, timeZone)
  const cuts = [from]
  const step = hourMs / 4
  let last = label(from)
  for (let at = Math.floor(from / step) * step + step; at < to; at += step) {
    const next = label(at)
    if (next !== last) cuts.push(at)
    last = next
  }
  cutsFound.set(name, cuts)
  return cuts
}

function bruteForce(all: readonly RequestRow[], query: StatsQuery): { buckets: Plain[] } {
  const rows = all.filter(row => isOf(row, query))
  const [cuts, to] = [findCuts(query), query.to]
  const buckets = [...cuts, to].slice(1).map((end, at): Plain => {
    const some = rows.filter(row => row.timestamp >= cuts[at]! && row.timestamp < end)
    return {
      from: cuts[at]!,
      to: end,
      requests: some.length,
      failures: some.filter(
        ({ status, errorCode }) => errorCode !== 'cancelled' && (status >= 400 || errorCode !== null),
      ).length,
      cached: some.filter(({ cache }) => cache === 'hit').length,
      tokensInput: sumOf(some, row => row.tokensInput, 0),
      tokensOutput: sumOf(some, row => row.tokensOutput, 0),
      cost: sumOf(some, row => row.cost ?? 0n, 0n),
      averageMs: some.length === 0 ? null : sumOf(some, row => row.responseTime, 0) / some.length,
      maxMs: some.length === 0 ? null : Math.max(...some.map(({ responseTime }) => responseTime)),
    }
  })
  return { buckets }
}

function isOf(row: RequestRow, { provider, endpoint, model, keyId, project }: StatsQuery): boolean {
  const wanted = Object.entries({ provider, endpoint, model, keyId, project })
  return wanted.every(([field, value]) => value === undefined || row[field as keyof RequestRow] === value)
}

function sumOf<T extends number | bigint>(rows: readonly RequestRow[], of: (row: RequestRow) => T, zero: T): T {
  return rows.reduce((sum, row) => ((sum as bigint) + (of(row) as bigint)) as T, zero)
}

/** What an hour, day, week or month is called. */
function labelOf(groupBy: StatsGroup, timeZone: string): (time: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  return time => {
    if (groupBy === 'hour') return new Date(time).toISOString().slice(0, 13)
    const day = format.format(time)
    if (groupBy === 'month') return day.slice(0, 7)
    return groupBy === 'day' ? day : String(Math.floor((Date.parse(day) / dayMs + 3) / 7))
  }
}
