/** Spans of time that lists can be narrowed to, by what stands in the address. */
export const spans = { '15m': 900_000, '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000 }
export type Span = keyof typeof spans
export const spanNames = Object.keys(spans) as Span[]

const minuteMs = 60_000

export interface Range {
  readonly from?: number
  readonly to?: number
}

/** `span`, or `from` and `to` as an input of the browser writes them; everything when there is neither. */
export function rangeOf({ span, from, to }: Readonly<Record<string, string>>, now = Date.now()): Range {
  if (span !== undefined && span in spans) {
    return { from: Math.floor((now - spans[span as Span]) / minuteMs) * minuteMs }
  }
  return { ...moment('from', from), ...moment('to', to) }
}

function moment(name: 'from' | 'to', text: string | undefined): Range {
  const time = text === undefined ? Number.NaN : new Date(text).getTime()
  return Number.isNaN(time) ? {} : { [name]: time }
}
