import type { Address, Clock } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { isSameAddress, lower } from './amounts.ts'
import type { EscrowPosition, EscrowWatch } from './escrow-watch.ts'
import type { TillLimits } from './till-options.ts'

type CoverPolicy = Pick<TillLimits, 'softCredit' | 'exitMarginMs'>

export interface CoverOptions {
  readonly watch: EscrowWatch
  readonly clock: Clock
  readonly limits: CoverPolicy & Pick<TillLimits, 'escrowRefreshMs'>
}

/** For how long an account without money is believed to have none: its payer cannot have the chain read at will. */
const emptyMs = 2_000
const otherwiseMs = 1_000

/** What vouchers are worth: how much a claim could still collect from a payer. */
export class Cover {
  readonly #options: CoverOptions

  constructor(options: CoverOptions) {
    this.#options = options
  }

  /** The position on which a session opens. Throws when the account has another key, or nothing to collect. */
  async positionFor(payer: Address, signer: Address, signal: AbortSignal): Promise<EscrowPosition> {
    const { watch, limits } = this.#options
    const known = await watch.recent(payer, limits.escrowRefreshMs, signal)
    const secondLookMs = this.#isEmpty(known) ? emptyMs : otherwiseMs
    const isGood = isSameAddress(known.account.signer, signer) && !this.#isEmpty(known)
    const position = isGood ? known : await watch.recent(payer, secondLookMs, signal)
    if (!isSameAddress(position.account.signer, signer)) {
      throw new ParleyError('payment_invalid', `the hello is signed by ${signer}, not by the payer's session key`)
    }
    if (this.#isEmpty(position)) {
      throw new ParleyError('insufficient_funds', 'the escrow account is empty or about to be withdrawn; deposit first')
    }
    return position
  }

  /** From memory. Throws `insufficient_funds`. */
  require(payer: Address, cumulative: bigint): void {
    const covered = this.total(this.#known(payer))
    if (cumulative <= covered) return
    throw new ParleyError('insufficient_funds', `the escrow covers ${covered}, the voucher says ${cumulative}`, {
      details: { covered: String(covered) },
    })
  }

  /** The highest total that would be accepted on this position. */
  total(position: EscrowPosition): bigint {
    return coveredTotal(position, this.#options.clock.now(), this.#options.limits)
  }

  #isEmpty(position: EscrowPosition): boolean {
    return this.total(position) <= position.pair.claimed
  }

  /** From memory; asking has it read again in the background when it is old. */
  #known(payer: Address): EscrowPosition {
    const position = this.#options.watch.known(payer)
    if (position !== undefined) return position
    throw new ParleyError('chain_unavailable', 'the escrow could not be read for too long; try again later')
  }
}

/** What a claim could still collect: the reservation, and of the free balance, which others may claim too, the soft credit. */
function coveredTotal({ account, pair }: EscrowPosition, now: number, policy: CoverPolicy): bigint {
  // From this long before a payer may withdraw, nothing new is accepted: there must be time to claim.
  if (account.exitReadyAt !== undefined && now >= Number(account.exitReadyAt) * 1_000 - policy.exitMarginMs) {
    return pair.claimed
  }
  return pair.claimed + pair.reserved + lower(account.free, policy.softCredit)
}
