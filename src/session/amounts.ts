import type { Address, Quote } from '../core/index.ts'

/** What `tokens` of output cost under a quote, rounded up. */
export function outputPrice(quote: Pick<Quote, 'priceOut'>, tokens: number): bigint {
  return (BigInt(tokens) * quote.priceOut + 999_999n) / 1_000_000n
}

export function higher(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

export function lower(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/** Addresses differ in case only by their checksum. */
export function isSameAddress(a: Address, b: Address): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase()
}
