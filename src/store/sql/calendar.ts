import { ParleyError, type StatsGroup, statsBucketsMax } from '../../core/index.ts'

export const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Day 0, 1 January 1970, was a Thursday: three days after a Monday. */
const daysSinceMonday = 3

/**
 * The times, in Unix milliseconds, that cut a range into hours, days, weeks (from Monday) or months of a time zone; the
 * first is `from` and the last is `to`. A day on which clocks change has as many hours as it has; an hour is one of UTC.
 */
export function cutsOf(from: number, to: number, groupBy: StatsGroup, timeZone = 'UTC'): readonly number[] {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from >= to) {
    throw new ParleyError('invalid_request', 'from must be a time before to', { param: 'from' })
  }
  const zone = new Zone(timeZone)
  const next = groupBy === 'hour' ? nextHour : nextDays[groupBy]
  const cuts = [from]
  for (let at = next(zone, from); at < to; at = next(zone, at)) {
    cuts.push(at)
    if (cuts.length > statsBucketsMax) {
      const message = `the range has more than ${statsBucketsMax} buckets; choose a shorter one or group by more`
      throw new ParleyError('invalid_request', message, { param: 'groupBy' })
    }
  }
  return [...cuts, to]
}

export function floorHour(time: number): number {
  return time - (((time % hourMs) + hourMs) % hourMs)
}

export function ceilHour(time: number): number {
  return floorHour(time + hourMs - 1)
}

type Next = (zone: Zone, time: number) => number

/** Hours are those of UTC in every zone: they are what sums are kept of. */
const nextHour: Next = (_, time) => floorHour(time) + hourMs

const nextDays: Readonly<Record<Exclude<StatsGroup, 'hour'>, Next>> = {
  day: (zone, time) => zone.startOf(zone.dayOf(time) + 1),
  week: (zone, time) => {
    const day = zone.dayOf(time)
    return zone.startOf(day + 7 - ((((day + daysSinceMonday) % 7) + 7) % 7))
  },
  month: (zone, time) => {
    const date = new Date(zone.dayOf(time) * dayMs)
    return zone.startOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) / dayMs)
  },
}

/** Days of a time zone, counted from 1 January 1970. */
class Zone {
  readonly #format: Intl.DateTimeFormat
  readonly #isUtc: boolean
  readonly #offsets = new Map<number, number>()

  constructor(timeZone: string) {
    this.#isUtc = timeZone === 'UTC'
    this.#format = formatOf(timeZone)
  }

  /** What the zone's clocks are ahead of UTC, in milliseconds. A day that begins and ends alike has not changed between. */
  offsetAt(time: number): number {
    if (this.#isUtc) return 0
    const day = Math.floor(time / dayMs)
    const offset = this.#atDay(day)
    return offset === this.#atDay(day + 1) ? offset : this.#exactly(time)
  }

  dayOf(time: number): number {
    return Math.floor((time + this.offsetAt(time)) / dayMs)
  }

  /** The first moment of a day; midnight does not exist on a day that begins with a leap of the clocks. */
  startOf(day: number): number {
    const midnight = day * dayMs
    for (const probe of [midnight - dayMs, midnight + dayMs]) {
      const start = midnight - this.offsetAt(probe)
      if (this.dayOf(start) >= day && this.dayOf(start - 1) < day) return start
    }
    return this.#search(day, midnight - dayMs, midnight + dayMs)
  }

  #search(day: number, before: number, after: number): number {
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (this.dayOf(middle) < day) before = middle
      else after = middle
    }
    return after
  }

  #atDay(day: number): number {
    const known = this.#offsets.get(day)
    if (known !== undefined) return known
    const offset = this.#exactly(day * dayMs)
    this.#offsets.set(day, offset)
    return offset
  }

  #exactly(time: number): number {
    const second = Math.floor(time / 1_000) * 1_000
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
    for (const { type, value } of this.#format.formatToParts(second)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, seconds) - second
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    const digits = 'numeric'
    return new Intl.DateTimeFormat('en-US-u-ca-iso8601', {
      timeZone,
      hourCycle: 'h23',
      year: digits,
      month: digits,
      day: digits,
      hour: digits,
      minute: digits,
      second: digits,
    })
  } catch (cause) {
    const message = `there is no time zone ${JSON.stringify(timeZone.slice(0, 64))}; use an IANA name like Europe/Berlin`
    throw new ParleyError('invalid_request', message, { cause, param: 'timeZone' })
  }
}
