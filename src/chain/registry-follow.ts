import type { Address, ProviderEntry } from '../core/index.ts'
import type { Chain } from './clients.ts'
import type { RegistrySnapshot } from './registry-cache.ts'
import { type RegistryEvents, readRegistryEvents, touchedProviders } from './registry-events.ts'
import { type RegistryBounds, readProviders, readSomeProviders } from './registry-read.ts'

/** Where a reader of the registry stands. */
export interface RegistryView extends RegistrySnapshot {
  /** The events of the last `reorgBlocks` blocks. */
  readonly events: RegistryEvents
  readonly isCut: boolean
}

/** The whole registry, as of the newest block. */
export async function readRegistry(chain: Chain, bounds: RegistryBounds, signal: AbortSignal): Promise<RegistryView> {
  const blockNumber = await headOf(chain, signal)
  const { entries, isCut } = await readProviders(chain, { blockNumber, bounds }, signal)
  const events = await readRegistryEvents(chain, { fromBlock: settled(blockNumber), toBlock: blockNumber }, signal)
  return { entries: byAddress(entries), blockNumber, readAt: chain.clock.now(), events, isCut }
}

/**
 * The view brought to the newest block by events: mostly one call, and a few more for the providers that changed. Reads
 * everything again when the way is too long, when too much changed, or when the chain went back.
 */
export async function followRegistry(
  chain: Chain,
  view: RegistryView,
  bounds: RegistryBounds,
  signal: AbortSignal,
): Promise<RegistryView> {
  const blockNumber = await headOf(chain, signal)
  if (blockNumber < view.blockNumber || blockNumber - view.blockNumber > blocksMax) {
    return readRegistry(chain, bounds, signal)
  }
  const fromBlock = settled(view.blockNumber)
  const events = await readRegistryEvents(chain, { fromBlock, toBlock: blockNumber }, signal)
  const touched = touchedProviders(view.events, events, fromBlock)
  if (touched.length > touchedMax || view.isCut) return readRegistry(chain, bounds, signal)
  const read = await readSomeProviders(chain, touched, { blockNumber, bounds }, signal)
  const entries = replaced(view.entries, touched, read)
  return { entries, blockNumber, readAt: chain.clock.now(), events, isCut: entries.size > bounds.providersMax }
}

/** Deeper reorganisations are caught by the next reading of everything. */
const reorgBlocks = 12n
const blocksMax = 2_000n
const touchedMax = 100

async function headOf(chain: Chain, signal: AbortSignal): Promise<bigint> {
  return chain.ask('reading the newest block', signal, client => client.getBlockNumber())
}

function settled(blockNumber: bigint): bigint {
  return blockNumber > reorgBlocks ? blockNumber - reorgBlocks : 0n
}

function byAddress(entries: readonly ProviderEntry[]): Map<Address, ProviderEntry> {
  return new Map(entries.map(entry => [entry.provider, entry]))
}

function replaced(
  entries: ReadonlyMap<Address, ProviderEntry>,
  touched: readonly Address[],
  read: readonly ProviderEntry[],
): ReadonlyMap<Address, ProviderEntry> {
  if (touched.length === 0) return entries
  const next = new Map(entries)
  for (const account of touched) next.delete(account)
  for (const entry of read) next.set(entry.provider, entry)
  return next
}
