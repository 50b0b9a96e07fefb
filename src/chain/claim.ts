import type { Log } from 'viem'
import { type Address, type Hex, type Notary, ParleyError, type SignedVoucher } from '../core/index.ts'
import { toAddress } from './address.ts'
import type { Chain } from './clients.ts'
import { type EscrowPosition, readPositions } from './escrow.ts'
import { escrowAbi } from './generated/escrow.ts'
import { createNotary } from './notary.ts'
import { contractCall, type Sender, type Sent } from './sender.ts'
import { compactSignature } from './signer.ts'

/** What became of each voucher, in the order they were given. */
export interface ClaimResult {
  readonly rows: readonly ClaimedRow[]
  /** The sum of all rows: what went to the payout address. */
  readonly paid: bigint
  /** None when no voucher could be paid. */
  readonly transactions: readonly Sent[]
  /** Why the rows that are `unsent` were not sent. */
  readonly failure: ParleyError | undefined
}

export type ClaimedRow = { readonly payer: Address; readonly cumulative: bigint } & ClaimOutcome

export type ClaimOutcome =
  | { readonly outcome: 'paid'; readonly paid: bigint; readonly claimed: bigint }
  | { readonly outcome: 'skipped'; readonly reason: SkipReason }

/**
 * `signature`: not by the payer's session key for this chain, escrow, provider and epoch. `stale`: claimed already.
 * `unfunded`: the payer has nothing left; try again after its next deposit. `unsent`: an earlier batch failed.
 */
export type SkipReason = 'signature' | 'stale' | 'unfunded' | 'unsent'

export interface Claim {
  readonly provider: Address
  readonly vouchers: readonly SignedVoucher[]
  readonly rowsMax: number
}

/** Throws only while nothing was sent: afterwards there is a result to tell. */
export async function claimVouchers(sender: Sender, claim: Claim, signal: AbortSignal): Promise<ClaimResult> {
  const { vouchers, rowsMax } = claim
  const outcomes = await judged(sender.chain, claim, signal)
  const payable = outcomes.flatMap((outcome, at) => (outcome === undefined ? [at] : []))
  const transactions: Sent[] = []
  let failure: ParleyError | undefined
  for (let from = 0; from < payable.length && failure === undefined; from += rowsMax) {
    const batch = payable.slice(from, from + rowsMax)
    try {
      const sent = await sendBatch(
        sender,
        claim.provider,
        batch.map(at => vouchers[at]!),
        signal,
      )
      transactions.push(sent.transaction)
      for (const [index, at] of batch.entries()) outcomes[at] = sent.outcomes[index]
    } catch (cause) {
      if (transactions.length === 0) throw cause
      failure = ParleyError.from(cause, signal)
    }
  }
  const rows = vouchers.map(({ message: { payer, cumulative } }, at) => ({
    payer,
    cumulative,
    ...(outcomes[at] ?? { outcome: 'skipped' as const, reason: 'unsent' as const }),
  }))
  const paid = rows.reduce((sum, row) => (row.outcome === 'paid' ? sum + row.paid : sum), 0n)
  return { rows, paid, transactions, failure }
}

/** Passes over what the contract would pass over, before it costs gas; undefined for a voucher to send. */
async function judged(chain: Chain, claim: Claim, signal: AbortSignal): Promise<(ClaimOutcome | undefined)[]> {
  const { chainId, escrow } = chain.settings
  const notary = createNotary({ chainId, escrow })
  const payers = [...new Set(claim.vouchers.map(({ message }) => toAddress(message.payer)))]
  const positions = await readPositions(chain, { provider: claim.provider, payers }, signal)
  const byPayer = new Map(positions.map(position => [position.payer, position]))
  return claim.vouchers.map(voucher => {
    const position = byPayer.get(toAddress(voucher.message.payer))!
    const reason = skipReason(notary, voucher, { provider: claim.provider, position })
    return reason && { outcome: 'skipped', reason }
  })
}

function skipReason(
  notary: Notary,
  { message, signature }: SignedVoucher,
  { provider, position }: { provider: Address; position: EscrowPosition },
): SkipReason | undefined {
  if (toAddress(message.provider) !== toAddress(provider) || message.epoch !== position.epoch) return 'signature'
  if (signerOf(notary, notary.hashVoucher(message), signature) !== position.signer) return 'signature'
  if (message.cumulative <= position.claimed) return 'stale'
  return position.reserved + position.free === 0n ? 'unfunded' : undefined
}

function signerOf(notary: Notary, digest: Hex, signature: Hex): Address | undefined {
  try {
    return notary.recover(digest, signature)
  } catch {
    // A malformed signature is nobody's: the row is passed over like any other that is not the payer's.
    return undefined
  }
}

async function sendBatch(sender: Sender, provider: Address, vouchers: SignedVoucher[], signal: AbortSignal) {
  const { chain } = sender
  const rows = vouchers.map(({ message: { payer, cumulative }, signature }) => ({
    payer,
    cumulative,
    ...compactSignature(signature),
  }))
  const call = contractCall(chain.settings.escrow, escrowAbi, 'claim', [provider, rows])
  const { logs, ...transaction } = await sender.send('the claim', call, signal)
  return { transaction, outcomes: await outcomesIn(chain, logs, signal) }
}

/** The contract tells of every row once and in order. */
async function outcomesIn(chain: Chain, logs: readonly Log[], signal: AbortSignal): Promise<ClaimOutcome[]> {
  return chain.ask('reading the claim', signal, async (_, viem) => {
    const ours = logs.filter(log => viem.isAddressEqual(log.address, chain.settings.escrow))
    const events = viem.parseEventLogs({ abi: escrowAbi, logs: ours, eventName: ['Claimed', 'ClaimSkipped'] })
    return events.map(({ eventName, args }): ClaimOutcome => {
      if (eventName === 'Claimed') return { outcome: 'paid', paid: args.paid, claimed: args.claimed }
      return { outcome: 'skipped', reason: skipReasons[args.reason] ?? 'signature' }
    })
  })
}

/** By their number in the contract. */
const skipReasons: readonly SkipReason[] = ['signature', 'stale', 'unfunded']
