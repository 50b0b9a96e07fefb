/**
 * The signed words of the payment protocol (docs/protocol.md). Amounts are `bigint` in the smallest unit of the escrow's
 * ERC-20 token; prices are per million units of what a model sells.
 */
export type Hex = `0x${string}`
export type Address = `0x${string}`

/** The EIP-712 domain every signature is bound to. */
export interface Domain {
  readonly chainId: bigint
  readonly escrow: Address
}

/**
 * What a model is paid by, in prices and receipts: tokens of text, pictures made, seconds of sound heard, characters spoken.
 * Each kind of call has one (docs/protocol.md §4).
 */
export type Unit = 'tokens' | 'images' | 'seconds' | 'characters'

/** A price list for one model, signed by the provider's registered signer; valid for minutes. */
export interface Quote {
  readonly provider: Address
  readonly nonce: bigint
  /** Hash of the model's manifest: content, not a name. */
  readonly modelId: Hex
  /** A `Unit`, or one that a newer node knows. */
  readonly unit: string
  /** Smallest units of the escrow's token per million units. */
  readonly priceIn: bigint
  readonly priceCachedIn: bigint
  readonly priceOut: bigint
  readonly minimumCharge: bigint
  /** Output tokens that may be delivered before they are paid; what is sold by another unit is prepaid. */
  readonly windowTokens: number
  readonly contextTokens: number
  /** Calls of one session that may run at once. */
  readonly concurrency: number
  /** Unix seconds. */
  readonly expiresAt: bigint
}

/** The payer owes the provider `cumulative` in all, in this epoch of the payer's account. */
export interface Voucher {
  readonly payer: Address
  readonly provider: Address
  readonly epoch: bigint
  readonly cumulative: bigint
}

/** What was delivered and what it cost; one per window and one at the end of a call. */
export interface Receipt {
  /** SHA-256 of the session's secret, so that a published receipt does not give the session away. */
  readonly session: Hex
  /** Counts the receipts of a session from 1. */
  readonly seq: bigint
  readonly requestId: string
  readonly modelId: Hex
  /** HMAC-SHA256 under the session's secret: publishable, and nobody can guess the text from it. */
  readonly promptCommit: Hex
  readonly responseCommit: Hex
  /** Counts of the quote's unit, whatever it is. */
  readonly tokensIn: bigint
  readonly tokensCached: bigint
  readonly tokensOut: bigint
  /** Of this call so far. */
  readonly charge: bigint
  /** Of all calls between the two in this epoch, this charge included. */
  readonly cumulative: bigint
  readonly quoteHash: Hex
  readonly seed: bigint
  /** Empty while the call runs. */
  readonly finishReason: string
  /** Unix milliseconds. */
  readonly startedAt: bigint
  readonly endedAt: bigint
}

/** Proof that whoever holds the session key of `payer` speaks through this very connection. */
export interface Hello {
  readonly payer: Address
  readonly provider: Address
  /** The user's peer id on the connection that carries this hello. */
  readonly peerId: string
  readonly nonce: Hex
  /** Unix milliseconds. */
  readonly timestamp: bigint
}

export interface Signed<T> {
  readonly message: T
  readonly signature: Hex
}
export type SignedQuote = Signed<Quote>
export type SignedVoucher = Signed<Voucher> & { readonly domain: Domain }
export type SignedReceipt = Signed<Receipt>
export type SignedHello = Signed<Hello> & { readonly domain: Domain }

const million = 1_000_000n

/** The price of one call under a quote, rounded up once over the whole call, at least the minimum charge. */
export function chargeFor(
  quote: Pick<Quote, 'priceIn' | 'priceCachedIn' | 'priceOut' | 'minimumCharge'>,
  tokens: { in: number; cached: number; out: number },
): bigint {
  const fresh = BigInt(Math.max(0, tokens.in - tokens.cached))
  const micro =
    fresh * quote.priceIn + BigInt(tokens.cached) * quote.priceCachedIn + BigInt(tokens.out) * quote.priceOut
  const charge = (micro + million - 1n) / million
  return charge > quote.minimumCharge ? charge : quote.minimumCharge
}
