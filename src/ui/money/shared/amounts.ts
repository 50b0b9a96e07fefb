import { units } from '../../parts/format.ts'

export { parseAmount, plain } from '../../parts/amount.ts'

/** Amounts are whole numbers of the token's smallest unit; people write whole tokens. */

/** More than so many whole tokens are moved only by who has typed the amount. */
const unconfirmedMax = 10n

export function needsTyping(amount: bigint, decimals: number): boolean {
  return amount > unconfirmedMax * 10n ** BigInt(decimals)
}

interface Unit {
  readonly symbol: string
  readonly decimals: number
}

/** With the token's name; a dash where the token is not known. */
export function tokens(amount: string | bigint | null | undefined, token: Unit | null | undefined): string {
  if (amount === null || amount === undefined || !token) return '–'
  return units(amount, token.decimals, token.symbol)
}

/** Digits after the point of every EVM chain's own coin. */
const coinDecimals = 18
const coinShownDigits = 6

/** Of the chain's own coin, to as many digits as matter. */
export function coins(amount: string | bigint | null | undefined): string {
  if (amount === null || amount === undefined) return '–'
  const value = BigInt(amount)
  const step = 10n ** BigInt(coinDecimals - coinShownDigits)
  if (value > 0n && value < step) return `< ${units(step, coinDecimals)}`
  return units(value - (value % step), coinDecimals)
}

/** For drawing alone. */
export function approximate(amount: string | bigint, decimals: number): number {
  return Number(BigInt(amount)) / 10 ** decimals
}
