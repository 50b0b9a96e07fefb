import type { ModelOffer, OfferedModel } from '../client/api.ts'

export type Model = OfferedModel
export type Offer = ModelOffer

export interface Summary {
  /** Who would answer now. */
  readonly up: readonly Offer[]
  /** Of the cheapest that is known, per million tokens. */
  readonly price: { readonly in: number; readonly out: number; readonly currency: string } | null
  /** Nobody takes money for it. */
  readonly isFree: boolean
  /** Only peers answer with it, for money. */
  readonly needsWallet: boolean
  readonly isDown: boolean
  readonly ttftMs: number | null
  readonly ttftP95Ms: number | null
  readonly tokensPerSecond: number | null
  readonly uptime: number | null
  readonly privacy: readonly Offer['privacy'][]
}

export function summaryOf({ offers }: Model): Summary {
  const up = offers.filter(({ state }) => state !== 'down')
  const known = up.length > 0 ? up : offers
  const priced = known.filter(isPaid).toSorted((one, other) => sum(one) - sum(other))
  const isFree = known.length > 0 && known.some(offer => !isPaid(offer))
  const [cheapest] = priced
  return {
    up,
    isFree,
    price:
      cheapest === undefined || isFree
        ? null
        : { in: Number(cheapest.priceIn), out: Number(cheapest.priceOut), currency: cheapest.currency ?? '' },
    needsWallet: known.length > 0 && known.every(offer => offer.kind === 'peer' && isPaid(offer)),
    isDown: offers.length > 0 && up.length === 0,
    ttftMs: least(known.map(({ ttftP50Ms }) => ttftP50Ms)),
    ttftP95Ms: least(known.map(({ ttftP95Ms }) => ttftP95Ms)),
    tokensPerSecond: most(known.map(offer => offer.tokensPerSecond)),
    uptime: most(known.map(offer => offer.uptime)),
    privacy: (['local', 'peer', 'upstream'] as const).filter(level => known.some(offer => offer.privacy === level)),
  }
}

export function isPaid({ priceIn, priceOut }: Offer): boolean {
  return Number(priceIn ?? 0) > 0 || Number(priceOut ?? 0) > 0
}

function sum({ priceIn, priceOut }: Offer): number {
  return Number(priceIn ?? 0) + Number(priceOut ?? 0)
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? null : Math.min(...known)
}

function most(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

export type Sort = 'best' | 'cheapest' | 'fastest'

/** Pinned models first, then by what is asked for; those that nobody answers with come last. */
export function ranked(models: readonly Model[], sort: Sort, pins: readonly string[]): readonly Model[] {
  const scored = models.map(model => {
    const summary = summaryOf(model)
    return { model, scores: [summary.isDown ? 1 : 0, pins.includes(model.id) ? 0 : 1, ...scoresOf(summary, sort)] }
  })
  return scored
    .toSorted((one, other) => {
      const at = one.scores.findIndex((score, index) => score !== other.scores[index])
      return at === -1 ? compareNames(one.model.id, other.model.id) : one.scores[at]! - other.scores[at]!
    })
    .map(({ model }) => model)
}

function compareNames(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Smaller is better. */
function scoresOf(summary: Summary, sort: Sort): readonly number[] {
  const { price, isFree, ttftMs, tokensPerSecond, privacy } = summary
  const cost = isFree ? 0 : price === null ? Number.MAX_VALUE : price.in + price.out
  const late = ttftMs ?? Number.MAX_VALUE
  if (sort === 'cheapest') return [cost, late]
  if (sort === 'fastest') return [late, -(tokensPerSecond ?? 0), cost]
  const reach = privacy.includes('local') ? 0 : privacy.includes('peer') ? 1 : 2
  return [summary.needsWallet ? 1 : 0, Math.min(reach, 2), cost, late]
}

/** The model for a chat nobody has chosen one for: the last one, else a pinned one, else the best that can answer. */
export function chosenModel(
  models: readonly Model[],
  wanted: { readonly last: string | null; readonly pins: readonly string[]; readonly canPay: boolean },
): string | null {
  const usable = (model: Model) => {
    const { isDown, needsWallet } = summaryOf(model)
    return !isDown && (wanted.canPay || !needsWallet)
  }
  const order = ranked(models, 'best', wanted.pins)
  const last = order.find(({ id }) => id === wanted.last)
  if (last !== undefined && usable(last)) return last.id
  return (order.find(usable) ?? order[0])?.id ?? null
}

/** What an answer of so many tokens costs at what a provider asks, as a decimal number; undefined where that is not known. */
export function costOf(
  model: Model | undefined,
  provider: string | undefined,
  usage: { readonly prompt: number; readonly completion: number },
): { readonly cost: string; readonly currency: string } | undefined {
  const offers = model?.offers ?? []
  const offer =
    offers.find(each => each.provider === provider) ??
    offers.filter(({ state }) => state !== 'down').toSorted((one, other) => sum(one) - sum(other))[0]
  if (offer === undefined || offer.currency === null || !isPaid(offer)) return undefined
  const cost = (usage.prompt * Number(offer.priceIn ?? 0) + usage.completion * Number(offer.priceOut ?? 0)) / 1e6
  return { cost: decimal(cost), currency: offer.currency }
}

const costDigits = 12

/** Never with an exponent, and without zeros that say nothing. */
function decimal(value: number): string {
  return value.toFixed(costDigits).replace(/\.?0+$/, '')
}
