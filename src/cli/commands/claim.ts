import type { Command } from 'commander'
import { openAccount } from '../account.ts'
import { openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { lookIntoLedger } from '../ledger.ts'
import { table } from '../output.ts'

export function addClaim(provider: Command): void {
  provider
    .command('claim')
    .description('turn the newest voucher of every payer into money; a running node does it by itself')
    .action(action(claim))
}

async function claim(context: CommandContext): Promise<void> {
  const { load, out, signal } = context
  const { config } = load()
  const { createEscrowProvider, createSender } = await import('../../chain/index.ts')
  const { chain, format } = await openChain(context, config)
  const account = await openAccount(context, config)
  const { chainId, escrow } = chain.settings
  const { vouchersFor } = await import('../../node/treasury/index.ts')
  const vouchers = await lookIntoLedger(config, context.clock, ledger =>
    vouchersFor(ledger, { account: account.address, chainId, escrow }),
  )
  const { rows, paid, transactions, failure } = await createEscrowProvider(createSender(chain, account)).claim(
    account.address,
    vouchers,
    signal,
  )
  if (failure !== undefined) out.say(`some vouchers were not sent: ${failure.message}`)
  const paidRows = rows.filter(({ outcome }) => outcome === 'paid')
  const lines = rows.map(row => [
    row.payer,
    format(row.cumulative),
    row.outcome === 'paid' ? format(row.paid) : row.reason,
  ])
  out.answer({ provider: account.address, paid, rows, transactions }, () =>
    [`claimed ${format(paid)} from ${paidRows.length} payers`, table(['PAYER', 'VOUCHER', 'OUTCOME'], lines)].join(
      '\n',
    ),
  )
}
