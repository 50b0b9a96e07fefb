import { createSender, type EscrowPosition, parseAmount, readPositions, toAddress } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
  type Channel,
  type EventLog,
  type Ledger,
  ParleyError,
  type SignedVoucher,
  type Signer,
  sleep,
} from '../core/index.ts'
import type { Account } from './account.ts'
import type { ChainAccess } from './chain-access.ts'
import { collect } from './treasury/collect.ts'

export interface ClaimsOptions {
  readonly config: Config
  readonly account: Account
  readonly access: ChainAccess
  readonly ledger: Ledger
  readonly log: EventLog
}

/** What one payer owes, and what the escrow still holds for it. */
export interface Debt {
  readonly channel: Channel & { readonly voucher: SignedVoucher }
  readonly position: Pick<EscrowPosition, 'free' | 'reserved' | 'exitReadyAt' | 'claimed'>
}

/** A payer that asked to leave has at least the escrow's exit delay before its money is gone. */
const lookMsMax = 60_000

/** Claims until the signal says stop. A claim that fails is told and tried again at the next look. */
export async function claimRegularly(options: ClaimsOptions, signer: Signer, signal: AbortSignal): Promise<void> {
  const everyMs = options.config.provider.claim.everySeconds * 1_000
  if (everyMs === 0) return
  const lookMs = Math.min(everyMs, lookMsMax)
  for (let sinceRound = lookMs; ; sinceRound += lookMs) {
    await sleep(lookMs, signal).catch(() => undefined)
    if (signal.aborted) return
    const isRound = sinceRound >= everyMs
    try {
      await look(options, signer, isRound, signal)
    } catch (cause) {
      if (signal.aborted) return
      told(options, ParleyError.from(cause, signal))
    }
    if (isRound) sinceRound = 0
  }
}

async function look(options: ClaimsOptions, signer: Signer, isRound: boolean, signal: AbortSignal): Promise<void> {
  const debts = await debtsOf(options, signal)
  if (debts.length === 0) return
  const { minimum, softCredit } = await amountsOf(options, signal)
  const due = dueOf(debts, { minimum: isRound ? minimum : undefined, softCredit })
  if (due.length > 0) await claim(options, signer, due, signal)
}

async function amountsOf({ config, access }: ClaimsOptions, signal: AbortSignal) {
  const { decimals } = await access.token(signal)
  const { claim, softCredit } = config.provider
  return { minimum: parseAmount(claim.minimum, decimals), softCredit: parseAmount(softCredit, decimals) }
}

/** Of those who owe, whom to claim from now. Without a minimum only those whose money may be gone later. */
export function dueOf(
  debts: readonly Debt[],
  { minimum, softCredit }: { minimum: bigint | undefined; softCredit: bigint },
): Debt[] {
  const collectable = debts.filter(debt => worthOf(debt) > 0n)
  const sum = collectable.reduce((total, debt) => total + worthOf(debt), 0n)
  if (minimum !== undefined && sum >= minimum) return collectable
  return collectable.filter(({ channel, position: { free, reserved, exitReadyAt, claimed } }) => {
    // Beyond what is trusted of the free balance the payer is refused until it is claimed.
    const trusted = reserved + lower(free, softCredit)
    return exitReadyAt !== undefined || trusted < 2n * owed(channel, claimed)
  })
}

/** What a claim would bring. */
function worthOf({ channel, position: { free, reserved, claimed } }: Debt): bigint {
  return lower(owed(channel, claimed), free + reserved)
}

function owed({ authorized }: Channel, claimed: bigint): bigint {
  return authorized - claimed
}

function lower(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/** Everybody who owes in the present epoch of its account; what others claimed for this provider is booked on the way. */
async function debtsOf({ access, account, ledger }: ClaimsOptions, signal: AbortSignal): Promise<Debt[]> {
  const { chainId, escrow } = access.notary.domain
  const owing = ledger.channels('provider').flatMap(channel => {
    const { key, authorized, claimed, voucher } = channel
    const isHere = key.chainId === chainId && key.escrow.toLowerCase() === escrow.toLowerCase()
    return isHere && voucher !== undefined && authorized > claimed ? [{ ...channel, voucher }] : []
  })
  if (owing.length === 0) return []
  const payers = [...new Set(owing.map(({ key }) => toAddress(key.payer)))]
  const positions = await readPositions(access.chain, { provider: account.address, payers }, signal)
  const byPayer = new Map(positions.map(position => [toAddress(position.payer), position]))
  return owing.flatMap(channel => {
    const position = byPayer.get(toAddress(channel.key.payer))
    if (position === undefined || position.epoch !== channel.key.epoch) return []
    if (position.claimed > channel.claimed) ledger.settled(channel.key, position.claimed)
    // Positions are read some blocks deep: a claim just made may not be in them yet.
    const claimed = position.claimed > channel.claimed ? position.claimed : channel.claimed
    return claimed < channel.authorized ? [{ channel, position: { ...position, claimed } }] : []
  })
}

async function claim(options: ClaimsOptions, signer: Signer, due: readonly Debt[], signal: AbortSignal): Promise<void> {
  const { access, account, ledger, log } = options
  const of = { provider: account.address, channels: due.map(({ channel }) => channel) }
  const result = await collect(createSender(access.chain, signer), ledger, of, signal)
  for (const { hash } of result.transactions) {
    log.emit({ type: 'claim.sent', payers: result.rows.length, amount: result.paid, transaction: hash })
  }
  if (result.failure !== undefined) told(options, result.failure)
}

function told({ log }: ClaimsOptions, { code, message }: ParleyError): void {
  log.emit({ type: 'service.failed', service: 'claims', code, message })
}
