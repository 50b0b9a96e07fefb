import {
  type Clock,
  type EventLog,
  type Hex,
  type Notary,
  ParleyError,
  type ProviderDirectory,
  type ProviderEntry,
  type Service,
} from '../core/index.ts'
import type { CandidateSource } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import { createLearner, leave } from './learner.ts'
import { candidateOf, createStall, learn, modelsOf, type Shop, type Stall } from './stall.ts'

export interface MarketOptions {
  readonly directory: ProviderDirectory
  readonly notary: Notary
  /** Opens the way to a provider; nothing is dialled yet. */
  readonly openShop: (entry: ProviderEntry) => Shop
  /** Which of the registered providers may be bought from. */
  readonly isWanted: (entry: ProviderEntry) => boolean
  /** Called with those wanted, best stake first, whenever the list changes. */
  readonly keepWarm: (entries: readonly ProviderEntry[]) => void
  readonly currency: () => string
  readonly clock: Clock
  readonly log: EventLog
  readonly learnTimeoutMs: number
}

/** Providers in the market, for people. */
export interface MarketEntry {
  readonly entry: ProviderEntry
  readonly models: readonly Model[]
  /** Why it cannot be bought from right now. */
  readonly error: ParleyError | undefined
  readonly learnedAt: number | undefined
}

/** Everything that can be bought: the registry's providers with the prices they signed. */
export interface Market extends CandidateSource, Service {
  list: () => readonly MarketEntry[]
  /** Content-addressed ids of everything on the sheets. */
  modelIds: () => Hex[]
  /** Looks again at who may be bought from. */
  look: () => void
  /** Learns all providers anew, now. */
  refresh: (signal: AbortSignal) => Promise<void>
}

const stallsMax = 512
const tickMs = 1_000

export function createMarket(options: MarketOptions): Market {
  const { directory, clock, currency } = options
  const stalls = new Map<string, Stall>()
  /** Shops of providers that left, until their last answer has ended. */
  const closing = new Set<Shop>()
  const all = () => [...stalls.values()]
  const learner = createLearner({ lessons: all, learn: stall => learn(stall, options), clock })
  let stopFollowing: (() => void) | undefined
  let timer: NodeJS.Timeout | undefined

  const follow = () => {
    reconcile(options, stalls, shop => void closeInTime(shop, closing, options))
    learner.next()
  }
  return {
    name: 'market',
    list: () => all().map(stall => ({ ...stall, models: modelsOf(stall, currency()) })),
    modelIds: () => all().flatMap(({ sheet }) => sheet?.models.map(({ quote }) => quote.message.modelId) ?? []),
    serving: model => all().flatMap(stall => candidateOf(stall, model, clock.now())),
    names: () => all().map(({ shop }) => shop.backend.name),
    models: async () => all().flatMap(stall => modelsOf(stall, currency())),
    look: () => {
      if (stopFollowing !== undefined) follow()
    },
    refresh: async signal => {
      await directory.refresh(signal)
      follow()
      await learner.all(signal)
    },
    start: async () => {
      stopFollowing = directory.onChange(follow)
      follow()
      timer = setInterval(() => learner.next(), tickMs).unref()
    },
    stop: async () => {
      stopFollowing?.()
      clearInterval(timer)
      const last = all()
      stalls.clear()
      last.forEach(leave)
      await learner.idle()
      await Promise.all([...last.map(({ shop }) => shop), ...closing].map(shop => shop.destroy()))
    },
  }
}

/** Opens shops for new providers, closes those that left or moved; a change of prices or stake is learned anew. */
function reconcile(
  { directory, isWanted, openShop, keepWarm }: MarketOptions,
  stalls: Map<string, Stall>,
  close: (shop: Shop) => void,
): void {
  const wanted = directory
    .list()
    .filter(isWanted)
    .sort((a, b) => (a.stake < b.stake ? 1 : a.stake > b.stake ? -1 : 0))
    .slice(0, stallsMax)
  const byProvider = new Map(wanted.map(entry => [entry.provider, entry]))
  for (const [provider, stall] of stalls) {
    const entry = byProvider.get(stall.entry.provider)
    if (entry !== undefined && isSamePlace(entry, stall.entry)) continue
    stalls.delete(provider)
    leave(stall)
    close(stall.shop)
  }
  const least = leastStake(directory)
  for (const entry of wanted) {
    const stall = stalls.get(entry.provider) ?? createStall(entry, openShop(entry))
    if (stall.entry !== entry) stall.wanted++
    stall.entry = entry
    stall.stakeRatio = Number(entry.stake) / Number(least)
    stalls.set(entry.provider, stall)
  }
  keepWarm(wanted)
}

/** The registry demands a least stake of everybody: who has the least is taken for the measure. */
function leastStake(directory: ProviderDirectory): bigint {
  const active = directory.list().filter(({ exitAt, stake }) => exitAt === undefined && stake > 0n)
  return active.reduce((least, { stake }) => (stake < least ? stake : least), active[0]?.stake ?? 1n)
}

function isSamePlace(a: ProviderEntry, b: ProviderEntry): boolean {
  return a.peerId === b.peerId && a.endpoint === b.endpoint && a.signer === b.signer
}

async function closeInTime(shop: Shop, closing: Set<Shop>, { log }: MarketOptions): Promise<void> {
  closing.add(shop)
  try {
    await shop.close()
  } catch (cause) {
    const { code, message } = ParleyError.from(cause)
    log.emit({ type: 'service.failed', service: shop.backend.name, code, message })
  } finally {
    closing.delete(shop)
  }
}
