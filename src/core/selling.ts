import type { Address, Hex } from './money.ts'

/** What the management API asks about selling: units and times as in `Treasury`. */

/** The chain as this node knows it, and how well. */
export interface ChainView {
  readonly id: string
  readonly name: string
  readonly blockNumber: bigint | null
  readonly readAt: number | null
  readonly isStale: boolean
  readonly error: string | null
}

export interface TokenView {
  readonly symbol: string
  readonly decimals: number
  readonly address: Address
}

export interface RegistryStanding {
  readonly stake: bigint
  readonly exitAt: number | null
  readonly endpoint: string
  readonly payout: Address
  readonly signer: Address
}

export interface ListPrice {
  readonly priceIn: bigint
  readonly priceOut: bigint
  readonly contextTokens: number
}

/** What is sold, or is in the registry and not sold any more. */
export interface SellingOffer extends ListPrice {
  readonly modelId: Hex
  /** Null for one that is only in the registry. */
  readonly model: string | null
  readonly unit: string
  readonly registry: ListPrice | null
  /** Whether the registry says what this node does. */
  readonly isListed: boolean
}

export interface PayerRow {
  readonly payer: Address
  readonly epoch: bigint
  readonly authorized: bigint
  readonly charged: bigint
  readonly claimed: bigint
  readonly owed: bigint
}

export interface SellingView {
  readonly chain: ChainView | null
  readonly token: TokenView | null
  /** Whether this node sells. */
  readonly enabled: boolean
  readonly registered: RegistryStanding | null
  readonly terms: { readonly minStake: bigint; readonly unbondingSeconds: number } | null
  readonly offers: readonly SellingOffer[]
  readonly payers: readonly PayerRow[]
  readonly totals: { readonly earned: bigint; readonly claimed: bigint; readonly owed: bigint }
  /** What a claim would take now, in the smallest unit of the chain's coin. */
  readonly gasEstimate: bigint | null
}

export const earningGroups = ['hour', 'day', 'payer'] as const
export type EarningGroup = (typeof earningGroups)[number]

export interface EarningsWish {
  readonly groupBy: EarningGroup
  readonly from: number
  readonly to: number
}

export interface EarningsRow {
  /** The beginning of the hour or day in UTC; null where they are grouped by payer. */
  readonly start: number | null
  readonly payer: Address | null
  readonly earned: bigint
  readonly calls: number
}

export interface RegisterWish {
  /** Whole tokens; the least the registry asks when missing. */
  readonly stake?: string | undefined
  /** A multiaddr; the first of `p2p.announce` when missing. */
  readonly endpoint?: string | undefined
}

export type SellingState = 'unregistered' | 'active' | 'leaving'

export interface SellingMove {
  /** Null where nothing was to be sent. */
  readonly transaction: Hex | null
  readonly state: SellingState
  readonly stake: bigint
  /** When the stake can be taken out, after an exit. */
  readonly readyAt: number | null
}

export interface ClaimMove {
  readonly transaction: Hex | null
  readonly transactions: readonly Hex[]
  readonly paid: bigint
  readonly rows: readonly {
    readonly payer: Address
    readonly cumulative: bigint
    readonly paid: bigint
    /** Why it was passed over. */
    readonly reason: string | null
  }[]
  /** Why some were not sent. */
  readonly failure: string | null
}

export interface SellingDesk {
  readonly get: (signal: AbortSignal) => Promise<SellingView>
  readonly earnings: (wish: EarningsWish) => readonly EarningsRow[]
  readonly register: (wish: RegisterWish) => Promise<SellingMove>
  readonly stake: (amount: string) => Promise<SellingMove>
  /** Makes the registry say what is sold. */
  readonly offers: () => Promise<SellingMove>
  /** Asks for the exit; after the unbonding time it takes the stake home. */
  readonly exit: () => Promise<SellingMove>
  readonly claim: () => Promise<ClaimMove>
}
