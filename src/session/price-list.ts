import type { Address, CashDesk, Clock, Hex, Notary, Quote, QuotedModel, QuoteSheet } from '../core/index.ts'
import { abortable, ParleyError } from '../core/index.ts'
import { isSameAddress } from './amounts.ts'

/** A provider as the registry names it, and the way to its cash desk. */
export interface PaidPeer {
  readonly provider: Address
  /** Signs this provider's quotes and receipts. */
  readonly signer: Address
  readonly desk: CashDesk
}

/** A quote whose signature was checked. */
export interface TrustedQuote {
  readonly hash: Hex
  readonly terms: Quote
}

export interface PriceListOptions {
  readonly notary: Notary
  readonly clock: Clock
  readonly peer: () => PaidPeer
  readonly timeoutMs: number
}

const spareMs = 5_000
const quoteLifeMaxMs = 11 * 60_000

/** One provider's quote sheet, fetched again before it expires; a quote is checked when it is first used. */
export class PriceList {
  readonly #options: PriceListOptions
  #sheet: QuoteSheet | undefined
  #refreshAt = 0
  #fetching: Promise<QuoteSheet> | undefined
  #trusted = new Map<string, TrustedQuote>()

  constructor(options: PriceListOptions) {
    this.#options = options
  }

  /** From memory while it is good; a sheet past half its life is replaced in the background. */
  async sheet(signal: AbortSignal): Promise<QuoteSheet> {
    if (this.#sheet === undefined) return await abortable(this.#fetch(), signal)
    if (this.#options.clock.now() > this.#refreshAt) this.#fetch().catch(keepOld)
    return this.#sheet
  }

  async quoteFor(model: string, signal: AbortSignal): Promise<TrustedQuote> {
    const known = this.#find(await this.sheet(signal), model)
    const found = known ?? this.#find(await abortable(this.#fetch(), signal), model)
    if (found === undefined) throw new ParleyError('model_not_found', `this provider does not sell ${model}`)
    return this.#trust(model, found)
  }

  forget(): void {
    this.#sheet = undefined
  }

  #find(sheet: QuoteSheet, model: string): QuotedModel | undefined {
    const now = this.#options.clock.now()
    return sheet.models.find(
      ({ model: { id }, quote }) => id === model && Number(quote.message.expiresAt) * 1_000 > now + spareMs,
    )
  }

  #fetch(): Promise<QuoteSheet> {
    this.#fetching ??= this.#read().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #read(): Promise<QuoteSheet> {
    const { peer, notary, clock, timeoutMs } = this.#options
    const { desk, provider } = peer()
    const sheet = await desk.quotes(AbortSignal.timeout(timeoutMs))
    const { domain } = sheet
    if (domain.chainId !== notary.domain.chainId || !isSameAddress(domain.escrow, notary.domain.escrow)) {
      throw new ParleyError(
        'payment_invalid',
        `the provider is paid on chain ${domain.chainId} through ${domain.escrow}`,
      )
    }
    if (!isSameAddress(sheet.provider, provider)) {
      throw new ParleyError('payment_invalid', `the sheet is of ${sheet.provider}, the registry says ${provider}`)
    }
    const now = clock.now()
    const ends = sheet.models.map(({ quote }) => Number(quote.message.expiresAt) * 1_000)
    this.#refreshAt = now + Math.max(1_000, (Math.min(now + 60_000, ...ends) - now) / 2)
    this.#sheet = sheet
    this.#trusted = new Map()
    return sheet
  }

  #trust(model: string, { quote }: QuotedModel): TrustedQuote {
    const known = this.#trusted.get(model)
    if (known !== undefined) return known
    const { notary, clock, peer } = this.#options
    const { provider, signer } = peer()
    const { message: terms, signature } = quote
    const hash = notary.hashQuote(terms)
    if (!isSameAddress(terms.provider, provider) || !isSameAddress(notary.recover(hash, signature), signer)) {
      throw new ParleyError('payment_invalid', `the quote for ${model} is not signed by the provider's signer`)
    }
    if (Number(terms.expiresAt) * 1_000 > clock.now() + quoteLifeMaxMs) {
      throw new ParleyError('payment_invalid', `the quote for ${model} is valid for longer than ten minutes`)
    }
    const trusted = { hash, terms }
    this.#trusted.set(model, trusted)
    return trusted
  }
}

/** The old sheet stands until its quotes expire; then fetching is awaited, and its error seen. */
function keepOld(): void {}
