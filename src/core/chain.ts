import type { Address, Hex } from './money.ts'

/** A provider as the registry contract knows it. */
export interface ProviderEntry {
  readonly provider: Address
  /** Signs quotes and receipts. */
  readonly signer: Address
  readonly payout: Address
  readonly peerId: string
  /** Multiaddr or https URL. */
  readonly endpoint: string
  readonly stake: bigint
  /** Unix seconds from which the stake can be withdrawn; undefined while the provider stays. */
  readonly exitAt: bigint | undefined
  readonly offers: readonly Offer[]
}

/** The public list price of a model; the signed quote decides. */
export interface Offer {
  readonly modelId: Hex
  readonly priceIn: bigint
  readonly priceOut: bigint
  readonly contextTokens: number
  /** Unix seconds; 0 never expires. */
  readonly expiresAt: bigint
}

/** What is known of the registry, and how old it is. Served from memory: no call waits for the chain. */
export interface ProviderDirectory {
  list: () => readonly ProviderEntry[]
  byPeerId: (peerId: string) => ProviderEntry | undefined
  /** When the chain was last read, and whether that is older than it should be. */
  freshness: () => {
    readAt: number | undefined
    blockNumber: bigint | undefined
    isStale: boolean
    error: string | undefined
  }
  /** Reads the chain now. */
  refresh: (signal: AbortSignal) => Promise<void>
  /** Calls back after every change; returns the function that ends it. */
  onChange: (listener: () => void) => () => void
}

/** A payer's account in the escrow. */
export interface EscrowAccount {
  /** The session key; the zero address while the account is closed. */
  readonly signer: Address
  readonly free: bigint
  readonly epoch: bigint
  /** Unix seconds from which the payer may withdraw; undefined while no exit is requested. */
  readonly exitReadyAt: bigint | undefined
}

/** Between one payer and one provider. */
export interface EscrowPair {
  /** The total paid so far, through all epochs of the account: it is never reset. */
  readonly claimed: bigint
  readonly reserved: bigint
}

/** Reads of the escrow contract. Throws `chain_unavailable`. */
export interface EscrowReader {
  account: (payer: Address, signal: AbortSignal) => Promise<EscrowAccount>
  pair: (payer: Address, provider: Address, signal: AbortSignal) => Promise<EscrowPair>
}
