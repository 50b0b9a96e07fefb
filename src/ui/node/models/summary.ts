import type { ModelOffer, OfferedModel } from '../../client/api.ts'
import { number } from '../../parts/format.ts'

/** What a model is like, by the best that is offered of it now. */
export interface ModelSummary {
  readonly model: OfferedModel
  readonly up: number
  readonly cheapest: ModelOffer | undefined
  readonly firstMs: number | null
  readonly firstP95Ms: number | null
  readonly speed: number | null
  readonly uptime: number | null
  readonly privacies: readonly ModelOffer['privacy'][]
}

export function summaryOf(model: OfferedModel): ModelSummary {
  const isUp = ({ state }: ModelOffer) => state !== 'down'
  const offers = model.offers.some(isUp) ? model.offers.filter(isUp) : model.offers
  const quickest = offers
    .filter(({ ttftP50Ms }) => ttftP50Ms !== null)
    .toSorted((a, b) => a.ttftP50Ms! - b.ttftP50Ms!)[0]
  const speeds = offers.flatMap(({ tokensPerSecond }) => tokensPerSecond ?? [])
  const uptimes = offers.flatMap(({ uptime }) => uptime ?? [])
  return {
    model,
    up: model.offers.filter(({ state }) => state === 'up').length,
    cheapest: (offers.some(isPriced) ? offers.filter(isPriced) : offers).toSorted((a, b) => costOf(a) - costOf(b))[0],
    firstMs: quickest?.ttftP50Ms ?? null,
    firstP95Ms: quickest?.ttftP95Ms ?? null,
    speed: speeds.length === 0 ? null : Math.max(...speeds),
    uptime: uptimes.length === 0 ? null : Math.max(...uptimes),
    privacies: [...new Set(model.offers.map(({ privacy }) => privacy))],
  }
}

/** Models of this machine cost nothing; of others that is not known where no price is written down. */
export function isPriced({ kind, priceIn, priceOut }: ModelOffer): boolean {
  return kind === 'local' || priceIn !== null || priceOut !== null
}

export function costOf({ priceIn, priceOut }: ModelOffer): number {
  return Number(priceIn ?? 0) + Number(priceOut ?? 0)
}

const priceDigits = 6

/** `$0.25`, `0.25 USDC`; undefined for what costs nothing as far as it is known. */
export function priceText(price: string | null, currency: string | null): string | undefined {
  if (price === null || Number(price) === 0) return undefined
  const text = number(Number(price), priceDigits)
  return currency === 'USD' || currency === null ? `$${text}` : `${text} ${currency}`
}

/** In and out as one text; undefined when it is free. */
export function offerPrice(offer: Pick<ModelOffer, 'priceIn' | 'priceOut' | 'currency'>): string | undefined {
  const [input, output] = [priceText(offer.priceIn, offer.currency), priceText(offer.priceOut, offer.currency)]
  if (input === undefined && output === undefined) return undefined
  const isDollar = offer.currency === 'USD' || offer.currency === null
  // A symbol behind both would be there twice.
  const first = isDollar ? (input ?? '$0') : number(Number(offer.priceIn ?? 0), priceDigits)
  return `${first} / ${output ?? '0'}`
}
