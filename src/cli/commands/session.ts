import type { Command } from 'commander'
import { type Channel, ParleyError } from '../../core/index.ts'
import { openAccount } from '../account.ts'
import { chainTime, openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { lookIntoLedger } from '../ledger.ts'
import { table } from '../output.ts'

export function addSession(program: Command): void {
  const session = program
    .command('session')
    .description('money for calls: the escrow account and what was spent from it')
  session
    .command('list')
    .description('list what was authorized, charged and claimed, by provider')
    .option('--provider', 'what this node is owed as a provider, by payer')
    .action(action(list))
  session
    .command('receipt')
    .argument(
      '[request]',
      'request id in the receipt (`requestId` of `receipt.taken` in the log at level debug); the newest receipt when missing',
    )
    .description('print a signed receipt as JSON, for `parley verify`')
    .action(action(receipt))
  session
    .command('deposit')
    .argument('<amount>', 'whole tokens, like 2.50')
    .description('move tokens of the wallet into the escrow, where calls are paid from')
    .addHelpText('after', '\nExample:\n  $ parley session deposit 2.50 --password-file ~/.password')
    .action(action(deposit))
  session
    .command('withdraw')
    .description('take everything back: first asks for the exit, then, after the delay, run it again')
    .action(action(withdraw))
}

async function list({ load, out, clock }: CommandContext, options: { provider?: boolean }): Promise<void> {
  const side = options.provider ? 'provider' : 'user'
  const channels = await lookIntoLedger(load().config, clock, ledger => ledger.channels(side))
  const rows = channels.map(({ key, authorized, charged, claimed }) => [
    side === 'user' ? key.provider : key.payer,
    String(key.epoch),
    String(authorized),
    String(charged),
    String(claimed),
  ])
  const sessions = channels.map(({ key, authorized, charged, claimed, seq }) => ({
    ...key,
    authorized,
    charged,
    claimed,
    seq,
  }))
  out.answer({ sessions }, () =>
    table([side === 'user' ? 'PROVIDER' : 'PAYER', 'EPOCH', 'AUTHORIZED', 'CHARGED', 'CLAIMED'], rows),
  )
}

async function receipt({ load, out, clock }: CommandContext, request?: string): Promise<void> {
  const found = await lookIntoLedger(load().config, clock, ledger => {
    const channels = ledger.channels('user')
    if (request === undefined) return newest(channels)
    const all = channels.flatMap(({ key }) => ledger.receipts(key, [request]).map(signed => ({ key, signed })))
    return all[0]
  })
  if (found === undefined)
    throw new ParleyError('not_found', 'there is no such receipt in the ledger of this node; see `parley session list`')
  const { key, signed } = found
  const { chainId, escrow, provider } = key
  out.answer({ domain: { chainId, escrow }, provider, receipt: signed }, value =>
    JSON.stringify({ v: 1, ...value }, (_, field: unknown) => (typeof field === 'bigint' ? String(field) : field), 2),
  )
}

function newest(channels: readonly Channel[]) {
  const signed = channels.flatMap(({ key, receipt: last }) => (last === undefined ? [] : [{ key, signed: last }]))
  return signed.sort((a, b) => Number(b.signed.message.endedAt - a.signed.message.endedAt))[0]
}

async function deposit(context: CommandContext, amount: string): Promise<void> {
  const { out, signal, load, prompt } = context
  const { config } = load()
  const { createEscrowPayer, createEscrowReader, createSender, createSigner } = await import('../../chain/index.ts')
  const { sessionKeyFor } = await import('../../node/treasury/index.ts')
  const { chain, parse, format } = await openChain(context, config)
  const tokens = parse(amount)
  const account = await openAccount(context, config)
  const sessionKey = await sessionKeyFor(
    chain,
    account.address,
    async of => createSigner(account.sessionKey(of)).address,
    signal,
  )
  await prompt.confirm(`Move ${format(tokens)} of ${account.address} into the escrow?`)
  const sent = await createEscrowPayer(createSender(chain, account)).deposit(tokens, sessionKey, signal)
  const { free } = await createEscrowReader(chain).account(account.address, signal)
  out.answer({ transaction: sent.hash, gasUsed: sent.gasUsed, payer: account.address, free }, () =>
    [`deposited ${format(tokens)}; the escrow holds ${format(free)}`, sent.hash].join('\n'),
  )
}

async function withdraw(context: CommandContext): Promise<void> {
  const { out, signal, load, clock, prompt } = context
  const { config } = load()
  const { createEscrowPayer, createEscrowReader, createSender } = await import('../../chain/index.ts')
  const { chain } = await openChain(context, config)
  const account = await openAccount(context, config)
  const payer = createEscrowPayer(createSender(chain, account))
  const { exitReadyAt } = await createEscrowReader(chain).account(account.address, signal)
  if (exitReadyAt === undefined) {
    await prompt.confirm('Close the escrow account? Providers can claim what you owe until the delay is over.')
    const { hash } = await payer.requestExit(signal)
    const ready = (await createEscrowReader(chain).account(account.address, signal)).exitReadyAt ?? 0n
    return out.answer(
      { state: 'exit-requested', transaction: hash, readyAt: ready },
      () => `run this again after ${time(ready)}`,
    )
  }
  if (exitReadyAt > (await chainTime(context, chain))) {
    return out.answer({ state: 'waiting', readyAt: exitReadyAt }, () => `run this again after ${time(exitReadyAt)}`)
  }
  const providers = await lookIntoLedger(config, clock, ledger =>
    ledger.channels('user').map(({ key }) => key.provider),
  )
  const { hash } = await payer.withdraw([...new Set(providers)], signal)
  out.answer({ state: 'withdrawn', transaction: hash }, () => `withdrawn to ${account.address}\n${hash}`)
}

function time(seconds: bigint): string {
  return new Date(Number(seconds) * 1_000).toISOString()
}
