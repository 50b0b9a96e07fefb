import type { Filter } from '../core/index.ts'
import { paying } from './paying.ts'
import type { PaidPeer } from './price-list.ts'
import type { Purse } from './purse.ts'

/** One way to pay a provider. Another one, such as a payment per request over HTTP, is another rail beside these. */
export interface PaymentRail {
  readonly name: 'vouchers' | 'free'
  /** The filter that pays this provider for every call. */
  readonly paying: (peer: PaidPeer) => Filter
  /** Waits until everything owed is handed over. */
  readonly flush: (signal: AbortSignal) => Promise<void>
}

/** Vouchers on an escrow account. */
export function voucherRail(purse: Purse): PaymentRail {
  return { name: 'vouchers', paying: peer => paying(purse, peer), flush: purse.flush }
}

/** No money: allow-listed peers, a local network, development. */
export const freeRail: PaymentRail = { name: 'free', paying: () => inner => inner, flush: async () => undefined }
