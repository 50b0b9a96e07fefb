import { type Address, ParleyError } from '../core/index.ts'
import { toAddress } from './address.ts'

/** Any EVM chain that carries the contracts. */
export interface ChainSettings {
  readonly chainId: bigint
  /** Tried in order; one that failed rests while another answers. */
  readonly rpcUrls: readonly string[]
  readonly registry: Address
  readonly escrow: Address
  /** Blocks a transaction waits for, the one it is in included. */
  readonly confirmations?: number
  /** For one question to one endpoint. */
  readonly timeoutMs?: number
  /** For a transaction to be confirmed; a third of it passes before the fee is raised. */
  readonly receiptTimeoutMs?: number
}

export type ResolvedChainSettings = Required<ChainSettings>

const endpointsMax = 16

/** The settings with their defaults. Throws `config_invalid`. */
export function resolveChainSettings(given: ChainSettings): ResolvedChainSettings {
  const settings = { confirmations: 1, timeoutMs: 10_000, receiptTimeoutMs: 120_000, ...given }
  if (given.rpcUrls.length === 0 || given.rpcUrls.length > endpointsMax) {
    throw new ParleyError(
      'config_invalid',
      `chain.rpcUrls names ${given.rpcUrls.length} endpoints, not 1 to ${endpointsMax}`,
    )
  }
  for (const url of given.rpcUrls) {
    if (!URL.canParse(url)) throw new ParleyError('config_invalid', 'an entry of chain.rpcUrls is no URL; correct it')
  }
  return { ...settings, registry: toAddress(given.registry), escrow: toAddress(given.escrow) }
}
