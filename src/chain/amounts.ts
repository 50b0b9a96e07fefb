import { ParleyError } from '../core/index.ts'

/** '1.5' at 6 decimals is 1500000n. Refuses more places than the token has: nothing is ever rounded. */
export function parseAmount(text: string, decimals: number): bigint {
  const found = /^(\d{1,60})(?:\.(\d{1,60}))?$/.exec(text.trim())
  if (!found) {
    throw new ParleyError('invalid_request', `'${text.slice(0, 40)}' is no amount; write it like 12 or 0.5`, {
      param: 'amount',
    })
  }
  const places = (found[2] ?? '').replace(/0+$/, '')
  if (places.length > decimals) {
    const why = `'${text.slice(0, 40)}' has ${places.length} decimal places, the token has ${decimals}`
    throw new ParleyError('invalid_request', `${why}; use fewer`, { param: 'amount' })
  }
  return BigInt(found[1] + places.padEnd(decimals, '0'))
}

/** 1500000n at 6 decimals is '1.5'. */
export function formatAmount(amount: bigint, decimals: number): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const places = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${amount < 0n ? '-' : ''}${whole}${places && `.${places}`}`
}
