import type { ModelPrice } from '../config/index.ts'
import type { DollarPrices } from '../core/index.ts'
import { isLike } from '../gateway/index.ts'

const placesAfterPoint = 6

/** '0.15' is 150000: millionths of a dollar. */
function millionths(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(placesAfterPoint, '0'))
}

const read = new WeakMap<ModelPrice, { readonly fits: (model: string) => boolean; readonly dollars: DollarPrices }>()

/** What the first entry that fits a model says. */
export function priceFor(prices: readonly ModelPrice[], model: string): DollarPrices | undefined {
  return prices.map(readPrice).find(({ fits }) => fits(model))?.dollars
}

/** Read once: it is looked up for every call. */
function readPrice(price: ModelPrice) {
  const known = read.get(price)
  if (known !== undefined) return known
  const { model, ...amounts } = price
  const given = Object.entries(amounts).flatMap(([side, text]) =>
    text === undefined ? [] : [[side, millionths(text)]],
  )
  const fresh = { fits: (name: string) => isLike(name, model), dollars: Object.fromEntries(given) as DollarPrices }
  read.set(price, fresh)
  return fresh
}
