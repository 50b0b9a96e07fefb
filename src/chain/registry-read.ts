import type { Address, Offer, ProviderEntry } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { providerRegistryAbi } from './generated/provider-registry.ts'
import { peerIdOfKey } from './peer-id.ts'
import { neverExpires } from './registry-writes.ts'

/** How much of a registry a node is willing to know. */
export interface RegistryBounds {
  readonly providersMax: number
  /** The newest so many offers of each provider. */
  readonly offersMax: number
}

export interface RegistryPage {
  readonly entries: readonly ProviderEntry[]
  /** Whether there were more than `providersMax`. */
  readonly isCut: boolean
}

/** Every provider as of one block: pages of one call each, then the offers of those that have any. */
export async function readProviders(
  chain: Chain,
  { blockNumber, bounds }: { blockNumber: bigint; bounds: RegistryBounds },
  signal: AbortSignal,
): Promise<RegistryPage> {
  const views = new Map<Address, ProviderView>()
  let cursor = 0n
  const pagesMax = Math.ceil(bounds.providersMax / pageSize)
  for (let page = 0; page < pagesMax; page++) {
    const [found, next] = await chain.ask('reading the registry', signal, client =>
      client.readContract({
        ...registryOf(chain),
        functionName: 'providers',
        args: [cursor, BigInt(pageSize)],
        blockNumber,
      }),
    )
    for (const view of found) if (views.size < bounds.providersMax) views.set(view.provider, view)
    cursor = next
    if (cursor === 0n) break
  }
  const entries = await withOffers(chain, [...views.values()], { blockNumber, bounds }, signal)
  return { entries, isCut: cursor !== 0n }
}

/** Some providers as of one block; those that are not in the registry are missing from the answer. */
export async function readSomeProviders(
  chain: Chain,
  accounts: readonly Address[],
  at: { blockNumber: bigint; bounds: RegistryBounds },
  signal: AbortSignal,
): Promise<readonly ProviderEntry[]> {
  const views: ProviderView[] = []
  for (const some of chunks(accounts)) {
    const results = await chain.ask('reading the registry', signal, client =>
      client.multicall({
        contracts: some.map(account => ({
          ...registryOf(chain),
          functionName: 'provider' as const,
          args: [account] as const,
        })),
        blockNumber: at.blockNumber,
        ...inOneCall,
      }),
    )
    for (const result of results) if (result.status === 'success') views.push(result.result)
  }
  return withOffers(chain, views, at, signal)
}

/** The registry's own bound of a page is 500; this keeps an answer near 100 KB. */
const pageSize = 250
const callsPerCall = 20

/** The calls travel as the constructor of a contract nobody deploys, so that no helper has to be on the chain. */
const inOneCall = { allowFailure: true, deployless: true, batchSize: 0 } as const

interface ProviderView {
  readonly provider: Address
  readonly signer: Address
  readonly payout: Address
  readonly stake: bigint
  readonly exitAt: number
  readonly peerId: `0x${string}`
  readonly endpoint: string
  readonly offerCount: number
}

async function withOffers(
  chain: Chain,
  views: readonly ProviderView[],
  { blockNumber, bounds }: { blockNumber: bigint; bounds: RegistryBounds },
  signal: AbortSignal,
): Promise<readonly ProviderEntry[]> {
  const sane = views.filter(isSane)
  const offers = new Map<Address, readonly Offer[]>()
  for (const some of chunks(sane.filter(view => view.offerCount > 0))) {
    const contracts = some.map(({ provider }) => ({
      ...registryOf(chain),
      functionName: 'offers' as const,
      args: [provider, 0n, BigInt(bounds.offersMax)] as const,
    }))
    const results = await chain.ask('reading the offers', signal, client =>
      client.multicall({ contracts, blockNumber, ...inOneCall }),
    )
    for (const [at, result] of results.entries()) {
      if (result.status === 'success') offers.set(some[at]!.provider, result.result[0].map(offerOf))
    }
  }
  return sane.map(view => entryOf(view, offers.get(view.provider) ?? []))
}

/** An endpoint is written by a stranger: multiaddrs and URLs are printable ASCII, anything else is an attack on readers. */
function isSane({ endpoint }: ProviderView): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(endpoint)
}

function entryOf(view: ProviderView, offers: readonly Offer[]): ProviderEntry {
  const { provider, signer, payout, stake, endpoint, exitAt } = view
  return {
    provider,
    signer,
    payout,
    peerId: peerIdOfKey(view.peerId),
    endpoint,
    stake,
    exitAt: exitAt === 0 ? undefined : BigInt(exitAt),
    offers,
  }
}

interface OfferView {
  readonly modelId: `0x${string}`
  readonly priceIn: bigint
  readonly priceOut: bigint
  readonly context: number
  readonly expiry: number
}

function offerOf({ modelId, priceIn, priceOut, context, expiry }: OfferView): Offer {
  const expiresAt = expiry === neverExpires ? 0n : BigInt(expiry)
  return { modelId, priceIn, priceOut, contextTokens: context, expiresAt }
}

function registryOf(chain: Chain) {
  return { address: chain.settings.registry, abi: providerRegistryAbi } as const
}

function chunks<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / callsPerCall) }, (_, at) =>
    items.slice(at * callsPerCall, (at + 1) * callsPerCall),
  )
}
