import {
  type Backend,
  type Clock,
  type EventLog,
  type Hex,
  ParleyError,
  type ProviderDirectory,
  type ProviderEntry,
  type QuoteSheet,
  type Service,
} from '../core/index.ts'
import type { Candidate, CandidateSource } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'

/** A provider one could buy from: the way to it, and its prices. */
export interface Shop {
  readonly backend: Backend
  sheet: (signal: AbortSignal) => Promise<QuoteSheet>
  close: () => Promise<void>
}

export interface MarketOptions {
  readonly directory: ProviderDirectory
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
  /** Learns all providers anew, now. */
  refresh: (signal: AbortSignal) => Promise<void>
}

interface Stall {
  entry: ProviderEntry
  models: readonly Model[]
  readonly shop: Shop
  sheet: QuoteSheet | undefined
  error: ParleyError | undefined
  learnedAt: number | undefined
  nextLearnAt: number
  failures: number
}

const stallsMax = 512
const learningMax = 8
const tickMs = 1_000
const relearnMs = 60_000
const retryMsMax = 60_000

export function createMarket(options: MarketOptions): Market {
  const { directory, clock } = options
  const stalls = new Map<string, Stall>()
  const stopping = new AbortController()
  let stopFollowing: (() => void) | undefined
  let timer: NodeJS.Timeout | undefined
  let learning: Promise<void> | undefined

  const learnDue = (): Promise<void> => {
    learning ??= learnAll(options, [...stalls.values()], stopping.signal).finally(() => {
      learning = undefined
    })
    return learning
  }
  const follow = () => {
    reconcile(options, stalls)
    void learnDue()
  }
  return {
    name: 'market',
    list: () => [...stalls.values()],
    modelIds: () =>
      [...stalls.values()].flatMap(({ sheet }) => sheet?.models.map(({ quote }) => quote.message.modelId) ?? []),
    serving: model => [...stalls.values()].flatMap(stall => candidateOf(stall, model, clock.now())),
    models: async () => [...stalls.values()].flatMap(({ models }) => models),
    refresh: async signal => {
      await directory.refresh(signal)
      await learning
      reconcile(options, stalls)
      for (const stall of stalls.values()) stall.nextLearnAt = 0
      await learnDue()
    },
    start: async () => {
      stopFollowing = directory.onChange(follow)
      follow()
      timer = setInterval(() => void learnDue(), tickMs).unref()
    },
    stop: async () => {
      stopFollowing?.()
      clearInterval(timer)
      stopping.abort(new ParleyError('stopping', 'the node is shutting down'))
      await learning
      await Promise.all([...stalls.values()].map(({ shop }) => shop.close()))
      stalls.clear()
    },
  }
}

/** Opens shops for new providers, closes those that left or moved; a change of prices or stake is learned anew. */
function reconcile({ directory, isWanted, openShop, keepWarm }: MarketOptions, stalls: Map<string, Stall>): void {
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
    void stall.shop.close()
  }
  for (const entry of wanted) {
    const stall = stalls.get(entry.provider)
    if (stall === undefined) stalls.set(entry.provider, newStall(entry, openShop(entry)))
    else if (stall.entry !== entry) Object.assign(stall, { entry, nextLearnAt: 0 })
  }
  keepWarm(wanted)
}

function newStall(entry: ProviderEntry, shop: Shop): Stall {
  const unknown = { models: [], sheet: undefined, error: undefined, learnedAt: undefined }
  return { entry, shop, ...unknown, nextLearnAt: 0, failures: 0 }
}

function isSamePlace(a: ProviderEntry, b: ProviderEntry): boolean {
  return a.peerId === b.peerId && a.endpoint === b.endpoint && a.signer === b.signer
}

/** Asks those whose prices are due, a few at a time. A provider that does not answer is asked again later and later. */
async function learnAll(options: MarketOptions, stalls: readonly Stall[], signal: AbortSignal): Promise<void> {
  const due = stalls.filter(({ nextLearnAt }) => nextLearnAt <= options.clock.monotonic())
  const worker = async () => {
    for (let stall = due.shift(); stall !== undefined && !signal.aborted; stall = due.shift()) {
      await learn(options, stall, signal)
    }
  }
  await Promise.all(Array.from({ length: Math.min(learningMax, due.length) }, worker))
}

async function learn(options: MarketOptions, stall: Stall, stopping: AbortSignal): Promise<void> {
  const { clock, log, learnTimeoutMs } = options
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(learnTimeoutMs)])
  const { peerId, provider } = stall.entry
  try {
    const sheet = await stall.shop.sheet(signal)
    const models = sheet.models.map(quoted => listed(quoted, options.currency()))
    if (stall.sheet === undefined || stall.error !== undefined) {
      log.emit({ type: 'provider.learned', provider, peerId, models: models.length })
    }
    Object.assign(stall, { sheet, models, error: undefined, learnedAt: clock.now(), failures: 0 })
    stall.nextLearnAt = clock.monotonic() + relearnMs
  } catch (cause) {
    if (stopping.aborted) return
    const error = ParleyError.from(cause, signal)
    if (stall.error?.code !== error.code) {
      log.emit({ type: 'provider.failed', peerId, code: error.code, message: error.message })
    }
    stall.error = error
    stall.nextLearnAt = clock.monotonic() + Math.min(retryMsMax, 1_000 * 2 ** stall.failures++)
  }
}

/** A provider's model as this node lists it: with the price it signed. */
function listed({ model, quote }: QuoteSheet['models'][number], currency: string): Model {
  const { priceIn, priceOut } = quote.message
  return { ...model, owned_by: 'peer', pricing: { prompt: String(priceIn), completion: String(priceOut), currency } }
}

/** A provider that could not be asked for a while may still answer: the router finds out, others go first. */
function candidateOf(stall: Stall, model: string, now: number): Candidate[] {
  const quoted = stall.sheet?.models.find(({ model: { id } }) => id === model)
  if (quoted === undefined) return []
  const { priceIn, priceOut, expiresAt } = quoted.quote.message
  if (stall.error !== undefined && Number(expiresAt) * 1_000 < now) return []
  return [{ name: stall.shop.backend.name, kind: 'peer', priceIn, priceOut, backend: stall.shop.backend }]
}
