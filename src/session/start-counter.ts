import type { ChannelKey, EscrowReader, Ledger, SessionGrant } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { lower } from './amounts.ts'

/**
 * The escrow's `claimed` runs through all epochs of an account, so a counter that is new in its epoch starts there: lower
 * vouchers would be worth nothing. Each side takes the start from the chain by itself. Believing the other would let a
 * provider have too much signed, or a user pay with vouchers that cannot be claimed.
 */
export interface UserStart {
  readonly ledger: Ledger
  readonly escrow: EscrowReader
}

/**
 * The user's side. The chain is read only when the counter is new to this ledger and may not start at zero, so that known
 * providers are paid while the chain is away. Throws `payment_invalid` when the provider counts from somewhere else.
 */
export async function startCounter(
  grant: SessionGrant,
  key: ChannelKey,
  { ledger, escrow }: UserStart,
  signal: AbortSignal,
): Promise<void> {
  if (ledger.channel(key) !== undefined) return
  const isUnproven = grant.accepted > 0n && grant.voucher === undefined
  if (key.epoch === 0n && !isUnproven) return
  const { epoch } = await escrow.account(key.payer, signal)
  if (epoch !== key.epoch) {
    throw new ParleyError('payment_invalid', `the provider counts in epoch ${key.epoch}, the account is in ${epoch}`)
  }
  // After the account, so that nothing of a former epoch can be claimed later.
  const { claimed } = await escrow.pair(key.payer, key.provider, signal)
  if (key.epoch > 0n && grant.voucher === undefined && grant.accepted !== claimed) {
    const message = `the provider counts from ${grant.accepted}, the escrow paid it ${claimed}`
    throw new ParleyError('payment_invalid', `${message}; one of both reads the chain late, try again soon`)
  }
  // What was charged below the start is paid already: no receipt is needed to believe it.
  ledger.open(key, { claimed, charged: lower(grant.charged, claimed) })
}

/**
 * The provider's side, from its position in the escrow. Credit the user had left goes on into the new epoch; without a
 * book of a former one, everything claimed counts as charged unless the user shows a receipt (`hasProof`).
 */
export function startTab(ledger: Ledger, key: ChannelKey, claimed: bigint, hasProof: () => boolean): void {
  if (claimed === 0n || ledger.channel(key) !== undefined) return
  const before = formerCharge(ledger, key)
  const charged = before === undefined ? (hasProof() ? 0n : claimed) : lower(before, claimed)
  ledger.open(key, { claimed, charged })
}

/** What was charged when the last epoch with calls ended. The escrow has 255 epochs at most. */
function formerCharge(ledger: Ledger, key: ChannelKey): bigint | undefined {
  for (let epoch = key.epoch - 1n; epoch >= 0n && epoch > key.epoch - 256n; epoch--) {
    const former = ledger.channel({ ...key, epoch })
    if (former !== undefined) return former.charged
  }
  return undefined
}
