import type { Model } from '../openai/index.ts'
import type { Address, Domain, Hex, SignedHello, SignedQuote, SignedReceipt, SignedVoucher } from './money.ts'

/** A model on a provider's quote sheet: its public name, its manifest and the signed price. */
export interface QuotedModel {
  readonly model: Model
  readonly quote: SignedQuote
}

/** Everything a user must know before the first call. */
export interface QuoteSheet {
  readonly provider: Address
  readonly domain: Domain
  /** `vouchers` are paid through the escrow; `free` asks for nothing. */
  readonly rail: 'vouchers' | 'free'
  readonly models: readonly QuotedModel[]
}

/** What the provider answers to a hello: the session and the counters it holds. */
export interface SessionGrant {
  /** 32 random bytes that stand for the session: a secret of the two nodes. Receipts carry their SHA-256. */
  readonly session: Hex
  readonly epoch: bigint
  readonly accepted: bigint
  readonly charged: bigint
  /** The highest total the provider would accept now, from what it sees in the escrow. */
  readonly covered: bigint
  /** The newest voucher and receipt the provider holds, for a user that lost its own. */
  readonly voucher: SignedVoucher | undefined
  readonly receipt: SignedReceipt | undefined
}

/** The newest voucher and receipt a user holds, for a provider that lost its own. */
export interface HeldProofs {
  readonly voucher?: SignedVoucher | undefined
  readonly receipt?: SignedReceipt | undefined
}

/**
 * The provider's cash desk as a user sees it. The provider's till implements it; on the user's side the same port is
 * spoken over HTTP between nodes. `peerId` is the authenticated identity of the calling connection.
 */
export interface CashDesk {
  quotes: (signal: AbortSignal) => Promise<QuoteSheet>
  open: (hello: SignedHello, peerId: string, signal: AbortSignal, held?: HeldProofs) => Promise<SessionGrant>
  /** Accepts a higher voucher and answers the accepted total. */
  voucher: (session: Hex, voucher: SignedVoucher, signal: AbortSignal) => Promise<bigint>
  /** Receipts of past calls, by request id. */
  receipts: (session: Hex, requestIds: readonly string[], signal: AbortSignal) => Promise<SignedReceipt[]>
}

/** Request headers between nodes. */
export const sessionHeader = 'parley-session'
export const voucherHeader = 'parley-voucher'
export const requestHeader = 'parley-request'
export const seedHeader = 'parley-seed'
/** Digest of the quote the user calls under. */
export const quoteHeader = 'parley-quote'
/** The most the call may be charged. */
export const maxChargeHeader = 'parley-max-charge'

/** Named events inside an answer between nodes; never forwarded to an app. */
export const needVoucherEvent = 'parley.need-voucher'
export const receiptEvent = 'parley.receipt'
/** A part of an answer that is no stream of JSON: sound, text, a picture. */
export const pieceEvent = 'parley.piece'
