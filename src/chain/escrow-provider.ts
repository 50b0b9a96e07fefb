import type { Address, Hex, SignedVoucher } from '../core/index.ts'
import { type ClaimResult, claimVouchers } from './claim.ts'
import { escrowAbi } from './generated/escrow.ts'
import { contractCall, type Sender, type Sent } from './sender.ts'
import { compactSignature } from './signer.ts'

/** What a provider does with the escrow. */
export interface EscrowProvider {
  /**
   * Turns vouchers into money, in as few transactions as gas allows. Anyone may claim for a provider. Vouchers that
   * cannot be paid are told apart and spoil nothing; when none can be, nothing is sent.
   */
  readonly claim: (provider: Address, vouchers: readonly SignedVoucher[], signal: AbortSignal) => Promise<ClaimResult>
  /** Reserves a payer's free money, by a reservation its session key signed (65 bytes). */
  readonly reserve: (payer: Address, cumulative: bigint, signature: Hex, signal: AbortSignal) => Promise<Sent>
  /** Gives the sender's reservation back to the payer: a cooperative close. */
  readonly release: (payer: Address, signal: AbortSignal) => Promise<Sent>
}

export interface EscrowProviderOptions {
  /** Vouchers in one transaction: about 20,000 gas each. */
  readonly rowsMax?: number
}

export function createEscrowProvider(sender: Sender, { rowsMax = 100 }: EscrowProviderOptions = {}): EscrowProvider {
  const { escrow } = sender.chain.settings
  return {
    claim: (provider, vouchers, signal) => claimVouchers(sender, { provider, vouchers, rowsMax }, signal),
    reserve: async (payer, cumulative, signature, signal) => {
      const { r, vs } = compactSignature(signature)
      return sender.send(
        'the reservation',
        contractCall(escrow, escrowAbi, 'reserve', [payer, cumulative, r, vs]),
        signal,
      )
    },
    release: (payer, signal) => sender.send('the release', contractCall(escrow, escrowAbi, 'release', [payer]), signal),
  }
}
