import type { Call, CashDesk, Context, Principal } from '../core/index.ts'
import { ProviderDesk, type TakenCall } from './provider-desk.ts'
import { defaultTillLimits, type TillOptions } from './till-options.ts'

/** The provider's side of all money: quotes, sessions, vouchers, receipts, and the tab of every running call. */
export interface Till extends CashDesk {
  readonly isFree: (principal: Principal) => boolean
  /** Before much is read of a request: throws unless its caller has a session, or needs none. */
  readonly admit: (principal: Principal, session: string | undefined) => void
  /** Puts a call on its session's tab. Throws before any work: `need_voucher`, `session_unknown`, `quote_expired`, … */
  readonly begin: (call: Call, context: Context) => Promise<TakenCall>
}

export function createTill(options: TillOptions): Till {
  const desk = new ProviderDesk(options, { ...defaultTillLimits, ...options.limits })
  const isFree = (principal: Principal) => options.rail === 'free' || (options.isFree?.(principal) ?? false)
  return {
    isFree,
    admit: (principal, session) => void (isFree(principal) || desk.sessionOf(principal, session)),
    begin: (call, context) => desk.begin(call, context),
    quotes: async () => desk.sheet(),
    open: (hello, peerId, signal, held) => desk.open(hello, peerId, signal, held),
    voucher: (session, voucher, signal) => desk.voucher(session, voucher, signal),
    receipts: async (session, requestIds) => desk.receipts(session, requestIds),
  }
}
