import {
  type Backend,
  type Clock,
  type EventLog,
  type Notary,
  ParleyError,
  type ProviderEntry,
  type QuoteSheet,
} from '../core/index.ts'
import type { Candidate } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import { modelFacts } from './candidates.ts'
import type { Lesson } from './learner.ts'
import { checkedSheet } from './sheet-check.ts'

/** A provider one could buy from: the way to it, and its prices. */
export interface Shop {
  readonly backend: Backend
  sheet: (signal: AbortSignal) => Promise<QuoteSheet>
  /** Takes nothing new; running answers come to their end. */
  close: () => Promise<void>
  /** Ends everything now. */
  destroy: () => Promise<void>
}

/** A provider in the market and what is known of it. */
export interface Stall extends Lesson {
  entry: ProviderEntry
  /** Its stake as a multiple of the least anybody has. */
  stakeRatio: number
  readonly shop: Shop
  sheet: QuoteSheet | undefined
  error: ParleyError | undefined
  learnedAt: number | undefined
  failures: number
}

export interface LearnOptions {
  readonly notary: Notary
  readonly clock: Clock
  readonly log: EventLog
  readonly learnTimeoutMs: number
}

const relearnMs = 60_000
const retryMsMax = 60_000

export function createStall(entry: ProviderEntry, shop: Shop): Stall {
  return {
    ...{ entry, shop, stakeRatio: 1 },
    ...{ sheet: undefined, error: undefined, learnedAt: undefined, failures: 0 },
    ...{ wanted: 1, learnedFor: 0, nextLearnAt: 0, learning: false, left: new AbortController() },
    get isDoubtful() {
      return this.sheet === undefined || this.failures > 0
    },
  }
}

/** Fetches the prices. A provider that does not answer is asked again later and later. */
export async function learn(stall: Stall, { clock, log, notary, learnTimeoutMs }: LearnOptions): Promise<void> {
  const { entry, shop, left } = stall
  const { peerId, provider } = entry
  const signal = AbortSignal.any([left.signal, AbortSignal.timeout(learnTimeoutMs)])
  try {
    const sheet = checkedSheet(await shop.sheet(signal), entry, notary)
    if (left.signal.aborted) return
    if (stall.sheet === undefined || stall.error !== undefined) {
      log.emit({ type: 'provider.learned', provider, peerId, models: sheet.models.length })
    }
    Object.assign(stall, { sheet, error: undefined, learnedAt: clock.now(), failures: 0 })
    stall.nextLearnAt = clock.monotonic() + relearnMs
  } catch (cause) {
    if (left.signal.aborted) return
    const error = ParleyError.from(cause, signal)
    if (stall.error?.code !== error.code) {
      log.emit({ type: 'provider.failed', peerId, code: error.code, message: error.message })
    }
    stall.error = error
    stall.nextLearnAt = clock.monotonic() + Math.min(retryMsMax, 1_000 * 2 ** stall.failures++)
  }
}

/** What a provider sells, as this node lists it: with the prices it signed. */
export function modelsOf({ sheet }: Stall, currency: string): Model[] {
  return (sheet?.models ?? []).map(({ model, quote: { message } }) => {
    const { unit, priceIn, priceOut } = message
    const pricing = { prompt: String(priceIn), completion: String(priceOut), unit, currency }
    return { ...model, owned_by: 'peer', pricing }
  })
}

/** A provider that could not be asked for a while may still answer: the router finds out, others go first. */
export function candidateOf({ sheet, error, shop, stakeRatio }: Stall, model: string, now: number): Candidate[] {
  const quoted = sheet?.models.find(({ model: { id } }) => id === model)
  if (quoted === undefined) return []
  const { priceIn, priceOut, unit, expiresAt } = quoted.quote.message
  if (error !== undefined && Number(expiresAt) * 1_000 < now) return []
  const facts = modelFacts(quoted.model)
  const { backend } = shop
  return [{ name: backend.name, kind: 'peer', unit, priceIn, priceOut, stakeRatio, backend, ...facts }]
}
