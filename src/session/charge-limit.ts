import { ParleyError } from '../core/index.ts'
import { lower } from './amounts.ts'

/** Reads what a user says that its call may be charged at the most. Throws `payment_invalid` for what is no amount. */
export function readChargeLimit(header: string | undefined): bigint | undefined {
  if (header === undefined) return undefined
  if (/^(?:0|[1-9]\d{0,38})$/.test(header)) return BigInt(header)
  throw new ParleyError('payment_invalid', 'the limit of a charge is an amount in digits; send one, or none')
}

/** The lower of both; a limit that is missing lowers nothing. */
export function atMost(amount: bigint, limit: bigint | undefined): bigint {
  return limit === undefined ? amount : lower(amount, limit)
}

export function tooDear(price: bigint, maxPrice: bigint): ParleyError {
  return new ParleyError('price_too_high', `the call costs ${price} at least, the caller allows ${maxPrice}`, {
    details: { price: String(price), maxPrice: String(maxPrice) },
  })
}
