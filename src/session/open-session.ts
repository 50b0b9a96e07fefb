import type { ChannelKey, Hex, Ledger, Notary, SignedReceipt } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { higher, lower } from './amounts.ts'
import { atMost } from './charge-limit.ts'
import { commitmentKey, sessionName } from './commitments.ts'
import { type PaidCall, windowPrice } from './paid-call.ts'
import { principalName } from './spending-caps.ts'
import { verifyReceipt, verifySigner } from './verify-receipt.ts'
import type { VoucherPen } from './voucher-pen.ts'

export interface OpenSessionOptions {
  readonly token: Hex
  readonly key: ChannelKey
  readonly pen: VoucherPen
  readonly ledger: Ledger
  /** What both sides agreed was charged when the session opened. */
  readonly charged: bigint
  /** The highest total the provider will accept, as far as it said. */
  readonly covered: bigint
}

const endedMax = 1_000

/** One session as the user counts it: what was charged, what its calls can honestly cost, what must be authorised. */
export class OpenSession {
  readonly token: Hex
  readonly key: ChannelKey
  readonly name: Hex
  readonly commitmentKey: Uint8Array
  readonly pen: VoucherPen
  readonly calls = new Set<PaidCall>()
  /** Calls that ended without a final receipt, which the provider may still have. */
  readonly ended = new Set<PaidCall>()
  covered: bigint
  readonly #ledger: Ledger
  /** What stands without doubt: the start, and every call with a final receipt. */
  #settled: bigint
  #charged: bigint
  #seq = 0n

  constructor({ token, key, pen, ledger, charged, covered }: OpenSessionOptions) {
    this.token = token
    this.key = key
    this.name = sessionName(token)
    this.commitmentKey = commitmentKey(token)
    this.pen = pen
    this.covered = covered
    this.#ledger = ledger
    this.#settled = charged
    this.#charged = charged
  }

  /** The total of the newest receipt. */
  get charged(): bigint {
    return this.#charged
  }

  /** What must be authorised: everything charged, and the prompts of running calls. */
  get committed(): bigint {
    let total = this.#charged
    for (const call of this.calls) total += higher(call.prepaid - call.charge, 0n)
    return total
  }

  /**
   * The most that can honestly be asked for by now: what can be owed, what running calls prepay, and one window as far as
   * their limits leave room for it.
   */
  get mostAsked(): bigint {
    let [total, window, left] = [this.most, 0n, 0n]
    for (const call of this.calls) {
      const price = windowPrice(call.options.quote.terms)
      total += higher(call.prepaid - call.most, 0n)
      window = higher(window, price)
      left += atMost(price, call.left)
    }
    return total + lower(window, left)
  }

  /** The most that can honestly be owed by now, counted on this side. */
  get most(): bigint {
    let total = this.#settled
    for (const call of this.calls) total += call.most
    for (const call of this.ended) total += call.most
    return total
  }

  /** Believes a receipt after every check, and writes it down. Returns what it adds to the call's charge. */
  take(call: PaidCall, signed: SignedReceipt, notary: Notary, signer: Hex): bigint {
    const { message } = signed
    verifySigner(signed, notary, signer)
    verifyReceipt(message, call)
    const more = message.charge - call.charge
    this.#checkTotal(call, message.cumulative, message.seq, more)
    this.#ledger.charge(this.key, signed, principalName(call.options.principal))
    if (message.seq > this.#seq) {
      this.#seq = message.seq
      this.#charged = message.cumulative
    }
    call.charge = message.charge
    call.seq = message.seq
    call.tokensIn = message.tokensIn
    call.tokensOut = message.tokensOut
    if (message.finishReason !== '') this.#settle(call, signed)
    return more
  }

  /** Takes a call out of the running ones. One that was cut may turn up with a receipt later. */
  end(call: PaidCall, mayBeCharged: boolean): void {
    if (!this.calls.delete(call) || !mayBeCharged) return
    call.isCut = true
    this.ended.add(call)
    if (this.ended.size > endedMax) this.#forget(this.ended.values().next().value!)
  }

  /** The provider was asked for the last receipt of an ended call; after three times in vain there is none. */
  askedFor(call: PaidCall): void {
    call.asked++
    if (call.asked >= 3 && this.ended.has(call)) this.#forget(call)
  }

  /** The provider has no receipt for it: it costs what was charged so far. */
  #forget(call: PaidCall): void {
    this.ended.delete(call)
    this.#settled += call.charge
  }

  #settle(call: PaidCall, receipt: SignedReceipt): void {
    call.receipt = receipt
    this.calls.delete(call)
    this.ended.delete(call)
    this.#settled += call.charge
  }

  /**
   * Receipts follow each other exactly. With one missing, which belongs to a call that was cut, or one overtaken on another
   * stream, the total is held against what all calls can have cost. Of a call that was cut, receipts may have been lost
   * that a later total of another call had in it already: then this one adds less to the total than to the call.
   */
  #checkTotal({ isCut }: PaidCall, cumulative: bigint, seq: bigint, more: bigint): void {
    const isNext = seq === this.#seq + 1n
    const total = this.#charged + more
    if (isNext && (isCut ? cumulative > total : cumulative !== total)) {
      throw wrongTotal(`says ${cumulative} in all, with this call it is ${this.#charged + more}`)
    }
    if (!isNext && seq > this.#seq && cumulative > this.most) {
      throw wrongTotal(`says ${cumulative} in all, what arrived costs ${this.most} at most`)
    }
    if (seq > this.#seq && cumulative < this.#charged)
      throw wrongTotal(`goes back from ${this.#charged} to ${cumulative}`)
    if (seq < this.#seq && cumulative > this.#charged) {
      throw wrongTotal(`is older than one over ${this.#charged} and says ${cumulative}`)
    }
  }
}

function wrongTotal(what: string): ParleyError {
  return new ParleyError('payment_mismatch', `a receipt ${what}; payment stopped`)
}
