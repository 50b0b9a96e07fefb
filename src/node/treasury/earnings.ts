import {
  type Address,
  type EarningsRow,
  type EarningsWish,
  type Offer,
  ParleyError,
  type PayerRow,
  type SellingOffer,
  type SellingView,
} from '../../core/index.ts'
import type { SoldModel } from '../network-status.ts'
import { channelsOf, newestOf } from './book.ts'
import { listedOffer } from './listed-offers.ts'
import type { TreasuryOptions } from './vault.ts'

const payersMax = 1_000
const spansMs = { hour: 3_600_000, day: 86_400_000 } as const
const spansMax = 1_000

/** What is for sale beside what the registry says of it, and what the registry alone still says. */
export function offersOf(
  sold: readonly SoldModel[],
  entry: { readonly offers: readonly Offer[] } | undefined,
): SellingOffer[] {
  const listed = new Map(entry?.offers.map(offer => [offer.modelId.toLowerCase(), offer]))
  const rows = sold.map((model): SellingOffer => {
    const { modelId, priceIn, priceOut, contextTokens } = listedOffer(model)
    const found = listed.get(modelId.toLowerCase())
    listed.delete(modelId.toLowerCase())
    const isListed = found?.priceIn === priceIn && found.priceOut === priceOut && found.contextTokens === contextTokens
    const own = { modelId, model: model.model, unit: model.unit, priceIn, priceOut, contextTokens }
    return { ...own, registry: found === undefined ? null : priceOf(found), isListed }
  })
  const others = [...listed.values()].map((offer): SellingOffer => {
    const price = priceOf(offer)
    return { modelId: offer.modelId, model: null, unit: 'tokens', ...price, registry: price, isListed: false }
  })
  return [...rows, ...others]
}

function priceOf({ priceIn, priceOut, contextTokens }: Offer) {
  return { priceIn, priceOut, contextTokens }
}

/** Who paid, those who owe most first. Vouchers of a former epoch are worth nothing: only the newest of a payer is owed. */
export function payersOf({ network, ledger }: TreasuryOptions, account: Address | undefined): PayerRow[] {
  const { access } = network.parts()
  if (access === undefined || account === undefined) return []
  const channels = newestOf(channelsOf(ledger, { ...access.notary.domain, side: 'provider', account }))
  return channels
    .map(({ key, authorized, charged, claimed }) => {
      const owed = authorized > claimed ? authorized - claimed : 0n
      return { payer: key.payer, epoch: key.epoch, authorized, charged, claimed, owed }
    })
    .sort((a, b) => (a.owed < b.owed ? 1 : a.owed > b.owed ? -1 : 0))
    .slice(0, payersMax)
}

export function totalsOf({ network, ledger }: TreasuryOptions, payers: readonly PayerRow[]): SellingView['totals'] {
  const { access } = network.parts()
  const sum = (of: (row: PayerRow) => bigint) => payers.reduce((total, row) => total + of(row), 0n)
  const earned = access === undefined ? [] : ledger.earnedByPayer({ ...access.notary.domain, ...always })
  return {
    earned: earned.reduce((total, { amount }) => total + amount, 0n),
    claimed: sum(({ claimed }) => claimed),
    owed: sum(({ owed }) => owed),
  }
}

const always = { side: 'provider', from: 0, to: Number.MAX_SAFE_INTEGER } as const

export function earningsOf(
  { network, ledger }: TreasuryOptions,
  { groupBy, from, to }: EarningsWish,
): readonly EarningsRow[] {
  const { access } = network.parts()
  if (to <= from) throw new ParleyError('invalid_request', 'to is not after from; send a later one', { param: 'to' })
  const spanMs = groupBy === 'payer' ? undefined : spansMs[groupBy]
  if (spanMs !== undefined && (to - from) / spanMs > spansMax) {
    const message = `the range has more than ${spansMax} times ${groupBy}; send a shorter one`
    throw new ParleyError('invalid_request', message, { param: 'from' })
  }
  if (access === undefined) return []
  const question = { ...access.notary.domain, side: 'provider', from, to } as const
  if (spanMs === undefined) {
    return ledger
      .earnedByPayer(question)
      .map(({ payer, amount, calls }) => ({ start: null, payer, earned: amount, calls }))
  }
  return ledger
    .earnedByTime(question, spanMs)
    .map(({ start, amount, calls }) => ({ start, payer: null, earned: amount, calls }))
}
