import type { Hex, Principal, Quote, SignedReceipt, TokenCall } from '../core/index.ts'
import { chargeFor, ParleyError } from '../core/index.ts'
import type { Chunk, Usage } from '../openai/index.ts'
import { higher, outputPrice } from './amounts.ts'
import { commitToPrompt } from './commitments.ts'
import { measurePrompt, type PromptMeasure, textBytes } from './measure.ts'
import type { TrustedQuote } from './price-list.ts'
import type { Hold } from './spending-caps.ts'

export interface PaidCallOptions {
  /** Names it between the two nodes: drawn for this one call, as receipts are looked up by it whatever their session. */
  readonly id: string
  /** Names it on this node: in its events and to its app, which may use one name twice. */
  readonly localId: string
  readonly call: TokenCall
  readonly principal: Principal
  readonly quote: TrustedQuote
  readonly seed: bigint
  readonly hold: Hold
  readonly maxPrice: bigint | undefined
  /** Name and commitment key of the session it runs in. */
  readonly sessionName: Hex
  readonly commitmentKey: Uint8Array
}

/** Tokens a model may spend without showing them: end marks, stop sequences it was stopped by. */
const unseenTokens = 32

/** One call on the user's side: counts what arrives, so that no receipt has to be believed. */
export class PaidCall {
  readonly options: PaidCallOptions
  readonly prompt: PromptMeasure
  readonly promptCommit: Hex
  /** The price of the prompt by the rule both sides share. */
  readonly prepaid: bigint
  /** What its newest receipt says. */
  charge = 0n
  tokensOut = 0n
  tokensIn = 0n
  seq = 0n
  /** The final receipt. */
  receipt: SignedReceipt | undefined
  usage: Usage | undefined
  chunks = 0
  /** It ended without a final receipt: what was under way then may be charged too. */
  isCut = false
  /** How often the provider was asked for its last receipt. */
  asked = 0
  readonly #controller = new AbortController()
  #bytesOut = 0

  constructor(options: PaidCallOptions) {
    this.options = options
    this.prompt = measurePrompt(options.call)
    this.promptCommit = commitToPrompt(options.commitmentKey, options.call)
    this.prepaid = chargeFor(options.quote.terms, { in: this.prompt.tokens, cached: 0, out: 0 })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(cause: ParleyError): void {
    this.#controller.abort(cause)
  }

  /** Counts a chunk that arrived. */
  add(chunk: Chunk): void {
    this.chunks++
    if (this.options.call.task !== 'embedding') this.#bytesOut += textBytes(chunk)
    this.usage = chunk.usage() ?? this.usage
  }

  /** No tokenizer makes more tokens of what arrived than it has bytes. */
  get tokensOutMax(): number {
    const { task, body } = this.options.call
    if (task === 'embedding') return 0
    return this.#bytesOut + unseenTokens * (body.n ?? 1)
  }

  /** The most this call can honestly cost, by what arrived. */
  get most(): bigint {
    const { terms } = this.options.quote
    const most = chargeFor(terms, { in: this.prompt.tokensMax, cached: 0, out: this.tokensOutMax })
    return higher(this.charge, this.isCut ? most + windowPrice(this.options.quote.terms) : most)
  }
}

const windowTokensMax = 1_024

/** What may be paid ahead of delivery under a quote: one window, and no more than 1,024 tokens whatever it says. */
export function windowPrice(terms: Quote): bigint {
  return outputPrice(terms, Math.min(terms.windowTokens, windowTokensMax))
}

export function tooDear(price: bigint, maxPrice: bigint): ParleyError {
  return new ParleyError('price_too_high', `the call costs ${price} at least, the caller allows ${maxPrice}`, {
    details: { price: String(price), maxPrice: String(maxPrice) },
  })
}
