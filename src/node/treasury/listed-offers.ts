import type { ListedOffer } from '../../chain/index.ts'
import type { Hex } from '../../core/index.ts'
import type { SoldModel } from '../network-status.ts'

/** By their bit in the contract. */
const capabilityBits: Readonly<Record<string, number>> = { chat: 1, completion: 2, embedding: 4, tools: 64 }
/** An offer has no field for the unit: a reader takes it from what the model does. */
const unitBits: Readonly<Record<string, number>> = { images: 8, seconds: 16, characters: 32 }

/** What is sold, as the registry lists it. */
export function listedOffer(sold: Omit<SoldModel, 'modelId' | 'model'> & { readonly modelId: string }): ListedOffer {
  const { modelId, unit, priceIn, priceOut, contextTokens, capabilities } = sold
  return {
    modelId: modelId as Hex,
    priceIn: BigInt(priceIn),
    priceOut: BigInt(priceOut),
    contextTokens,
    expiresAt: 0n,
    capabilities: capabilities.reduce((bits, name) => bits | (capabilityBits[name] ?? 0), unitBits[unit] ?? 0),
  }
}
