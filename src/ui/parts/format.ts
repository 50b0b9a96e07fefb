import i18next from 'i18next'

/** Numbers, times and amounts as the chosen language writes them. */

/** The chosen language, as it is written where the browser says its user is: en-GB, not just en. */
export function region(): string {
  const language = i18next.resolvedLanguage ?? 'en'
  return globalThis.navigator?.languages?.find(each => each.split('-')[0] === language) ?? language
}

/** No line ends between a number and its unit. */
const gap = '\u00a0'

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(region(), { maximumFractionDigits: digits }).format(value)
}

/** 12345 → 12.3K */
export function compact(value: number): string {
  return new Intl.NumberFormat(region(), { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}

export function percent(share: number, digits = 1): string {
  return new Intl.NumberFormat(region(), { style: 'percent', maximumFractionDigits: digits }).format(share)
}

/** Milliseconds: 180 ms, 2.4 s, 3 min. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${number(ms)}${gap}ms`
  if (ms < 60_000) return `${number(ms / 1_000, 1)}${gap}s`
  return ms < 3_600_000 ? `${number(ms / 60_000, 1)}${gap}min` : `${number(ms / 3_600_000, 1)}${gap}h`
}

const sizes = ['B', 'kB', 'MB', 'GB', 'TB']

export function bytes(count: number): string {
  const at = count === 0 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log10(count) / 3))
  return `${number(count / 1_000 ** at, at === 0 ? 0 : 1)}${gap}${sizes[at]}`
}

export function dollars(value: string | number): string {
  const amount = Number(value)
  const digits = amount !== 0 && Math.abs(amount) < 0.01 ? 6 : 2
  return new Intl.NumberFormat(region(), {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
    maximumFractionDigits: digits,
  }).format(amount)
}

/** An amount of a token, given in its smallest unit as a decimal string, exact to the last digit. */
export function units(amount: string | bigint, decimals: number, symbol = ''): string {
  const value = BigInt(amount)
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  const point = (1.5).toLocaleString(region()).charAt(1)
  const grouped = BigInt(whole).toLocaleString(region())
  return `${value < 0n ? '−' : ''}${grouped}${fraction === '' ? '' : point + fraction}${symbol === '' ? '' : gap + symbol}`
}

const hours = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const

export function dateTime(time: string | number | Date): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(time))
}

/** Always in 24 hours: short, and in columns of one width. */
export function clock(time: string | number | Date): string {
  return new Intl.DateTimeFormat(region(), { ...hours, second: '2-digit' }).format(new Date(time))
}

/** Where there is little room: 21 Nov, 19:57. */
export function shortDateTime(time: string | number | Date): string {
  return new Intl.DateTimeFormat(region(), { ...hours, day: 'numeric', month: 'short' }).format(new Date(time))
}

export function day(time: string | number | Date): string {
  return new Intl.DateTimeFormat(region(), { dateStyle: 'medium' }).format(new Date(time))
}

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/** 5 minutes ago, in 3 days. */
export function relative(time: string | number | Date, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1_000
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  return new Intl.RelativeTimeFormat(region(), { numeric: 'auto' }).format(Math.round(seconds / size), unit)
}
