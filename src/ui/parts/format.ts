import i18next from 'i18next'

/** Numbers, times and amounts as the chosen language writes them. */

const language = () => i18next.resolvedLanguage ?? 'en'

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value)
}

/** 12345 → 12.3K */
export function compact(value: number): string {
  return new Intl.NumberFormat(language(), { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}

export function percent(share: number, digits = 1): string {
  return new Intl.NumberFormat(language(), { style: 'percent', maximumFractionDigits: digits }).format(share)
}

/** Milliseconds: 180 ms, 2.4 s, 3 min. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${number(ms)} ms`
  if (ms < 60_000) return `${number(ms / 1_000, 1)} s`
  return ms < 3_600_000 ? `${number(ms / 60_000, 1)} min` : `${number(ms / 3_600_000, 1)} h`
}

const sizes = ['B', 'kB', 'MB', 'GB', 'TB']

export function bytes(count: number): string {
  const at = count === 0 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log10(count) / 3))
  return `${number(count / 1_000 ** at, at === 0 ? 0 : 1)} ${sizes[at]}`
}

export function dollars(value: string | number): string {
  const amount = Number(value)
  const digits = amount !== 0 && Math.abs(amount) < 0.01 ? 6 : 2
  return new Intl.NumberFormat(language(), {
    style: 'currency',
    currency: 'USD',
    maximumFractionDigits: digits,
  }).format(amount)
}

/** An amount of a token, given in its smallest unit as a decimal string, exact to the last digit. */
export function units(amount: string | bigint, decimals: number, symbol = ''): string {
  const value = BigInt(amount)
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  const point = (1.5).toLocaleString(language()).charAt(1)
  const grouped = BigInt(whole).toLocaleString(language())
  return `${value < 0n ? '−' : ''}${grouped}${fraction === '' ? '' : point + fraction}${symbol === '' ? '' : ` ${symbol}`}`
}

export function dateTime(time: string | number | Date): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(time))
}

export function clock(time: string | number | Date): string {
  return new Intl.DateTimeFormat(language(), { timeStyle: 'medium' }).format(new Date(time))
}

export function day(time: string | number | Date): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: 'medium' }).format(new Date(time))
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
  return new Intl.RelativeTimeFormat(language(), { numeric: 'auto' }).format(Math.round(seconds / size), unit)
}
