import type { Address, SignedReceipt, SignedVoucher } from './money.ts'

/** Names one counter: everything one payer owes one provider in one epoch, kept by one side. */
export interface ChannelKey {
  readonly side: 'user' | 'provider'
  readonly chainId: bigint
  readonly escrow: Address
  readonly payer: Address
  readonly provider: Address
  readonly epoch: bigint
}

/** The state of a counter as it stands on disk. */
export interface Channel {
  readonly key: ChannelKey
  /** The highest voucher given (user) or accepted (provider), and its total. */
  readonly authorized: bigint
  readonly voucher: SignedVoucher | undefined
  /** What was charged in all, by receipts. */
  readonly charged: bigint
  /** Sequence number and content of the newest receipt. */
  readonly seq: bigint
  readonly receipt: SignedReceipt | undefined
  /** The total the chain has paid out, as last seen. */
  readonly claimed: bigint
}

/**
 * The write-ahead book of money, local and durable: when a write returns it survives a crash of the process and a loss
 * of power. It refuses to go back: a voucher or receipt lower than the newest is `ledger_conflict`, the same one again
 * changes nothing. Receipts of parallel calls travel on their own streams, so on the user's side one with a lower number
 * of the same session may come late: it is kept, and the newest stays the newest.
 */
export interface Ledger {
  channel: (key: ChannelKey) => Channel | undefined
  channels: (side: ChannelKey['side']) => Channel[]
  /**
   * A counter of an epoch in which the chain has paid `claimed` before: `authorized` starts there, and of it `charged` was
   * spent. Changes nothing when the channel is known.
   */
  open: (key: ChannelKey, start: { readonly claimed: bigint; readonly charged: bigint }) => void
  /** Before a voucher is sent (user) or more work is released against it (provider). */
  authorize: (key: ChannelKey, voucher: SignedVoucher) => void
  /** A receipt, with the principal it was for; `charged` becomes its cumulative total. */
  charge: (key: ChannelKey, receipt: SignedReceipt, principal: string) => void
  /** The newest receipt of each of these calls. */
  receipts: (key: ChannelKey, requestIds: readonly string[]) => SignedReceipt[]
  /** The sum of charges since a time (Unix milliseconds), of one principal or of all. */
  spentSince: (side: ChannelKey['side'], since: number, principal?: string) => bigint
  settled: (key: ChannelKey, claimed: bigint) => void
}

/** What was earned, or spent, from one moment to another (Unix milliseconds, the last not included). */
export interface EarningsQuestion extends Pick<ChannelKey, 'side' | 'chainId' | 'escrow'> {
  readonly from: number
  readonly to: number
}

export interface Earned {
  readonly amount: bigint
  readonly calls: number
}

/** Sums over the receipts of a ledger. */
export interface EarningsBook {
  /** By spans of `spanMs` counted from the epoch; those without a call are missing. At most `earnedRowsMax`, the newest. */
  earnedByTime: (question: EarningsQuestion, spanMs: number) => (Earned & { readonly start: number })[]
  /** The best first; at most `earnedRowsMax`. */
  earnedByPayer: (question: EarningsQuestion) => (Earned & { readonly payer: Address })[]
}

export const earnedRowsMax = 1_000
