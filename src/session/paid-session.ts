import type { Address, Call, Context, QuoteSheet, SignedReceipt } from '../core/index.ts'
import { abortable, ParleyError, sleep } from '../core/index.ts'
import { higher, lower } from './amounts.ts'
import { tooDear } from './charge-limit.ts'
import { requireUnit } from './measure-media.ts'
import type { OpenSession } from './open-session.ts'
import { PaidCall, windowPrice } from './paid-call.ts'
import type { Payer } from './payer.ts'
import { plainError } from './plain-words.ts'
import { type PaidPeer, PriceList, type TrustedQuote } from './price-list.ts'
import { openSession } from './say-hello.ts'
import { drawSeed, ownSeed } from './seed.ts'
import type { SpendingCaps } from './spending-caps.ts'
import { isAbout } from './verify-receipt.ts'
import { amountOf } from './voucher-pen.ts'

export interface PaidSessionOptions extends Payer {
  readonly caps: SpendingCaps
  readonly perCallMax: bigint | undefined
  /** Bound of each exchange with the cash desk. */
  readonly timeoutMs: number
  readonly onMismatch: (provider: Address, error: ParleyError) => void
}

const contradictions = new Set(['ledger_conflict', 'receipt_invalid', 'payment_mismatch'])

/** Everything between this node and one provider that has to do with money. */
export class PaidSession {
  readonly prices: PriceList
  readonly #options: PaidSessionOptions
  #peer: PaidPeer
  #open: OpenSession | undefined
  #opening: Promise<OpenSession> | undefined
  #frozen: ParleyError | undefined
  #isSettling = false
  /** Calls of a session that is over, whose last receipts are still to come. */
  #unsettled: readonly PaidCall[] = []

  constructor(peer: PaidPeer, options: PaidSessionOptions) {
    this.#peer = peer
    this.#options = options
    this.prices = new PriceList({ ...options, peer: () => this.#peer })
  }

  /** The same provider, reached or registered differently from now on. */
  update(peer: PaidPeer): void {
    this.#peer = peer
  }

  async isFree(signal: AbortSignal): Promise<boolean> {
    const sheet: QuoteSheet = await this.prices.sheet(signal)
    return sheet.rail === 'free'
  }

  /** Puts a call on the books and authorises its prompt. Throws before any money moves. */
  async begin(call: Call, context: Context): Promise<PaidCall> {
    const session = await this.#ready(context.signal)
    const quote = await this.prices.quoteFor(call.body.model, context.signal)
    requireUnit(call, quote.terms.unit)
    const paid = this.#createCall(session, quote, call, context)
    session.calls.add(paid)
    try {
      paid.options.hold.set(paid.prepaid)
      this.#cover(session, 0n)
      return paid
    } catch (cause) {
      session.calls.delete(paid)
      paid.options.hold.release()
      throw cause
    }
  }

  /** The newest voucher for a call's header, unless the provider has it. */
  voucherHeader(): string | undefined {
    return this.#open?.pen.header
  }

  token(): string {
    return this.#open?.token ?? ''
  }

  /**
   * The provider asks for a higher total before it begins. It gets what this side's own count allows, and not more than a
   * window beyond it; with headroom, a window more than it asked for.
   */
  raise(call: PaidCall, cumulative: bigint, hasHeadroom = false): void {
    const session = this.#checkDemand(call, cumulative)
    const ahead = lower(cumulative + windowPrice(call.options.quote.terms), session.mostAsked)
    this.#cover(session, hasHeadroom ? ahead : cumulative)
  }

  /** The same in the midst of an answer: paid beside the stream. */
  raiseSoon(call: PaidCall, cumulative: bigint): void {
    this.#checkDemand(call, cumulative).pen.want(cumulative)
    this.sendSoon()
  }

  /** Checks and books a receipt; what it asks for is paid beside the stream. */
  take(call: PaidCall, receipt: SignedReceipt): void {
    const session = this.#sessionOf(call)
    const { notary, log, caps } = this.#options
    const { hold, principal, localId } = call.options
    let more: bigint
    try {
      more = session.take(call, receipt, notary, this.#peer.signer)
    } catch (cause) {
      throw this.#freeze(ParleyError.from(cause))
    }
    const { requestId, charge, cumulative } = receipt.message
    log.emit({ type: 'receipt.taken', provider: session.key.provider, call: localId, requestId, charge, cumulative })
    caps.charged(principal, more)
    if (call.receipt === undefined) hold.set(windowPrice(call.options.quote.terms))
    this.settleSoon(call)
  }

  /** Sends the newest voucher now, beside whatever runs. */
  sendSoon(): void {
    const session = this.#open
    session?.pen
      .sendWhile(() => this.#waits(session))
      .catch(cause => {
        const error = ParleyError.from(cause)
        // What cannot be written down is not paid, now or later.
        this.#failCalls(session, error.code === 'internal' ? this.#freeze(error) : error)
      })
  }

  #waits({ calls, name }: OpenSession): boolean {
    return calls.size > 0 && this.#open?.name === name && this.#frozen === undefined
  }

  end(call: PaidCall, mayBeCharged: boolean): void {
    call.options.hold.release()
    const session = this.#open
    if (session?.calls.has(call) !== true) return
    session.end(call, mayBeCharged)
    this.settleSoon(call)
  }

  /** Outside any call's path: pays what is due, and a prompt ahead, so that a next call of this size finds credit. */
  settleSoon(call: PaidCall): void {
    if (this.#isSettling) return
    this.#isSettling = true
    setImmediate(() => {
      this.#isSettling = false
      const session = this.#open
      if (session === undefined || this.#frozen !== undefined) return
      this.#topUp(session, call)
      this.sendSoon()
      if (session.ended.size > 0) this.#fetchEnded(session, 250).catch(triedLater)
    })
  }

  /** Signs no more than what is due, and waits until the provider has it. */
  async flush(): Promise<void> {
    const session = this.#open
    if (session === undefined || this.#frozen !== undefined) return
    await this.#fetchEnded(session, 0).catch(triedLater)
    if (session.pen.authorized < session.committed) session.pen.sign(session.committed)
    await session.pen.send()
  }

  /** The provider forgot the session, or the quote: the next call fetches anew. One that restarted forgot both. */
  renew(call: PaidCall, code: ParleyError['code']): void {
    this.prices.forget()
    if (code === 'session_unknown' && this.#open?.name === call.options.sessionName) this.#leave(this.#open)
  }

  async #ready(signal: AbortSignal): Promise<OpenSession> {
    if (this.#frozen !== undefined) throw this.#frozen
    if (this.#open !== undefined) return this.#open
    this.#opening ??= this.#hello().finally(() => {
      this.#opening = undefined
    })
    return await abortable(this.#opening, signal)
  }

  async #hello(): Promise<OpenSession> {
    const late = this.#unsettled
    try {
      this.#open = await openSession(this.prices, late, {
        ...this.#options,
        peer: this.#peer,
        desk: () => this.#peer.desk,
      })
    } catch (cause) {
      const error = plainError(ParleyError.from(cause))
      throw contradictions.has(error.code) ? this.#freeze(error) : error
    }
    this.#unsettled = []
    return this.#open
  }

  #createCall(session: OpenSession, quote: TrustedQuote, call: Call, context: Context): PaidCall {
    const { random, caps } = this.#options
    const { id: localId, principal } = context
    const paid = new PaidCall({
      id: random.uuid(),
      localId,
      call,
      principal,
      quote,
      seed: ownSeed(call) ?? drawSeed(random),
      hold: caps.hold(principal, 0n),
      maxPrice: this.#limitOf(context),
      sessionName: session.name,
      commitmentKey: session.commitmentKey,
    })
    if (paid.options.maxPrice !== undefined && paid.least > paid.options.maxPrice) {
      throw tooDear(paid.least, paid.options.maxPrice)
    }
    return paid
  }

  /** The lower of the caller's limit and the node's own, which is also one for all attempts. */
  #limitOf({ maxPrice, owed = 0n }: Context): bigint | undefined {
    const { perCallMax } = this.#options
    if (perCallMax === undefined) return maxPrice
    const left = higher(perCallMax - owed, 0n)
    return maxPrice === undefined ? left : lower(maxPrice, left)
  }

  /** Authorises what must be before the call can go on, and not more: what is paid ahead is lost with the provider. */
  #cover({ pen, committed }: OpenSession, atLeast: bigint): void {
    const wanted = atLeast > committed ? atLeast : committed
    if (pen.authorized < wanted) pen.sign(wanted)
  }

  #topUp({ pen, committed, covered }: OpenSession, { prepaid, options }: PaidCall): void {
    const ahead = committed + lower(prepaid, windowPrice(options.quote.terms))
    const total = ahead <= covered ? ahead : committed
    pen.want(total)
  }

  async #fetchEnded(session: OpenSession, waitMs: number): Promise<void> {
    if (waitMs > 0) await sleep(waitMs, AbortSignal.timeout(this.#options.timeoutMs))
    const calls = [...session.ended].slice(0, 100)
    if (calls.length === 0) return
    const bound = AbortSignal.timeout(this.#options.timeoutMs)
    const receipts = await this.#peer.desk.receipts(
      session.token,
      calls.map(call => call.options.id),
      bound,
    )
    for (const receipt of receipts) {
      const call = calls.find(({ options }) => options.id === receipt.message.requestId)
      if (call === undefined || !session.ended.has(call) || !isAbout(receipt.message, call)) continue
      if (receipt.message.seq > call.seq) this.take(call, receipt)
    }
    for (const call of calls) session.askedFor(call)
  }

  #checkDemand(call: PaidCall, cumulative: bigint): OpenSession {
    const session = this.#sessionOf(call)
    const allowed = session.mostAsked
    if (cumulative > allowed) {
      const message = `the provider asks for ${cumulative} in all, what arrived and was asked costs ${allowed} at most`
      throw this.#freeze(new ParleyError('payment_mismatch', message))
    }
    const { maxPrice } = call.options
    const forThis = cumulative - session.committed + call.prepaid
    const isInput = call.chunks === 0 || call.isPrepaid
    if (maxPrice !== undefined && isInput && forThis > maxPrice) throw tooDear(forThis, maxPrice)
    if (isInput && forThis > call.prepaid) call.options.hold.set(forThis)
    return session
  }

  #sessionOf(call: PaidCall): OpenSession {
    if (this.#frozen !== undefined) throw this.#frozen
    if (this.#open?.name === call.options.sessionName) return this.#open
    throw new ParleyError('session_unknown', 'the session of this call was replaced by a newer one')
  }

  /** A refusal of a voucher ends the calls that depend on it; a line that is down is no refusal. */
  #failCalls(session: OpenSession, error: ParleyError): void {
    if (error.code === 'insufficient_funds') session.covered = amountOf(error.details?.covered) ?? session.covered
    if (error.httpStatus !== 402 && error !== this.#frozen) return
    if (error.code === 'session_unknown' && this.#open === session) this.#leave(session)
    for (const call of session.calls) call.abort(error)
  }

  #leave(session: OpenSession): void {
    for (const call of session.calls) call.isCut = true
    this.#unsettled = [...this.#unsettled, ...session.ended, ...session.calls].slice(-100)
    this.#open = undefined
  }

  /** Payment stops at what was agreed last, and stays stopped: going on would reward the wrong count. */
  #freeze(error: ParleyError): ParleyError {
    if (this.#frozen === undefined) {
      this.#frozen = error
      this.#options.onMismatch(this.#peer.provider, error)
    }
    return this.#frozen
  }
}

/** A receipt that could not be fetched is asked for again when the session settles next, or opens anew. */
function triedLater(): void {}
