import type { Principal } from './call.ts'

/** One who would answer with a model, and how that has gone so far. Null: not known. */
export interface ModelOffer {
  readonly provider: string
  readonly kind: 'local' | 'peer' | 'api'
  /** Who reads the prompt: this machine alone; a peer to whom it goes encrypted; a service. */
  readonly privacy: 'local' | 'peer' | 'upstream'
  /** `resting`: it failed lately and is asked last. `down`: it cannot be reached. */
  readonly state: 'up' | 'resting' | 'down'
  /** Calls of this node it works on. */
  readonly running: number
  /** Per million units, in `currency`: decimal strings. */
  readonly priceIn: string | null
  readonly priceOut: string | null
  /** `USD`, or the symbol of the escrow's token. */
  readonly currency: string | null
  /** What is paid for. */
  readonly unit: string
  /** Of the provider, whatever it was asked for. */
  readonly ttftP50Ms: number | null
  readonly ttftP95Ms: number | null
  readonly tokensPerSecond: number | null
  /** The share of this node's requests to it that it answered: 0 to 1. */
  readonly uptime: number | null
  readonly contextLength: number | null
}

export interface OfferedModel {
  readonly id: string
  readonly contextLength: number | null
  readonly maxOutputTokens: number | null
  readonly capabilities: readonly string[] | null
  /** As `/v1/models` lists it: per million units, in the smallest unit of the token. */
  readonly pricing: { readonly prompt: string; readonly completion: string; readonly currency: string } | null
  readonly offers: readonly ModelOffer[]
}

/** What can be asked for, by whom it is answered. */
export interface ModelDesk {
  /** The models this caller may ask for. */
  readonly list: (caller: Principal, signal: AbortSignal) => Promise<readonly OfferedModel[]>
}
