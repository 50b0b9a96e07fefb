import type { Call, Hex, ParleyError, Principal, Quote, SignedReceipt } from '../core/index.ts'
import { chargeFor, isTokenCall } from '../core/index.ts'
import { type Chunk, type Usage, usageOf } from '../openai/index.ts'
import { higher, outputPrice } from './amounts.ts'
import { atMost } from './charge-limit.ts'
import { commitToPrompt } from './commitments.ts'
import { textBytes } from './measure.ts'
import { type CallMeasure, type ChunkCount, countOf, measureCall } from './measure-media.ts'
import type { TrustedQuote } from './price-list.ts'
import type { Hold } from './spending-caps.ts'

export interface PaidCallOptions {
  /** Names it between the two nodes: drawn for this one call, as receipts are looked up by it whatever their session. */
  readonly id: string
  /** Names it on this node: in its events and to its app, which may use one name twice. */
  readonly localId: string
  readonly call: Call
  readonly principal: Principal
  readonly quote: TrustedQuote
  readonly seed: bigint
  readonly hold: Hold
  /** The most its caller pays for it. The provider is told. */
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
  readonly measure: CallMeasure
  /** Nothing of it is owed beyond what was authorised before it was delivered. */
  readonly isPrepaid: boolean
  readonly promptCommit: Hex
  /** The price of what goes in, and of the pictures asked for, by the rule both sides share. */
  readonly prepaid: bigint
  /** The same with the least that comes out. */
  readonly least: bigint
  /** No receipt beyond it is believed: what its caller allows, or less where the provider has agreed to less. */
  limit: bigint | undefined
  /** What its newest receipt says. */
  charge = 0n
  tokensOut = 0n
  tokensIn = 0n
  seq = 0n
  /** The final receipt. */
  receipt: SignedReceipt | undefined
  /** What the answer reported, in the unit it is paid by. */
  usage: Usage | undefined
  chunks = 0
  /** It ended without a final receipt: what was under way then may be charged too. */
  isCut = false
  /** How often the provider was asked for its last receipt. */
  asked = 0
  readonly #controller = new AbortController()
  #bytesOut = 0
  #imagesOut = 0

  constructor(options: PaidCallOptions) {
    this.options = options
    this.limit = options.maxPrice
    this.measure = measureCall(options.call)
    this.isPrepaid = !isTokenCall(options.call)
    this.promptCommit = commitToPrompt(options.commitmentKey, options.call)
    const { in: tokensIn, out } = this.measure
    this.prepaid = chargeFor(options.quote.terms, { in: tokensIn, cached: 0, out })
    this.least = chargeFor(options.quote.terms, { in: tokensIn, cached: 0, out: out + leastOutput(options.call) })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(cause: ParleyError): void {
    this.#controller.abort(cause)
  }

  /** Counts a chunk that arrived. */
  add(chunk: Chunk): void {
    const { call } = this.options
    this.chunks++
    if (isTokenCall(call)) {
      if (call.task !== 'embedding') this.#bytesOut += textBytes(chunk)
      this.usage = chunk.usage() ?? this.usage
    } else this.#count(countOf(call, chunk))
  }

  #count({ in: heard, out }: ChunkCount): void {
    this.#imagesOut = Math.min(this.#imagesOut + out, this.measure.out)
    this.usage = usageOf(heard ?? this.usage?.prompt_tokens ?? 0, this.#imagesOut)
  }

  /** No tokenizer makes more tokens of what arrived than it has bytes. Pictures are counted; of a cut call all may be gone. */
  get #arrivedMax(): number {
    const { call } = this.options
    if (!isTokenCall(call)) return this.isCut ? this.measure.out : this.#imagesOut
    return call.task === 'embedding' ? 0 : this.#bytesOut + unseenTokens * (call.body.n ?? 1)
  }

  /** The most output a receipt may count. Of a call that was cut, one window may have left the provider and not arrived. */
  get tokensOutMax(): number {
    const isWindowOpen = this.isCut && !this.isPrepaid
    return isWindowOpen ? this.#arrivedMax + windowTokens(this.options.quote.terms) : this.#arrivedMax
  }

  /** The most this call can honestly cost, by what arrived. */
  get most(): bigint {
    const { terms } = this.options.quote
    const most = chargeFor(terms, { in: this.measure.inMax, cached: 0, out: this.#arrivedMax })
    return atMost(higher(this.charge, this.isCut ? most + windowPrice(terms) : most), this.limit)
  }

  /** What is left of its limit beyond that and what is prepaid; undefined without a limit. */
  get left(): bigint | undefined {
    return this.limit === undefined ? undefined : this.limit - higher(this.most, this.prepaid)
  }
}

/** Tokens without which an answer is none. */
function leastOutput(call: Call): number {
  if (!isTokenCall(call) || call.task === 'embedding' || call.body.max_tokens === 0) return 0
  return call.body.n ?? 1
}

const windowTokensMax = 1_024

/**
 * What may be paid ahead of delivery under a quote: one window, and no more than 1,024 tokens whatever it says. What is
 * paid by another unit is prepaid, and nothing of the next call with it.
 */
export function windowPrice(terms: Quote): bigint {
  if (terms.unit !== 'tokens') return 0n
  return outputPrice(terms, windowTokens(terms))
}

/** A quote may name any window; no more than this is believed to be on its way. */
function windowTokens({ windowTokens: quoted }: Quote): number {
  return Math.min(quoted, windowTokensMax)
}
