import { type ClaimResult, createEscrowProvider, type Sender } from '../../chain/index.ts'
import type { Address, Channel, Ledger, SignedVoucher } from '../../core/index.ts'

export type Collectable = Pick<Channel, 'key'> & { readonly voucher: SignedVoucher }

/** Turns the newest vouchers of these counters into money, and books what came. */
export async function collect(
  sender: Sender,
  ledger: Pick<Ledger, 'channel' | 'settled'>,
  { provider, channels }: { readonly provider: Address; readonly channels: readonly Collectable[] },
  signal: AbortSignal,
): Promise<ClaimResult> {
  const vouchers = channels.map(({ voucher }) => voucher)
  const result = await createEscrowProvider(sender).claim(provider, vouchers, signal)
  for (const [at, row] of result.rows.entries()) {
    if (row.outcome !== 'paid') continue
    const { key } = channels[at]!
    // Somebody else may have claimed, and booked, a newer voucher meanwhile.
    if (row.claimed > (ledger.channel(key)?.claimed ?? 0n)) ledger.settled(key, row.claimed)
  }
  return result
}
