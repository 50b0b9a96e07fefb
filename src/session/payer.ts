import type { Address, Clock, EscrowReader, EventLog, Ledger, Notary, Random, Signer } from '../core/index.ts'

/** Who pays, and with what: the same for every provider. */
export interface Payer {
  /** The account in the escrow that pays. */
  readonly payer: Address
  /** This node's own peer id, under which providers see it. */
  readonly peerId: string
  readonly notary: Notary
  /** The session key named in the deposit. */
  readonly signer: Signer
  readonly ledger: Ledger
  /** Read once for each provider in a new epoch of the account, and never before known providers are paid. */
  readonly escrow: EscrowReader
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
}
