import type { Call, Clock, Hex, Notary, Outcome, Receipt, SignedReceipt, Signer } from '../core/index.ts'
import { chargeFor, isTokenCall, ParleyError } from '../core/index.ts'
import type { Chunk, ChunkMeta, Usage } from '../openai/index.ts'
import { higher, outputPrice } from './amounts.ts'
import { atMost, tooDear } from './charge-limit.ts'
import { commitToPrompt, commitToResponse, type ResponseCommitment } from './commitments.ts'
import { textBytes } from './measure.ts'
import { type CallMeasure, type ChunkCount, countOf, measureCall, withImages } from './measure-media.ts'
import type { HonouredQuote } from './quote-book.ts'
import type { Tab, TabEntry } from './tab.ts'

/** The session a call runs in, as far as its receipts need it. */
export interface ReceiptBook {
  readonly name: Hex
  readonly commitmentKey: Uint8Array
  readonly tab: Tab
  readonly principal: string
  readonly nextSeq: () => bigint
}

export interface RunningCallOptions {
  readonly notary: Notary
  readonly signer: Signer
  readonly clock: Clock
  readonly book: ReceiptBook
  readonly quote: HonouredQuote
  readonly call: Call
  readonly requestId: string
  readonly seed: bigint
  /** What its user pays at the most. */
  readonly maxCharge: bigint | undefined
  readonly voucherTimeoutMs: number
  readonly onReceipt: (receipt: Receipt) => void
  readonly onEnd: () => void
}

/** One call on a provider's tab: counts what is delivered, says when money is due, and writes its receipts. */
export class RunningCall implements TabEntry {
  readonly requestId: string
  prepaid: bigint
  held: bigint
  receipted = 0n
  readonly #options: RunningCallOptions
  readonly #tab: Tab
  readonly #controller = new AbortController()
  readonly #promptCommit: Hex
  readonly #response: ResponseCommitment
  readonly #startedAt: bigint
  readonly #measure: CallMeasure
  /** Paid in full before it is delivered, as whatever is not written word by word. */
  readonly #isPrepaid: boolean
  #tokensIn: number
  #tokensCached = 0
  #tokensOut = 0
  #receiptedOut = 0
  /** The chunk that was counted and not yet released. */
  #waiting: { chunk: Chunk; tokens: number } | undefined
  #heldAtRelease: bigint
  /** What the answer reported of itself so far: no last receipt may count more. */
  #reported: Usage | undefined
  #isPromptDearer = false
  #isTooDear = false
  #isWorking = false
  #isDelivered = false
  #isOver = false

  constructor(options: RunningCallOptions) {
    this.#options = options
    this.#tab = options.book.tab
    this.requestId = options.requestId
    this.#measure = measureCall(options.call)
    this.#isPrepaid = !isTokenCall(options.call)
    this.#tokensIn = this.#measure.in
    this.prepaid = this.#price(this.#measure.out)
    this.#allow(this.prepaid)
    this.held = this.prepaid
    this.#heldAtRelease = this.held
    this.#promptCommit = commitToPrompt(options.book.commitmentKey, options.call)
    this.#response = commitToResponse(options.book.commitmentKey)
    this.#startedAt = BigInt(options.clock.now())
  }

  /** Aborted when the call may not go on: its session was replaced, or its voucher turned out bad. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get servedQuote(): HonouredQuote {
    return this.#options.quote
  }

  get seed(): bigint {
    return this.#options.seed
  }

  /** From here on the backend is at work, and a user that leaves pays for the prompt. */
  begin(): void {
    this.#isWorking = true
  }

  /** What may be delivered of a chunk: pictures beyond those that were set aside may not. */
  fitting(chunk: Chunk): Chunk | undefined {
    const { call } = this.#options
    return isTokenCall(call) ? chunk : withImages(call, chunk, this.#measure.out - this.#tokensOut)
  }

  /** Counts a chunk that is about to be delivered. Throws `price_too_high` where its user does not pay for it. */
  count(chunk: Chunk): void {
    if (this.#isOver) throw ParleyError.from(this.signal.reason, this.signal)
    const { in: promptTokens, out: tokens } = this.#counted(chunk)
    this.#waiting = { chunk, tokens }
    if (promptTokens !== undefined) this.#learnPrompt({ promptTokens })
    else if (isNews(chunk.meta)) this.#learnPrompt(chunk.meta)
    else if (tokens === 0) return
    const held = higher(this.prepaid, this.#price(this.#tokensOut + tokens))
    this.#allow(held)
    this.#tab.hold(this, held)
  }

  /** Work beyond what its user pays for is not begun, and not delivered. */
  #allow(price: bigint): void {
    const { maxCharge } = this.#options
    if (maxCharge === undefined || price <= maxCharge) return
    this.#isTooDear = true
    throw tooDear(price, maxCharge)
  }

  /**
   * The total that must be accepted before the counted chunk may go; undefined when it may. Neither the chunk itself is asked
   * for, nor what other calls delivered since their receipts, unless it has to be: the user cannot have counted it yet.
   */
  due(): bigint | undefined {
    if (this.#isCovered()) return undefined
    if (this.#isPrepaid) return this.#tab.committed
    const delivered = this.#tab.committed + this.#heldAtRelease - higher(this.prepaid, this.receipted)
    const total = higher(delivered, this.#tab.owed - this.#windowPrice())
    return this.#isPromptDearer ? higher(total, this.#tab.committed) : total
  }

  /** Waits until the counted chunk may go, or more is due. Throws `need_voucher` when the user does not pay. */
  untilPaid(total: bigint, signal: AbortSignal): Promise<void> {
    return this.#tab.untilPaid(() => this.#isCovered(), total, this.#options.voucherTimeoutMs, signal)
  }

  /** The counted chunk goes out now: from here on it is owed. */
  release(): void {
    if (this.#waiting === undefined) return
    this.#tokensOut += this.#waiting.tokens
    this.#response.add(this.#waiting.chunk)
    this.#reported = this.#waiting.chunk.usage() ?? this.#reported
    this.#waiting = undefined
    this.#heldAtRelease = this.held
    this.#isPromptDearer = false
    this.#isDelivered = true
  }

  /** Half a window was delivered since the last receipt: with one now, the next voucher is here before the window ends. */
  get isReceiptDue(): boolean {
    if (this.#isPrepaid) return false
    return this.#tokensOut - this.#receiptedOut >= Math.max(1, Math.floor(this.#windowTokens() / 2))
  }

  /** A receipt over everything so far, on disk before it is returned. What was learned too late to stop is not charged. */
  receipt(finishReason = '', price = higher(this.#price(this.#tokensOut), this.receipted)): SignedReceipt {
    const { notary, signer, book, quote, seed, clock, maxCharge } = this.#options
    const charge = atMost(price, maxCharge)
    const message: Receipt = {
      session: book.name,
      seq: book.nextSeq(),
      requestId: this.requestId,
      modelId: quote.signed.message.modelId,
      promptCommit: this.#promptCommit,
      responseCommit: this.#response.value(),
      tokensIn: BigInt(this.#tokensIn),
      tokensCached: BigInt(this.#tokensCached),
      tokensOut: BigInt(this.#tokensOut),
      charge,
      cumulative: this.#tab.charged + charge - this.receipted,
      quoteHash: quote.hash,
      seed,
      finishReason,
      startedAt: this.#startedAt,
      endedAt: BigInt(clock.now()),
    }
    const signed = { message, signature: signer.sign(notary.hashReceipt(message)) }
    this.#tab.issue(this, signed, book.principal)
    this.#receiptedOut = this.#tokensOut
    this.#options.onReceipt(message)
    return signed
  }

  /** The final receipt of a call that ended well. */
  finish({ usage, finishReason }: Outcome): SignedReceipt {
    if (!this.#isPrepaid) this.#takeUsage(usage)
    const reason = finishReason?.slice(0, 64) || 'stop'
    const receipt = this.#isForNothing ? this.receipt(reason, 0n) : this.receipt(reason)
    this.#leave()
    return receipt
  }

  /**
   * The end of a call that did not end well: what was delivered is charged, and the prompt when it was the user who left
   * or allows no more.
   * The receipt waits in the ledger for the user's next hello.
   */
  stop(reason: 'cancelled' | 'failed', cause?: ParleyError): void {
    if (this.#isOver) return
    try {
      // What was learned of the prompt and not paid went nowhere.
      if (this.#isPromptDearer) this.#forgetPrompt()
      if (!this.#isPrepaid && this.#reported !== undefined) this.#takeUsage(this.#reported)
      const ending = this.#isTooDear ? 'cancelled' : reason
      if (this.#isOwed(ending)) this.receipt(ending)
      if (this.#tab.owed > this.#tab.accepted) this.#tab.distrust()
    } finally {
      this.#leave()
      this.#controller.abort(cause ?? new ParleyError('cancelled', 'the call is over'))
    }
  }

  /** Half a speech is none, and neither is half a transcript: what is not delivered in parts is owed whole, or not at all. */
  #isOwed(reason: 'cancelled' | 'failed'): boolean {
    if (reason === 'cancelled' && this.#isWorking) return true
    return this.#isPrepaid ? this.#tokensOut > 0 : this.#isDelivered
  }

  #leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#tab.close(this)
    this.#options.onEnd()
  }

  /** Pictures were asked for and none was delivered. */
  get #isForNothing(): boolean {
    return this.#measure.out > 0 && this.#tokensOut === 0
  }

  /** What a chunk adds, and what it says went in: no more than can be, as the user believes no more. */
  #counted(chunk: Chunk): ChunkCount {
    const { call } = this.#options
    if (!isTokenCall(call)) {
      const { in: heard, out } = countOf(call, chunk)
      return { in: heard && Math.min(heard, this.#measure.inMax), out }
    }
    if (call.task === 'embedding') return { in: undefined, out: 0 }
    return { in: undefined, out: chunk.meta.outputTokens ?? (textBytes(chunk) > 0 ? 1 : 0) }
  }

  #learnPrompt({ promptTokens, cachedTokens }: ChunkMeta): void {
    this.#tokensIn = promptTokens ?? this.#tokensIn
    this.#tokensCached = Math.min(cachedTokens ?? this.#tokensCached, this.#tokensIn)
    const prompt = this.#price(0)
    if ((this.#isDelivered && !this.#isPrepaid) || prompt <= this.prepaid) return
    this.prepaid = prompt
    this.#isPromptDearer = true
  }

  #forgetPrompt(): void {
    this.#tokensIn = this.#measure.in
    this.#tokensCached = Math.min(this.#tokensCached, this.#tokensIn)
  }

  #takeUsage(usage: Usage): void {
    const { estimated, prompt_tokens_details: details } = usage as Usage & {
      estimated?: boolean
      prompt_tokens_details?: { cached_tokens?: number }
    }
    if (usage.prompt_tokens > 0) this.#tokensIn = usage.prompt_tokens
    this.#tokensCached = Math.min(details?.cached_tokens ?? this.#tokensCached, this.#tokensIn)
    if (estimated === true || this.#options.call.task === 'embedding') return
    this.#tokensOut = Math.max(this.#receiptedOut, usage.completion_tokens)
  }

  #isCovered(): boolean {
    if (this.#isPromptDearer && this.#tab.committed > this.#tab.accepted) return false
    if (this.#isPrepaid) return true
    return this.#tab.owed - this.#tab.accepted <= this.#windowPrice()
  }

  #windowTokens(): number {
    return this.#tab.windowTokens(this.#options.quote.signed.message.windowTokens)
  }

  #windowPrice(): bigint {
    return outputPrice(this.#options.quote.signed.message, this.#windowTokens())
  }

  #price(tokensOut: number): bigint {
    const tokens = { in: this.#tokensIn, cached: this.#tokensCached, out: tokensOut }
    return chargeFor(this.#options.quote.signed.message, tokens)
  }
}

function isNews(meta: ChunkMeta): boolean {
  return meta.promptTokens !== undefined || meta.cachedTokens !== undefined
}
