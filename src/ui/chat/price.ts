import { dollars, number } from '../parts/format.ts'

const priceDigits = 4
const costDigits = 6

/** A price per million tokens. */
export function priceText(value: number, currency: string): string {
  return currency === 'USD' ? dollars(value) : `${number(value, priceDigits)} ${currency}`
}

/** What something cost; what is too little to be written is said to be less than that. */
export function costText(cost: string | number, currency: string): string {
  const value = Number(cost)
  const least = 10 ** -costDigits
  const isTiny = value > 0 && value < least
  const shown = isTiny ? least : value
  const text = currency === 'USD' ? dollars(shown) : `${number(shown, costDigits)} ${currency}`
  return `${isTiny ? '< ' : ''}${text}`
}

/** Sums by currency. */
export function sumCosts(costs: readonly { readonly cost: string; readonly currency: string }[]): readonly string[] {
  const sums = new Map<string, number>()
  for (const { cost, currency } of costs) sums.set(currency, (sums.get(currency) ?? 0) + Number(cost))
  return [...sums].map(([currency, sum]) => costText(sum, currency))
}
