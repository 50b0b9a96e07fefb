import type { Config } from '../config/index.ts'
import {
  type Backend,
  type Clock,
  type EventLog,
  type Ledger,
  ParleyError,
  type Random,
  type Service,
  sleep,
  startServices,
  stopServices,
} from '../core/index.ts'
import type { Admission, CandidateSource, Ranking } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import type { PeerNode } from '../p2p/index.ts'
import type { Account } from './account.ts'
import type { AccountKeeper } from './account-keeper.ts'
import { type ChainAccess, openChain } from './chain-access.ts'
import { createMarket, type Market } from './market.ts'
import {
  chainStatus,
  type ProviderStatus,
  p2pStatus,
  providerStatus,
  type SoldModel,
  soldModel,
} from './network-status.ts'
import type { OwnModels } from './own-models.ts'
import { createSeller, type Seller, type SellerOptions } from './seller.ts'
import { createShops, type Shops, type ShopsOptions } from './shops.ts'
import { createWhereabouts, type Whereabouts } from './whereabouts.ts'

export interface NetworkOptions {
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
  readonly accounts: AccountKeeper
  readonly own: OwnModels
  readonly ledger: Ledger
  readonly admission: Admission
  readonly ranking: Ranking
  /** What answers peers. */
  readonly forSale: Backend
  readonly front: SellerOptions['front']
  readonly dailyCap: ShopsOptions['dailyCap']
}

/** Everything beyond this machine: the chain, peers, what is bought and sold. Without a chain there is nothing of it. */
export interface Network extends CandidateSource, Service {
  /** The models of the market, as they were learned last. */
  known: () => Model[]
  notReady: () => string[]
  chainStatus: () => object | null
  p2pStatus: () => object | null
  providerStatus: () => ProviderStatus[]
  /** The models for sale and their prices; amounts are decimal strings in the smallest unit of the token. */
  selling: () => readonly SoldModel[]
  /** For who manages money and the network. */
  parts: () => NetworkParts
}

/** What there is right now. The chain is there from the start, where one is configured; the others once the network is up. */
export interface NetworkParts {
  readonly access: ChainAccess | undefined
  readonly p2p: PeerNode | undefined
  readonly market: Market | undefined
  /** Why the network is not up. */
  readonly failure: ParleyError | undefined
}

interface Parts {
  readonly access: ChainAccess
  readonly p2p: PeerNode
  readonly market: Market
  readonly shops: Shops
  readonly whereabouts: Whereabouts
  readonly seller: Seller | undefined
}

const partStopMs = 5_000
const attemptMs = 60_000
const retryMsMax = 60_000

export async function createNetwork(options: NetworkOptions): Promise<Network> {
  const access = openChain(options.config, options)
  if (access === undefined) return noNetwork(options.config)
  const { accounts } = options
  const rise = createRise(options, access)
  const market = () => rise.parts()?.market
  accounts.onCome(() => market()?.look())
  return {
    name: 'network',
    start: rise.start,
    stop: rise.stop,
    serving: model => market()?.serving(model) ?? [],
    names: () => market()?.names?.() ?? [],
    models: async signal => (await market()?.models(signal)) ?? [],
    known: () =>
      market()
        ?.list()
        .flatMap(({ models }) => models) ?? [],
    notReady: () => (rise.isPending() ? ['network'] : []),
    chainStatus: () => chainStatus(rise.parts()?.access ?? access, accounts.current(), rise.failure()),
    p2pStatus: () => p2pStatus(rise.parts()?.p2p),
    providerStatus: () => market()?.list().map(providerStatus) ?? [],
    selling: () => rise.parts()?.seller?.offers().map(soldModel) ?? [],
    parts: () => {
      const { access: current = access, p2p, market: open } = rise.parts() ?? {}
      return { access: current, p2p, market: open, failure: rise.failure() }
    },
  }
}

/** How the network comes up, and up again after it failed. */
interface Rise extends Pick<Service, 'start' | 'stop'> {
  readonly parts: () => Parts | undefined
  readonly failure: () => ParleyError | undefined
  /** Whether it is still on its way. */
  readonly isPending: () => boolean
}

function createRise(options: NetworkOptions, firstAccess: ChainAccess): Rise {
  let parts: Parts | undefined
  let failure: ParleyError | undefined
  let rising: Promise<void> | undefined
  const stopping = new AbortController()

  const attempt = async (access: ChainAccess, signal: AbortSignal) => {
    try {
      parts = await buildParts(options, access)
      await startServices(servicesOf(parts), signal)
      failure = undefined
    } catch (cause) {
      parts = undefined
      throw cause
    }
  }
  const rise = async () => {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      const bound = AbortSignal.any([stopping.signal, AbortSignal.timeout(attemptMs)])
      try {
        // What was stopped does not start again: later attempts have parts of their own.
        return await attempt(failures === 0 ? firstAccess : openChain(options.config, options)!, bound)
      } catch (cause) {
        if (stopping.signal.aborted) return
        const error = ParleyError.from(cause, bound)
        if (error.message !== failure?.message) tell(options.log, error)
        failure = error
      }
      await sleep(Math.min(retryMsMax, 1_000 * 2 ** failures), stopping.signal).catch(stoppedWhileWaiting)
    }
  }
  return {
    parts: () => parts,
    failure: () => failure,
    isPending: () => rising !== undefined && parts === undefined,
    start: async signal => {
      // A node that only buys answers with its own models at once; peers come when they come. One that sells must stand.
      if (options.config.provider.enabled) return attempt(firstAccess, AbortSignal.any([signal, stopping.signal]))
      rising = rise()
    },
    stop: async () => {
      stopping.abort(new ParleyError('stopping', 'the node is shutting down'))
      await rising
      if (parts !== undefined) await stopServices(servicesOf(parts), partStopMs)
    },
  }
}

function tell(log: EventLog, { code, message }: ParleyError): void {
  log.emit({ type: 'service.failed', service: 'network', code, message })
}

/** The loop sees by itself that it is to end. */
function stoppedWhileWaiting(): void {}

function servicesOf({ access, p2p, shops, market, whereabouts, seller }: Parts): Service[] {
  return [access.directory, p2p, ...(seller === undefined ? [] : [seller]), shops, market, whereabouts]
}

async function buildParts(options: NetworkOptions, access: ChainAccess): Promise<Parts> {
  const { config, ranking, clock, log } = options
  const account = options.accounts.current
  const p2p = await createP2p(options, access)
  const whereabouts: Whereabouts = createWhereabouts({
    p2p,
    directory: access.directory,
    modelIds: () => market.modelIds(),
  })
  // Addresses are written with and without their checksum; peer ids in one way only.
  const allowed = new Set(config.routing.allow.map(name => (name.startsWith('0x') ? name.toLowerCase() : name)))
  const shops = createShops({
    ...options,
    access,
    account,
    p2p,
    whereabouts: peerId => whereabouts.of(peerId),
    onMismatch: name => ranking.distrust(name),
  })
  const market: Market = createMarket({
    directory: access.directory,
    notary: access.notary,
    openShop: entry => shops.open(entry),
    isWanted: ({ provider, peerId, endpoint, exitAt, stake }) =>
      exitAt === undefined &&
      stake > 0n &&
      peerId !== p2p.peerId &&
      provider.toLowerCase() !== account()?.address.toLowerCase() &&
      endpoint.startsWith('/') &&
      (allowed.size === 0 || allowed.has(provider.toLowerCase()) || allowed.has(peerId)),
    keepWarm: entries => {
      p2p.discovery.keepWarm(entries.slice(0, config.p2p.warmConnections).map(targetOf))
      const others = access.directory.list().filter(({ endpoint }) => endpoint.startsWith('/'))
      p2p.discovery.bootstrap(others.slice(0, bootstrapMax).map(targetOf))
    },
    currency: () => shops.currency(),
    clock,
    log,
    learnTimeoutMs: config.timeouts.connectMs,
  })
  const seller = config.provider.enabled ? sellerOf(options, access, account(), p2p) : undefined
  return { access, p2p, market, shops, whereabouts, seller }
}

const bootstrapMax = 16

function targetOf({ peerId, endpoint }: { peerId: string; endpoint: string }) {
  return { peerId, addresses: [endpoint] }
}

function sellerOf(options: NetworkOptions, access: ChainAccess, account: Account | undefined, p2p: PeerNode): Seller {
  if (account === undefined) {
    const { name } = options.config.wallet
    throw new ParleyError(
      'wallet_locked',
      `a provider needs an account and there is no wallet ${name}; run parley wallet new`,
    )
  }
  return createSeller({ ...options, access, account, p2p })
}

async function createP2p({ config, clock, random }: NetworkOptions, { directory }: ChainAccess): Promise<PeerNode> {
  const { createPeerNode, openIdentityFile, parseTarget } = await import('../p2p/index.ts')
  const { listen, announce, bootstrap, maxConnections, perPeerStreams, trusted, dialPrivate, warmConnections } =
    config.p2p
  const role = config.provider.enabled
    ? { role: 'provider' as const, key: (await openIdentityFile(config.paths.identityFile)).key, listen, announce }
    : { role: 'user' as const }
  return createPeerNode({
    ...role,
    bootstrap: bootstrap.map(parseTarget),
    believed: peerId => directory.byPeerId(peerId) !== undefined,
    limits: {
      connectionsMax: maxConnections,
      streamsPerPeerMax: perPeerStreams,
      dialTimeoutMs: config.timeouts.connectMs,
    },
    trusted,
    dialPrivate,
    warmMax: warmConnections,
    clock,
    random,
  })
}

/** A node of its own: local models and upstreams, no chain, no peers. */
function noNetwork({ provider }: Config): Network {
  if (provider.enabled) {
    throw new ParleyError('config_invalid', 'a provider needs a chain; set chain.rpcUrls and chain.deployment')
  }
  return {
    name: 'network',
    start: async () => {},
    stop: async () => {},
    serving: () => [],
    models: async () => [],
    known: () => [],
    notReady: () => [],
    chainStatus: () => null,
    p2pStatus: () => null,
    providerStatus: () => [],
    selling: () => [],
    parts: () => ({ access: undefined, p2p: undefined, market: undefined, failure: undefined }),
  }
}
