import type { Address } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { providerRegistryAbi } from './generated/provider-registry.ts'

/** Which providers the registry told of, by the place of each event in the chain. */
export type RegistryEvents = ReadonlyMap<string, { readonly provider: Address; readonly blockNumber: bigint }>

export async function readRegistryEvents(
  chain: Chain,
  { fromBlock, toBlock }: { fromBlock: bigint; toBlock: bigint },
  signal: AbortSignal,
): Promise<RegistryEvents> {
  return chain.ask('following the registry', signal, async (client, viem) => {
    const logs = await client.getLogs({ address: chain.settings.registry, fromBlock, toBlock })
    const events = viem.parseEventLogs({ abi: providerRegistryAbi, logs })
    return new Map(
      events.map(({ args, blockHash, logIndex, blockNumber }) => [
        `${blockHash}:${logIndex}`,
        { provider: args.provider, blockNumber },
      ]),
    )
  })
}

/**
 * Whom to read again: told of by an event that is new, or by one that is gone because the chain was reorganised. Both
 * lists overlap by some blocks, and what lies before `fromBlock` is settled.
 */
export function touchedProviders(before: RegistryEvents, now: RegistryEvents, fromBlock: bigint): Address[] {
  const touched = new Set<Address>()
  for (const [id, event] of now) if (!before.has(id)) touched.add(event.provider)
  for (const [id, event] of before) if (event.blockNumber >= fromBlock && !now.has(id)) touched.add(event.provider)
  return [...touched]
}
