import { formatAmount, type TokenDescription } from '../../chain/index.ts'
import type { DollarPrices, ModelDesk, ModelOffer, OfferedModel, Principal } from '../../core/index.ts'
import { aliasOf, type Candidate, type CandidateSource, type PresetOf, type TargetState } from '../../gateway/index.ts'
import type { Model } from '../../openai/index.ts'

export interface ModelDeskOptions {
  /** All that can be asked now. */
  readonly candidates: CandidateSource
  /** What was seen of whom. */
  readonly targets: () => readonly TargetState[]
  readonly visibleModels: (caller: Principal, models: readonly Model[]) => Promise<readonly Model[]>
  readonly presetOf: PresetOf
  /** What peers are paid in. */
  readonly token: (signal: AbortSignal) => Promise<TokenDescription | undefined>
  /** Names of peers that cannot be reached. */
  readonly unreachable: () => readonly string[]
}

/** Nobody waits longer for the name of the token than this, where the chain does not answer. */
const tokenMs = 1_500

export function createModelDesk(options: ModelDeskOptions): ModelDesk {
  const { candidates, targets, visibleModels, presetOf, unreachable } = options
  return {
    list: async (caller, signal) => {
      const models = await visibleModels(caller, await candidates.models(signal))
      const preset = await presetOf(caller)
      const real = (id: string) => (preset === undefined ? id : (aliasOf(preset, id)?.real ?? id))
      const found = models.map(model => ({ model, serving: candidates.serving(real(model.id)) }))
      const isPaid = found.some(({ serving }) => serving.some(({ kind }) => kind === 'peer'))
      const seen: Seen = {
        targets: new Map(targets().map(target => [target.name, target])),
        unreachable: new Set(unreachable()),
        token: isPaid ? await tokenOf(options, signal) : undefined,
      }
      return found.map(({ model, serving }) => offered(model, serving, seen))
    },
  }
}

interface Seen {
  readonly targets: ReadonlyMap<string, TargetState>
  readonly unreachable: ReadonlySet<string>
  readonly token: TokenDescription | undefined
}

/** Undefined while it is not known: prices are shown later then, and models at once. */
async function tokenOf({ token }: ModelDeskOptions, signal: AbortSignal): Promise<TokenDescription | undefined> {
  try {
    return await token(AbortSignal.any([signal, AbortSignal.timeout(tokenMs)]))
  } catch {
    return undefined
  }
}

function offered(model: Model, serving: readonly Candidate[], seen: Seen): OfferedModel {
  const { id, context_length, max_model_len, max_output_tokens, capabilities, pricing } = model
  return {
    id,
    contextLength: context_length ?? max_model_len ?? null,
    maxOutputTokens: max_output_tokens ?? null,
    capabilities: capabilities ?? null,
    pricing: pricing ?? null,
    offers: serving.map(candidate => offerOf(candidate, seen)),
  }
}

const privacy = { local: 'local', peer: 'peer', api: 'upstream' } as const

function offerOf(candidate: Candidate, { targets, unreachable, token }: Seen): ModelOffer {
  const { name, kind, unit = 'tokens', contextTokens } = candidate
  const target = targets.get(name)
  return {
    ...{ provider: name, kind, privacy: privacy[kind], unit },
    state: unreachable.has(name) ? 'down' : target === undefined || target.state === 'closed' ? 'up' : 'resting',
    running: target?.running ?? 0,
    ...priceOf(candidate, token),
    ttftP50Ms: target?.recentFirstChunks?.p50Ms ?? null,
    ttftP95Ms: target?.recentFirstChunks?.p95Ms ?? null,
    tokensPerSecond: target?.tokensPerSecond ?? null,
    uptime: uptimeOf(target),
    contextLength: contextTokens ?? null,
  }
}

function uptimeOf(target: TargetState | undefined): number | null {
  const { successes = 0, failures = 0 } = target ?? {}
  return successes + failures === 0 ? null : successes / (successes + failures)
}

type Price = Pick<ModelOffer, 'priceIn' | 'priceOut' | 'currency'>

const unknown: Price = { priceIn: null, priceOut: null, currency: null }

/** What runs here costs nothing; a service, what its operator's list says; a peer, what it signed. */
function priceOf({ kind, priceIn, priceOut, dollars }: Candidate, token: TokenDescription | undefined): Price {
  if (kind === 'local') return { priceIn: '0', priceOut: '0', currency: 'USD' }
  if (kind === 'api') return dollars === undefined ? unknown : inDollars(dollars)
  if (token === undefined) return unknown
  const shown = (amount: bigint | undefined) => formatAmount(amount ?? 0n, token.decimals)
  return { priceIn: shown(priceIn), priceOut: shown(priceOut), currency: token.symbol }
}

const dollarDecimals = 6

function inDollars({ in: prompt, out: answer }: DollarPrices): Price {
  const shown = (amount: bigint | undefined) => (amount === undefined ? null : formatAmount(amount, dollarDecimals))
  return { priceIn: shown(prompt), priceOut: shown(answer), currency: 'USD' }
}
