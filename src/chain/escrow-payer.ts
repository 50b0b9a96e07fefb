import type { Address } from '../core/index.ts'
import { readEscrowTerms } from './escrow.ts'
import { escrowAbi } from './generated/escrow.ts'
import { contractCall, type Sender, type Sent } from './sender.ts'
import { allowSpending } from './spending.ts'

/** What a payer does with its own account in the escrow. */
export interface EscrowPayer {
  /**
   * Adds to the account. `sessionKey` is the address that signs vouchers: any on the first deposit, the current one later,
   * and a new one after a withdrawal. One transaction where the token knows permits.
   */
  readonly deposit: (amount: bigint, sessionKey: Address, signal: AbortSignal) => Promise<Sent>
  /** Begins to leave; providers can claim until `withdraw`. */
  readonly requestExit: (signal: AbortSignal) => Promise<Sent>
  /** After the exit delay: takes home what is free, and what is reserved for these providers. */
  readonly withdraw: (reservedFor: readonly Address[], signal: AbortSignal) => Promise<Sent>
  /** Begins to replace the session key. */
  readonly requestRotation: (sessionKey: Address, signal: AbortSignal) => Promise<Sent>
  /** After the exit delay: the new session key counts. */
  readonly rotate: (signal: AbortSignal) => Promise<Sent>
}

export function createEscrowPayer(sender: Sender): EscrowPayer {
  const { chain, signer } = sender
  const { escrow } = chain.settings
  return {
    deposit: async (amount, sessionKey, signal) => {
      const { token } = await readEscrowTerms(chain, signal)
      const permit = await allowSpending(sender, { token, spender: escrow, amount }, signal)
      const call = permit
        ? contractCall(escrow, escrowAbi, 'depositWithPermit', [
            amount,
            sessionKey,
            permit.deadline,
            permit.v,
            permit.r,
            permit.s,
          ])
        : contractCall(escrow, escrowAbi, 'deposit', [amount, sessionKey])
      return sender.send('the deposit', call, signal)
    },
    requestExit: signal => sender.send('the exit request', contractCall(escrow, escrowAbi, 'requestExit', []), signal),
    withdraw: (reservedFor, signal) =>
      sender.send('the withdrawal', contractCall(escrow, escrowAbi, 'withdraw', [[...reservedFor]]), signal),
    requestRotation: (sessionKey, signal) =>
      sender.send('the key change', contractCall(escrow, escrowAbi, 'requestRotation', [sessionKey]), signal),
    rotate: signal =>
      sender.send('the key change', contractCall(escrow, escrowAbi, 'rotate', [signer.address]), signal),
  }
}
