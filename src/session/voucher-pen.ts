import type { CashDesk, ChannelKey, ErrorCode, Hex, Ledger, Notary, SignedVoucher, Signer } from '../core/index.ts'
import { ParleyError, sleep } from '../core/index.ts'
import { higher } from './amounts.ts'
import { plainError } from './plain-words.ts'
import { encodeVoucherHeader } from './wire.ts'

export interface VoucherPenOptions {
  readonly key: ChannelKey
  readonly token: Hex
  readonly desk: () => CashDesk
  readonly notary: Notary
  readonly signer: Signer
  readonly ledger: Ledger
  readonly timeoutMs: number
  /** The highest total signed so far, and the voucher over it. */
  readonly authorized: bigint
  readonly voucher: SignedVoucher | undefined
  /** The total the provider says it holds. */
  readonly acknowledged: bigint
  readonly onSigned: (cumulative: bigint) => void
}

/** What says nothing of a voucher, only of the way to the provider. */
const ofLine: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'backend_failed',
  'overloaded',
  'peer_unreachable',
  'stream_cut',
  'timeout',
])
const againMs = 250
/** An answer stands still for want of it, so that a line which is silent for longer is left for another. */
const sendMs = 3_000

/** Signs the vouchers of one counter, each on disk before anybody sees it, and brings them to the provider. */
export class VoucherPen {
  readonly #options: VoucherPenOptions
  #authorized: bigint
  #acknowledged: bigint
  #voucher: SignedVoucher | undefined
  #header: string | undefined
  #sending: Promise<void> | undefined
  #bringing: Promise<void> | undefined
  #wanted = 0n

  constructor(options: VoucherPenOptions) {
    this.#options = options
    this.#authorized = options.authorized
    this.#acknowledged = options.acknowledged
    this.#voucher = options.voucher
  }

  get authorized(): bigint {
    return this.#authorized
  }

  /** Whether the provider may not have the newest voucher yet. */
  get isAhead(): boolean {
    return this.#voucher !== undefined && this.#acknowledged < this.#authorized
  }

  /** The newest voucher as a header, unless the provider is known to have it. */
  get header(): string | undefined {
    if (!this.isAhead) return undefined
    this.#header ??= encodeVoucherHeader(this.#voucher!)
    return this.#header
  }

  sign(cumulative: bigint): void {
    const { key, notary, signer, ledger, onSigned } = this.#options
    if (cumulative <= this.#authorized) {
      throw new ParleyError('ledger_conflict', `a voucher over ${cumulative} cannot follow ${this.#authorized}`)
    }
    const { payer, provider, epoch } = key
    const message = { payer, provider, epoch, cumulative }
    const voucher = { domain: notary.domain, message, signature: signer.sign(notary.hashVoucher(message)) }
    ledger.authorize(key, voucher)
    this.#voucher = voucher
    this.#authorized = cumulative
    this.#header = undefined
    onSigned(cumulative)
  }

  /** A total to be signed when the next voucher goes out: of many that are asked for while one is under way, the highest. */
  want(cumulative: bigint): void {
    this.#wanted = higher(this.#wanted, cumulative)
  }

  /** The provider has said, in whatever way, that it holds this much. */
  acknowledge(accepted: bigint): void {
    this.#acknowledged = higher(this.#acknowledged, accepted)
  }

  /** Sends the newest voucher until the provider has it. One at a time; calls meanwhile wait for the same. */
  send(): Promise<void> {
    this.#sending ??= this.#sendAll()
      .finally(() => {
        this.#sending = undefined
      })
      // Something may have been asked for after the last one went.
      .then(() => (this.#isDue ? this.send() : undefined))
    return this.#sending
  }

  /** The same, and while somebody waits for it, again and again where the line failed and nobody refused it. */
  sendWhile(isAwaited: () => boolean): Promise<void> {
    this.#bringing ??= this.#bring(isAwaited)
      .finally(() => {
        this.#bringing = undefined
      })
      .then(() => (this.#isDue ? this.sendWhile(isAwaited) : undefined))
    return this.#bringing
  }

  async #bring(isAwaited: () => boolean): Promise<void> {
    for (;;) {
      try {
        return await this.send()
      } catch (cause) {
        const mayArrive = cause instanceof ParleyError && ofLine.has(cause.code)
        if (mayArrive && isAwaited()) await sleep(againMs)
        if (!mayArrive || !isAwaited()) throw cause
      }
    }
  }

  get #isDue(): boolean {
    return this.isAhead || this.#wanted > this.#authorized
  }

  async #sendAll(): Promise<void> {
    while (this.#isDue) {
      if (this.#wanted > this.#authorized) this.sign(this.#wanted)
      const voucher = this.#voucher!
      this.acknowledge(await this.#sendOne(voucher))
      if (this.#acknowledged < voucher.message.cumulative) {
        throw new ParleyError(
          'payment_invalid',
          `the provider took a voucher over ${voucher.message.cumulative} for less`,
        )
      }
    }
  }

  /** A voucher that had arrived before, or was overtaken by a higher one in a header, is where it should be. */
  async #sendOne(voucher: SignedVoucher): Promise<bigint> {
    const { desk, token, timeoutMs } = this.#options
    try {
      return await desk().voucher(token, voucher, AbortSignal.timeout(Math.min(timeoutMs, sendMs)))
    } catch (cause) {
      const error = plainError(ParleyError.from(cause))
      const accepted = amountOf(error.details?.accepted)
      const isThere = error.code === 'voucher_replayed' || error.code === 'voucher_lower'
      if (isThere && accepted !== undefined && accepted >= voucher.message.cumulative) return accepted
      throw error
    }
  }
}

/** An amount another node wrote into an error's details. */
export function amountOf(detail: unknown): bigint | undefined {
  return typeof detail === 'string' && /^\d{1,39}$/.test(detail) ? BigInt(detail) : undefined
}
