import { createChain, createTokenReader, formatAmount, toAddress } from '../../src/chain/index.ts'
import type { Stage } from '../../src/cli/stage.ts'
import { sleep, systemClock } from '../../src/core/index.ts'

/** Where all the money is, by the chain; and what the two nodes say they owe each other. */
export interface Books {
  readonly balances: Readonly<Record<'userWallet' | 'providerWallet' | 'escrow' | 'registry', bigint>>
  /** What the user's ledger says it authorised and was charged, and what the provider's says it accepted. */
  readonly authorized: bigint
  readonly charged: bigint
  readonly accepted: bigint
  readonly providerCharged: bigint
}

export interface BookKeeper {
  read: (signal: AbortSignal) => Promise<Books>
  format: (amount: bigint) => string
}

export async function createBooks(stage: Stage, signal: AbortSignal): Promise<BookKeeper> {
  const { rpcUrl, chainId } = stage
  const [registry, escrow, token] = [toAddress(stage.registry), toAddress(stage.escrow), toAddress(stage.token)]
  const [payer, provider] = [toAddress(stage.payer), toAddress(stage.provider)]
  const settings = { chainId: BigInt(chainId), rpcUrls: [rpcUrl], registry, escrow }
  const reader = createTokenReader(createChain(settings, { clock: systemClock }), token)
  const { decimals, symbol } = await reader.describe(signal)
  const balances = async () => ({
    userWallet: await reader.balance(payer, signal),
    providerWallet: await reader.balance(provider, signal),
    escrow: await reader.balance(escrow, signal),
    registry: await reader.balance(registry, signal),
  })
  return {
    format: amount => `${formatAmount(amount, decimals)} ${symbol}`,
    read: async signal => {
      const nodes = await settled(stage, signal)
      return { balances: await balances(), ...nodes }
    },
  }
}

/** The last voucher travels beside the answers: both ledgers are read until they say the same, within a bound. */
async function settled(stage: Stage, signal: AbortSignal): Promise<Omit<Books, 'balances'>> {
  for (let attempt = 0; ; attempt++) {
    const [user, provider] = [
      totals(await stage.as.user('reading the user ledger', ['session', 'list'])),
      totals(await stage.as.provider('reading the provider ledger', ['session', 'list', '--provider'])),
    ]
    const isSettled = user.authorized === provider.authorized && user.charged === provider.charged
    if (isSettled || attempt === 20) {
      return {
        authorized: user.authorized,
        charged: user.charged,
        accepted: provider.authorized,
        providerCharged: provider.charged,
      }
    }
    await sleep(250, signal)
  }
}

function totals({ sessions }: Record<string, unknown>): { authorized: bigint; charged: bigint } {
  const rows = sessions as { authorized: string; charged: string }[]
  const sum = (field: 'authorized' | 'charged') => rows.reduce((total, row) => total + BigInt(row[field]), 0n)
  return { authorized: sum('authorized'), charged: sum('charged') }
}

/** Every unit accounted for: what left one pocket is in another, and both ledgers and the chain say the same. */
export function reconcile(
  before: Books,
  after: Books,
  claimed: bigint,
): { reconciled: boolean; lines: readonly string[] } {
  const sum = ({ balances }: Books) => Object.values(balances).reduce((total, amount) => total + amount, 0n)
  const moved = (pocket: keyof Books['balances']) => after.balances[pocket] - before.balances[pocket]
  const checks: readonly [string, boolean][] = [
    [`the two ledgers agree: ${after.authorized} authorised, ${after.charged} charged`, agree(after)],
    [`the claim paid what the vouchers say: ${claimed}`, claimed === after.accepted],
    [
      `the provider's wallet grew by ${moved('providerWallet')}, the escrow shrank by ${-moved('escrow')}`,
      moved('providerWallet') === claimed && moved('escrow') === -claimed,
    ],
    [
      `nothing else moved: user's wallet ${moved('userWallet')}, registry ${moved('registry')}`,
      moved('userWallet') === 0n && moved('registry') === 0n,
    ],
    [`all pockets together hold what they held: ${sum(after)}`, sum(after) === sum(before)],
  ]
  return {
    reconciled: checks.every(([, holds]) => holds),
    lines: checks.map(([what, holds]) => `${holds ? 'ok   ' : 'WRONG'} ${what}`),
  }
}

function agree({ authorized, charged, accepted, providerCharged }: Books): boolean {
  return authorized === accepted && charged === providerCharged && authorized >= charged && charged > 0n
}
