import type { Address, Hex } from '../../src/core/index.ts'

/** The chain of the run, as a configuration names it. */
export interface ChainSettings {
  readonly id: number
  readonly rpcUrls: string[]
  readonly registry: Address
  readonly escrow: Address
  readonly token: Address
}

export interface SellerSettings {
  readonly home: string
  readonly privateKey: Hex
  readonly rail: 'vouchers' | 'free'
  readonly chain: ChainSettings
}

export interface ScriptedSeller {
  readonly entry: {
    readonly provider: Address
    readonly signer: Address
    readonly payout: Address
    readonly peerId: string
    readonly endpoint: string
  }
  /** Origin of the bare HTTP server beside it. */
  readonly plainUrl: string
  /** Origin of the node's own front over the same backend, on a loopback socket. */
  readonly frontUrl: string
}

export interface BuyerSettings {
  readonly home: string
  readonly privateKey: Hex
  readonly chain: ChainSettings
  readonly paid: ScriptedSeller
  readonly free: ScriptedSeller
}

/**
 * The ways to the same answer: the least `node:http` can do; the node's own front and client over a loopback socket, over
 * libp2p, and over libp2p with session and payment.
 */
export type Way = 'bare' | 'plain' | 'libp2p' | 'paid'

/** What the buyer's process is asked, one at a time. */
export type BuyerQuestion =
  | { readonly what: 'start'; readonly settings: BuyerSettings }
  | { readonly what: 'round trip'; readonly way: Way; readonly calls: number; readonly pauseMs: number }
  | { readonly what: 'stream'; readonly way: Way }
  | { readonly what: 'bulk' }
