import type { ChannelKey, Ledger, SignedReceipt, SignedVoucher } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { higher } from './amounts.ts'

/** What one running call adds to a tab. */
export interface TabEntry {
  /** The price of its prompt, set aside from the credit until it is charged. */
  prepaid: bigint
  /** What it costs with all that is delivered or about to be, and at least its prompt. */
  held: bigint
  /** What its receipts say already. */
  receipted: bigint
}

const firstWindowTokens = 64

/**
 * What one payer owes in one epoch of its account, on the provider's side: the one counter all its calls share. Money
 * here is what the ledger on disk says, plus what running calls have not been receipted for yet.
 */
export class Tab {
  readonly key: ChannelKey
  readonly entries = new Set<TabEntry>()
  readonly #ledger: Ledger
  readonly #waiting = new Set<() => void>()
  #accepted = 0n
  #charged = 0n
  #owed = 0n
  #voucher: SignedVoucher | undefined
  #receipt: SignedReceipt | undefined
  #trustedTokens = firstWindowTokens

  constructor(key: ChannelKey, ledger: Ledger) {
    this.key = key
    this.#ledger = ledger
    const channel = ledger.channel(key)
    if (channel === undefined) return
    this.#accepted = channel.authorized
    this.#charged = channel.charged
    this.#owed = channel.charged
    this.#voucher = channel.voucher
    this.#receipt = channel.receipt
    if (channel.charged > 0n && channel.authorized >= channel.charged) this.#trustedTokens = Number.MAX_SAFE_INTEGER
  }

  get accepted(): bigint {
    return this.#accepted
  }

  get charged(): bigint {
    return this.#charged
  }

  get voucher(): SignedVoucher | undefined {
    return this.#voucher
  }

  get receipt(): SignedReceipt | undefined {
    return this.#receipt
  }

  /** Everything charged, the prompts of running calls, and everything delivered since. */
  get owed(): bigint {
    return this.#owed
  }

  /** Everything charged, and the prompts of running calls: what must be covered before more work begins. */
  get committed(): bigint {
    let total = this.#charged
    for (const { prepaid, receipted } of this.entries) total += higher(prepaid - receipted, 0n)
    return total
  }

  /** Output that may be unpaid: small for a stranger, doubled with each paid receipt, halved by a call left unpaid. */
  windowTokens(quoted: number): number {
    return Math.min(quoted, this.#trustedTokens)
  }

  /** Durable before anything is released against it. */
  accept(voucher: SignedVoucher): void {
    this.#ledger.authorize(this.key, voucher)
    this.#accepted = voucher.message.cumulative
    this.#voucher = voucher
    for (const wake of this.#waiting) wake()
  }

  /** Durable before it is sent. */
  issue(entry: TabEntry, receipt: SignedReceipt, principal: string): void {
    this.#ledger.charge(this.key, receipt, principal)
    if (this.#accepted >= this.#charged) this.#trustedTokens = Math.min(2 * this.#trustedTokens, 2 ** 40)
    this.#charged = receipt.message.cumulative
    this.#receipt = receipt
    entry.receipted = receipt.message.charge
  }

  /** A receipt of our own that the user kept and this ledger lost. */
  restore(receipt: SignedReceipt): void {
    this.#ledger.charge(this.key, receipt, 'restored')
    this.#owed += receipt.message.cumulative - this.#charged
    this.#charged = receipt.message.cumulative
    this.#receipt = receipt
  }

  /** Puts a call on the tab with the price of its prompt. */
  open(entry: TabEntry): void {
    this.entries.add(entry)
    this.#owed += entry.held - entry.receipted
  }

  hold(entry: TabEntry, held: bigint): void {
    this.#owed += held - entry.held
    entry.held = held
  }

  /** Takes a call off the tab: from now on it costs what its receipts say. */
  close(entry: TabEntry): void {
    if (!this.entries.delete(entry)) return
    this.#owed = this.#charged
    for (const { held, receipted } of this.entries) this.#owed += held - receipted
    for (const wake of this.#waiting) wake()
  }

  distrust(): void {
    this.#trustedTokens = Math.max(firstWindowTokens, Math.floor(Math.min(this.#trustedTokens, 1_024) / 2))
  }

  /**
   * Resolves when `isCovered` holds, or when `total` is accepted: what other calls delivered meanwhile, or a window that
   * shrank, may ask for more by then. Throws `need_voucher` after `timeoutMs`.
   */
  async untilPaid(isCovered: () => boolean, total: bigint, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const check = () => void ((isCovered() || this.#accepted >= total) && resolve())
    const leave = () => reject(ParleyError.from(signal.reason, signal))
    const tooLate = () => reject(needVoucher(total, this.#accepted, `no voucher came within ${timeoutMs} ms`))
    const timer = setTimeout(tooLate, timeoutMs)
    this.#waiting.add(check)
    signal.addEventListener('abort', leave, { once: true })
    try {
      if (signal.aborted) leave()
      check()
      await promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(check)
      signal.removeEventListener('abort', leave)
    }
  }
}

export function needVoucher(cumulative: bigint, accepted: bigint, why: string): ParleyError {
  return new ParleyError('need_voucher', `${why}; sign one over at least ${cumulative}`, {
    details: { cumulative: String(cumulative), accepted: String(accepted) },
  })
}
