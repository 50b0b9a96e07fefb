import type { Hex, ParleyError } from '../core/index.ts'
import type { PeerNode } from '../p2p/index.ts'
import type { OfferedModel } from '../session/index.ts'
import type { Account } from './account.ts'
import type { ChainAccess } from './chain-access.ts'
import type { Market } from './market.ts'

export function chainStatus(
  { chain, directory }: ChainAccess,
  account: Account | undefined,
  failure: ParleyError | undefined,
) {
  const { readAt, blockNumber, isStale, error } = directory.freshness()
  return {
    id: String(chain.settings.chainId),
    registry: chain.settings.registry,
    escrow: chain.settings.escrow,
    account: account?.address ?? null,
    providers: directory.list().length,
    readAt: readAt ?? null,
    blockNumber: blockNumber === undefined ? null : String(blockNumber),
    isStale,
    error: failure?.message ?? error ?? null,
  }
}

export function p2pStatus(p2p: PeerNode | undefined) {
  if (p2p === undefined) return null
  return { peerId: p2p.peerId, addresses: p2p.addresses(), connected: p2p.discovery.connected(), ...p2p.stats() }
}

export function providerStatus({ entry, models, error, learnedAt }: ReturnType<Market['list']>[number]) {
  return {
    provider: entry.provider,
    peerId: entry.peerId,
    endpoint: entry.endpoint,
    stake: String(entry.stake),
    models: models.map(({ id, pricing }) => ({ id, pricing })),
    learnedAt: learnedAt ?? null,
    error: error === undefined ? null : { code: error.code, message: error.message },
  }
}

export type ProviderStatus = ReturnType<typeof providerStatus>

/** A model for sale as `parley status` and the registry's offers need it. */
export interface SoldModel {
  readonly model: string
  readonly modelId: Hex
  readonly unit: string
  readonly priceIn: string
  readonly priceOut: string
  readonly contextTokens: number
  readonly capabilities: readonly string[]
}

export function soldModel({ model, modelId, unit, priceIn, priceOut, contextTokens }: OfferedModel): SoldModel {
  const { id, capabilities = [] } = model
  return { model: id, modelId, unit, priceIn: String(priceIn), priceOut: String(priceOut), contextTokens, capabilities }
}
