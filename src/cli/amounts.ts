import { ParleyError } from '../core/index.ts'

/** A decimal text in whole tokens as the smallest unit: `"1.5"` with 6 decimals is 1500000n. */
export function parseAmount(text: string, decimals: number): bigint {
  const match = /^(\d{1,24})(?:\.(\d+))?$/.exec(text.trim())
  const fraction = match?.[2] ?? ''
  if (match === null || fraction.length > decimals) {
    throw new ParleyError(
      'usage',
      `'${text.slice(0, 40)}' is not an amount; give digits with at most ${decimals} decimals`,
    )
  }
  return BigInt(match[1] + fraction.padEnd(decimals, '0'))
}

/** The smallest unit as whole tokens, without trailing zeros. */
export function formatAmount(amount: bigint, decimals: number): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${amount < 0n ? '-' : ''}${whole}${fraction && `.${fraction}`}`
}
