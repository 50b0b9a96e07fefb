import type { Address, Clock, Hex, Notary, Quote, QuotedModel, Random, SignedQuote, Signer } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Model } from '../openai/index.ts'

/** A model for sale and its price; what a quote says, before it is signed. */
export interface OfferedModel
  extends Pick<
    Quote,
    | 'modelId'
    | 'unit'
    | 'priceIn'
    | 'priceCachedIn'
    | 'priceOut'
    | 'minimumCharge'
    | 'windowTokens'
    | 'contextTokens'
    | 'concurrency'
  > {
  readonly model: Model
}

export interface QuoteBookOptions {
  readonly provider: Address
  readonly notary: Notary
  readonly signer: Signer
  readonly clock: Clock
  readonly random: Random
  /** What is for sale right now. Asked often: answer from memory. */
  readonly offers: () => readonly OfferedModel[]
  /** Milliseconds a quote is valid; ten minutes at most. */
  readonly quoteLifeMs: number
}

/** A quote this provider signed and still honours. */
export interface HonouredQuote {
  readonly hash: Hex
  readonly signed: SignedQuote
  readonly offer: OfferedModel
}

const quotesMax = 20_000

/** Signs prices and remembers what it signed. A price stands until its quote expires, also when the list has changed. */
export class QuoteBook {
  readonly #options: QuoteBookOptions
  readonly #current = new Map<string, HonouredQuote>()
  readonly #byHash = new Map<Hex, HonouredQuote>()

  constructor(options: QuoteBookOptions) {
    this.#options = options
  }

  sheet(): QuotedModel[] {
    return this.#options.offers().map(offer => ({ model: offer.model, quote: this.#quoteFor(offer).signed }))
  }

  /** The quote a call names, or the current one. Throws `quote_expired` and `model_not_found`. */
  find(model: string, hash: string | undefined): HonouredQuote {
    if (hash === undefined) return this.#quoteFor(this.#offerOf(model))
    const found = this.#byHash.get(hash as Hex)
    if (found === undefined || this.#isExpired(found) || found.offer.model.id !== model) {
      throw new ParleyError('quote_expired', `the quote for ${model} is not valid any more; fetch the sheet again`)
    }
    return found
  }

  #offerOf(model: string): OfferedModel {
    const offer = this.#options.offers().find(offered => offered.model.id === model)
    if (offer === undefined) throw new ParleyError('model_not_found', `this provider does not sell ${model}`)
    return offer
  }

  #quoteFor(offer: OfferedModel): HonouredQuote {
    const known = this.#current.get(offer.model.id)
    if (known !== undefined && !this.#isHalfSpent(known) && isSameOffer(known.offer, offer)) return { ...known, offer }
    const quote = this.#sign(offer)
    this.#current.set(offer.model.id, quote)
    this.#remember(quote)
    return quote
  }

  #sign(offer: OfferedModel): HonouredQuote {
    const { provider, notary, signer, clock, random, quoteLifeMs } = this.#options
    const { model: _, ...terms } = offer
    const message: Quote = {
      ...terms,
      provider,
      nonce: BigInt(`0x${Buffer.from(random.bytes(16)).toString('hex')}`),
      expiresAt: BigInt(Math.floor((clock.now() + quoteLifeMs) / 1_000)),
    }
    const hash = notary.hashQuote(message)
    return { hash, offer, signed: { message, signature: signer.sign(hash) } }
  }

  #remember(quote: HonouredQuote): void {
    for (const [hash, old] of this.#byHash) {
      if (this.#byHash.size < quotesMax && !this.#isExpired(old)) break
      this.#byHash.delete(hash)
    }
    this.#byHash.set(quote.hash, quote)
  }

  #isExpired({ signed }: HonouredQuote): boolean {
    return this.#options.clock.now() >= Number(signed.message.expiresAt) * 1_000
  }

  #isHalfSpent({ signed }: HonouredQuote): boolean {
    const left = Number(signed.message.expiresAt) * 1_000 - this.#options.clock.now()
    return left < this.#options.quoteLifeMs / 2
  }
}

const terms = [
  'modelId',
  'unit',
  'priceIn',
  'priceCachedIn',
  'priceOut',
  'minimumCharge',
  'windowTokens',
  'contextTokens',
  'concurrency',
] as const

function isSameOffer(a: OfferedModel, b: OfferedModel): boolean {
  return terms.every(term => a[term] === b[term])
}
