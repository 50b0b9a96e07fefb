import type {
  Address,
  Clock,
  EscrowReader,
  EventLog,
  Ledger,
  Notary,
  Principal,
  QuoteSheet,
  Random,
  Signer,
} from '../core/index.ts'
import type { OfferedModel } from './quote-book.ts'

export interface TillLimits {
  readonly sessionsMax: number
  /** A session without a call for so long is forgotten; its counters stay in the ledger. */
  readonly sessionIdleMs: number
  /** How long a running call waits for a voucher. */
  readonly voucherTimeoutMs: number
  readonly quoteLifeMs: number
  /** Age from which a payer's escrow account is read again, in the background. */
  readonly escrowRefreshMs: number
  /** Age up to which it counts while the chain cannot be read. */
  readonly escrowStaleMaxMs: number
  /**
   * How much of a payer's free balance is trusted without a reservation, in the smallest unit of the token. A payer may
   * promise its free balance to many providers at once, so this is what each of them can lose to it; `covered` in grants
   * follows it. All of the balance unless set.
   */
  readonly softCredit: bigint
  readonly exitMarginMs: number
  /** Hellos a peer may say at once, and the milliseconds after which it may say one more. */
  readonly helloBurst: number
  readonly helloEveryMs: number
}

export const defaultTillLimits: TillLimits = {
  sessionsMax: 10_000,
  sessionIdleMs: 60 * 60_000,
  voucherTimeoutMs: 30_000,
  quoteLifeMs: 10 * 60_000,
  escrowRefreshMs: 15_000,
  escrowStaleMaxMs: 60 * 60_000,
  softCredit: 2n ** 128n - 1n,
  exitMarginMs: 60 * 60_000,
  helloBurst: 10,
  helloEveryMs: 5_000,
}

export interface TillOptions {
  readonly provider: Address
  readonly notary: Notary
  /** Signs quotes and receipts: the signer of the registry. */
  readonly signer: Signer
  readonly escrow: EscrowReader
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
  /** What is for sale right now. Asked often: answer from memory. */
  readonly offers: () => readonly OfferedModel[]
  /** Who is served for nothing; nobody unless given. */
  readonly isFree?: (principal: Principal) => boolean
  /** What the quote sheet says; `free` for a provider that sells nothing at all. */
  readonly rail?: QuoteSheet['rail']
  readonly limits?: Partial<TillLimits>
}
