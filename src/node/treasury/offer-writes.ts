import { createRegistryOffers, type Sender } from '../../chain/index.ts'
import type { Hex, Offer } from '../../core/index.ts'
import type { SoldModel } from '../network-status.ts'
import { offersOf } from './earnings.ts'
import { listedOffer } from './listed-offers.ts'

/** Makes the registry say what is sold: what differs is written, what is not sold any more is taken off. */
export async function writeOffers(
  sender: Sender,
  sold: readonly SoldModel[],
  listed: readonly Offer[],
  signal: AbortSignal,
): Promise<Hex | null> {
  const rows = offersOf(sold, { offers: listed })
  const differing = new Set(rows.flatMap(({ model, isListed, modelId }) => (model === null || isListed ? [] : modelId)))
  const gone = rows.flatMap(({ model, modelId }) => (model === null ? modelId : []))
  const registry = createRegistryOffers(sender)
  const offers = sold.filter(({ modelId }) => differing.has(modelId)).map(listedOffer)
  const written = offers.length > 0 ? await registry.set(offers, signal) : undefined
  const removed = gone.length > 0 ? await registry.remove(gone, signal) : undefined
  return (written ?? removed)?.hash ?? null
}
