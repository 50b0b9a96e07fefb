import type {
  Channel,
  ChannelKey,
  HeldProofs,
  Ledger,
  Notary,
  SessionGrant,
  SignedReceipt,
  Signer,
} from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { higher } from './amounts.ts'
import { checkVoucher } from './check-voucher.ts'
import type { PaidPeer } from './price-list.ts'
import { verifySigner } from './verify-receipt.ts'

/** A receipt that came after its call was over here, and whom the call was for. */
export interface LateReceipt {
  readonly receipt: SignedReceipt
  readonly principal: string
  /** The id of the call on this node. */
  readonly call: string
}

export interface ReconcileOptions {
  readonly ledger: Ledger
  readonly notary: Notary
  /** The session key. */
  readonly signer: Signer
  readonly peer: PaidPeer
  readonly key: ChannelKey
  /** Receipts of calls this side had not settled, with whom they were for. */
  readonly late: readonly LateReceipt[]
  /** How far beyond what was authorised the provider may have gone: one window. */
  readonly slack: bigint
}

/** The newest voucher and receipt of a pair, for a provider that may have lost its own. */
export function heldProofs(ledger: Ledger, pair: Omit<ChannelKey, 'epoch'>): HeldProofs {
  const name = (key: Omit<ChannelKey, 'epoch'>) =>
    `${key.chainId}/${key.escrow}/${key.payer}/${key.provider}`.toLowerCase()
  const channels = ledger.channels('user').filter(({ key }) => name(key) === name(pair))
  const newest = channels.reduce<Channel | undefined>(
    (best, channel) => (best === undefined || channel.key.epoch > best.key.epoch ? channel : best),
    undefined,
  )
  return { voucher: newest?.voucher, receipt: newest?.receipt }
}

/**
 * Brings this side's books level with a grant. Whoever is behind is handed the newest voucher and receipt by the other;
 * nothing is believed without its signature, and nothing ever goes back. Throws `ledger_conflict` when the books cannot
 * both be right: then no more is paid to this provider.
 */
export function reconcile(grant: SessionGrant, options: ReconcileOptions): Channel | undefined {
  const { ledger, key, late } = options
  adoptVoucher(grant, options)
  takeLate(late, options)
  adoptReceipt(grant, options)
  const own = ledger.channel(key)
  if (grant.charged < (own?.charged ?? 0n)) {
    throw conflict(`the provider says ${grant.charged} were charged, its receipts say ${own?.charged}`)
  }
  return own
}

function adoptVoucher(grant: SessionGrant, { ledger, notary, signer, key }: ReconcileOptions): void {
  const accepted = ledger.channel(key)?.authorized ?? 0n
  if (grant.accepted <= accepted) return
  const { voucher } = grant
  if (voucher?.message.cumulative !== grant.accepted) {
    throw conflict(`the provider says it holds ${grant.accepted} and shows no voucher for it`)
  }
  try {
    checkVoucher(voucher, { ...key, notary, signer: signer.address, accepted })
  } catch (cause) {
    throw conflict('the provider shows a voucher this account never signed', cause)
  }
  ledger.authorize(key, voucher)
}

function takeLate(late: readonly LateReceipt[], { ledger, key, slack }: ReconcileOptions): void {
  const own = ledger.channel(key)
  const most = higher(own?.authorized ?? 0n, own?.charged ?? 0n) + slack
  for (const { receipt, principal } of late) {
    if (receipt.message.cumulative > most) throw tooMuch(receipt.message.cumulative, most - slack)
    ledger.charge(key, receipt, principal)
  }
}

function tooMuch(charged: bigint, promised: bigint): ParleyError {
  return conflict(`the provider charged ${charged}, more than one window beyond the ${promised} promised`)
}

function adoptReceipt(grant: SessionGrant, { ledger, notary, peer, key, slack }: ReconcileOptions): void {
  const own = ledger.channel(key)
  const charged = own?.charged ?? 0n
  if (grant.charged <= charged) return
  const { receipt } = grant
  if (receipt?.message.cumulative !== grant.charged) {
    throw conflict(`the provider says ${grant.charged} were charged and shows no receipt for it`)
  }
  verifySigner(receipt, notary, peer.signer)
  const most = higher(own?.authorized ?? 0n, charged) + slack
  if (grant.charged > most) throw tooMuch(grant.charged, most - slack)
  ledger.charge(key, receipt, 'recovered')
}

function conflict(message: string, cause?: unknown): ParleyError {
  return new ParleyError('ledger_conflict', `${message}; nothing more is paid to it, run parley doctor`, { cause })
}
