import type { Address, Hex } from './money.ts'
import type { ChainView, SellingDesk, TokenView } from './selling.ts'

/**
 * What the management API asks about money and the network. Amounts are in the smallest unit of the escrow's token, those of gas
 * in the smallest of the chain's own coin; times are Unix milliseconds. Without a chain `chain` is null, lists are empty, and what
 * would write throws `unsupported`.
 */
export interface Treasury {
  readonly wallet: WalletDesk
  readonly escrow: EscrowDesk
  readonly network: NetworkDesk
  readonly selling: SellingDesk
  readonly doctor: DoctorDesk
  /** From memory: no call to the chain is waited for. */
  readonly summary: () => TreasurySummary
}

export interface TreasurySummary {
  readonly chain: Omit<ChainView, 'name' | 'readAt'> | null
  /** Peers connected now; null where there is no network. */
  readonly peers: number | null
  readonly models: number
  readonly balance: { readonly escrow: bigint; readonly symbol: string; readonly decimals: number } | null
  readonly selling: boolean
  /** Whether texts are kept where a key does not say otherwise. */
  readonly archive: boolean
}

export type WalletState = 'none' | 'locked' | 'open'

export interface WalletView {
  readonly state: WalletState
  /** The file's name; null for a private key of the configuration. */
  readonly name: string | null
  readonly address: Address | null
  readonly chain: ChainView | null
  readonly token: TokenView | null
  readonly balances: WalletBalances | null
  readonly exit: { readonly readyAt: number } | null
  readonly caps: SpendingView | null
  /** Whether `faucet` would work. */
  readonly faucet: boolean
  /** Wallets in the folder that this node does not use. */
  readonly others: readonly { readonly name: string; readonly address: Address | null }[]
}

export interface WalletBalances {
  readonly wallet: bigint
  readonly gas: bigint
  /** Free in the escrow. */
  readonly escrow: bigint
  readonly reserved: bigint
}

export interface SpendingView {
  readonly perRequest: bigint
  readonly perHour: bigint
  readonly perDay: bigint
  /** In the last 24 hours, by which the cap of a day counts too. */
  readonly spentToday: bigint
}

export type WalletImport =
  | { readonly privateKey: string }
  | { readonly keystore: string; readonly keystorePassword: string }

export interface WalletDesk {
  readonly get: (signal: AbortSignal) => Promise<WalletView>
  /** A wallet of the configured name is in use at once. Throws `conflict` where there is one of that name. */
  readonly create: (name: string | undefined, password: string) => Promise<WalletView>
  readonly import: (name: string | undefined, source: WalletImport, password: string) => Promise<WalletView>
  /** Throws `invalid_request` for a wrong password, `not_found` without a wallet. */
  readonly unlock: (password: string) => Promise<WalletView>
  /** Throws `unsupported` where the token gives itself to nobody. */
  readonly faucet: () => Promise<WalletMove>
}

export interface WalletMove {
  readonly transaction: Hex
  readonly state: WalletState
  readonly balances: WalletBalances | null
}

/** `exiting` until the delay is over, then `withdrawable`. */
export type EscrowState = 'closed' | 'open' | 'exiting' | 'withdrawable'

/** What was signed to one provider in one epoch of the account. */
export interface EscrowRow {
  readonly provider: Address
  readonly peerId: string | null
  readonly epoch: bigint
  readonly authorized: bigint
  readonly charged: bigint
  readonly claimed: bigint
  readonly reserved: bigint
  /** What the provider sells now, as far as it is known. */
  readonly models: readonly string[]
  readonly lastReceiptAt: number | null
}

/** Every amount is in one place: `total = wallet + owed + refundable`, `escrow = free + reserved = owed + refundable`. */
export interface Whereabouts {
  readonly wallet: bigint
  readonly escrow: bigint
  readonly free: bigint
  readonly reserved: bigint
  /** Providers hold vouchers for it and have not claimed it yet. */
  readonly owed: bigint
  /** What a withdrawal brings back once everybody has claimed. */
  readonly refundable: bigint
  readonly total: bigint
  /** Paid out to providers ever. */
  readonly claimed: bigint
  /** Signed for beyond what the escrow holds. */
  readonly uncovered: bigint
}

export interface EscrowView {
  readonly chain: ChainView | null
  readonly token: TokenView | null
  readonly state: EscrowState | null
  readonly epoch: bigint | null
  /** False where the account names a session key that this node does not have; null where that cannot be told. */
  readonly isOurs: boolean | null
  readonly exit: { readonly readyAt: number } | null
  /** Between the request to close the account and the withdrawal. */
  readonly exitDelaySeconds: number | null
  readonly providers: readonly EscrowRow[]
  readonly whereIsMyMoney: Whereabouts | null
}

export interface EscrowMove {
  readonly transaction: Hex
  readonly state: EscrowState
  /** When the money can be taken out, after an exit. */
  readonly readyAt: number | null
  readonly whereIsMyMoney: Whereabouts | null
}

export interface EscrowDesk {
  readonly get: (signal: AbortSignal) => Promise<EscrowView>
  /** Whole tokens, as people write them. */
  readonly deposit: (amount: string) => Promise<EscrowMove>
  readonly exit: () => Promise<EscrowMove>
  readonly withdraw: () => Promise<EscrowMove>
}

export type NetworkState = 'up' | 'failing' | 'unknown' | 'leaving' | 'unwanted' | 'self'

export interface NetworkRow {
  readonly provider: Address
  readonly peerId: string
  readonly endpoint: string
  readonly stake: bigint
  readonly exitAt: number | null
  /** How many list prices it has in the registry. */
  readonly offers: number
  /** By its signed prices, as they were learned last. */
  readonly models: readonly {
    readonly id: string
    /** For a million units, in the smallest unit of the token. */
    readonly pricing: { readonly prompt: string; readonly completion: string; readonly unit: string } | null
  }[]
  readonly state: NetworkState
  readonly error: { readonly code: string; readonly message: string } | null
  readonly learnedAt: number | null
  readonly self: boolean
}

/** One RPC endpoint. Its URL may hold a key and is nowhere. */
export interface RpcHealth {
  readonly host: string
  readonly blockNumber: bigint | null
  readonly ms: number
  readonly error: string | null
}

export interface NetworkView {
  readonly chain: ChainView | null
  readonly token: TokenView | null
  readonly rpc: readonly RpcHealth[]
  readonly peer: {
    readonly peerId: string
    readonly addresses: readonly string[]
    readonly connected: number
  } | null
  readonly total: number
  /** Those with the most at stake first; at most 1,000. */
  readonly providers: readonly NetworkRow[]
}

export interface Reached {
  readonly ok: boolean
  readonly ms: number
  readonly error: { readonly code: string; readonly message: string } | null
}

export interface NetworkDesk {
  readonly get: (signal: AbortSignal) => Promise<NetworkView>
  /** Throws `not_found` for who is not in the registry. */
  readonly reach: (provider: string, signal: AbortSignal) => Promise<Reached>
}

/** One question and its answer; `next` says what to do about one that is not good. */
export interface Finding {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly found: string
  readonly next: string | null
}

export interface DoctorDesk {
  readonly examine: (signal: AbortSignal) => Promise<readonly Finding[]>
}
