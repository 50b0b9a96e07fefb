import type { Command } from 'commander'
import type { RegistryEntry } from '../../chain/index.ts'
import { type Config, createDirectories } from '../../config/index.ts'
import { ParleyError, type ProviderEntry } from '../../core/index.ts'
import { addressOf, openAccount } from '../account.ts'
import { type ChainAccess, chainTime, openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { pairs } from '../output.ts'
import { readProviders } from '../registry.ts'
import { addClaim } from './claim.ts'
import { addOffers } from './offers.ts'

interface EntryOptions {
  endpoint?: string
  signer?: string
  payout?: string
}

export function addProvider(program: Command): void {
  const provider = program
    .command('provider')
    .description('selling: the entry in the registry, its stake and what was earned')
  withEntryOptions(provider.command('register'))
    .description('enter the registry with a stake')
    .option('--stake <amount>', 'whole tokens; the least the registry asks when missing')
    .addHelpText('after', '\nExample:\n  $ parley provider register --stake 100 --endpoint /dns4/node.example/tcp/7276')
    .action(action(register))
  withEntryOptions(provider.command('update')).description('change endpoint, signer or payout').action(action(update))
  provider
    .command('stake')
    .argument('<amount>', 'whole tokens to add')
    .description('add to the stake')
    .action(action(stake))
  provider
    .command('exit')
    .description('leave the registry: first asks for the exit, then, after the unbonding time, run it again')
    .action(action(exit))
  addClaim(provider)
  addOffers(provider)
  provider.command('status').description('show the entry of this wallet in the registry').action(action(status))
}

function withEntryOptions(command: Command): Command {
  return command
    .option('--endpoint <multiaddr>', 'where peers reach this node; p2p.announce when missing')
    .option('--signer <address>', 'who signs quotes and receipts; the wallet when missing')
    .option('--payout <address>', 'who is paid; the wallet when missing')
}

/** What every command that writes to the registry needs. */
async function atRegistry(context: CommandContext) {
  const { config } = context.load()
  createDirectories(config.paths)
  const access = await openChain(context, config)
  const account = await openAccount(context, config)
  const { createRegistryMember, createSender, readRegistryTerms } = await import('../../chain/index.ts')
  const member = createRegistryMember(createSender(access.chain, account))
  return { config, access, account, member, terms: () => readRegistryTerms(access.chain, context.signal) }
}

async function register(context: CommandContext, options: EntryOptions & { stake?: string }): Promise<void> {
  const { config, access, account, member, terms } = await atRegistry(context)
  const { entryOf } = await import('../../node/treasury/index.ts')
  const entry = await entryOf(config, account.address, options)
  const amount = options.stake === undefined ? (await terms()).minStake : access.parse(options.stake)
  await context.prompt.confirm(`Stake ${access.format(amount)} and be found at ${entry.endpoint}?`)
  const { hash, gasUsed } = await member.register(entry, amount, context.signal)
  context.out.answer({ provider: account.address, ...entry, stake: amount, transaction: hash, gasUsed }, () =>
    [`registered ${account.address} with ${access.format(amount)}`, hash].join('\n'),
  )
}

async function update(context: CommandContext, options: EntryOptions): Promise<void> {
  const { config, access, account, member } = await atRegistry(context)
  const { reachedAt } = await import('../../node/treasury/index.ts')
  const known = await ownEntry(context, config, access, account.address)
  const { endpoint, peerId, signer, payout } = known
  const base = options.endpoint === undefined ? { endpoint, peerId } : await reachedAt(config, options.endpoint)
  const given = { ...(options.signer && { signer: options.signer }), ...(options.payout && { payout: options.payout }) }
  const entry = { signer, payout, ...base, ...given } as RegistryEntry
  const { hash, gasUsed } = await member.update(entry, context.signal)
  context.out.answer({ provider: account.address, ...entry, transaction: hash, gasUsed }, () => `updated\n${hash}`)
}

async function stake(context: CommandContext, amount: string): Promise<void> {
  const { access, account, member } = await atRegistry(context)
  const tokens = access.parse(amount)
  await context.prompt.confirm(`Add ${access.format(tokens)} of ${account.address} to its stake?`)
  const { hash, gasUsed } = await member.topUp(tokens, context.signal)
  context.out.answer({ provider: account.address, added: tokens, transaction: hash, gasUsed }, () => `staked\n${hash}`)
}

async function exit(context: CommandContext): Promise<void> {
  const { out, prompt, signal } = context
  const { config, access, account, member } = await atRegistry(context)
  const { exitAt } = await ownEntry(context, config, access, account.address)
  if (exitAt === undefined) {
    await prompt.confirm('Leave the registry? The stake stays locked for the unbonding time.')
    const { hash } = await member.requestExit(signal)
    const readyAt = (await ownEntry(context, config, access, account.address)).exitAt ?? 0n
    return out.answer(
      { state: 'exit-requested', readyAt, transaction: hash },
      () => `run this again after ${time(readyAt)}`,
    )
  }
  if (exitAt > (await chainTime(context, access.chain))) {
    return out.answer({ state: 'waiting', readyAt: exitAt }, () => `run this again after ${time(exitAt)}`)
  }
  const { hash } = await member.withdraw(signal)
  out.answer({ state: 'withdrawn', transaction: hash }, () => `the stake is back at ${account.address}\n${hash}`)
}

async function status(context: CommandContext): Promise<void> {
  const { config } = context.load()
  createDirectories(config.paths)
  const access = await openChain(context, config)
  const entry = await ownEntry(context, config, access, await addressOf(context, config))
  context.out.answer({ token: access.description, ...entry }, () =>
    pairs([
      ['provider', entry.provider],
      ['stake', access.format(entry.stake)],
      ['state', entry.exitAt === undefined ? 'active' : `leaving, stake free after ${time(entry.exitAt)}`],
      ['endpoint', entry.endpoint],
      ['peer id', entry.peerId || '-'],
      ['signer', entry.signer],
      ['payout', entry.payout],
      ['offers', String(entry.offers.length)],
    ]),
  )
}

async function ownEntry(
  context: CommandContext,
  config: Config,
  access: ChainAccess,
  address: string,
): Promise<ProviderEntry> {
  const directory = await readProviders(context, config, access)
  const entry = directory.list().find(({ provider }) => provider.toLowerCase() === address.toLowerCase())
  if (entry !== undefined) return entry
  throw new ParleyError('not_found', `${address} is not in the registry; enter it with \`parley provider register\``)
}

function time(seconds: bigint): string {
  return new Date(Number(seconds) * 1_000).toISOString()
}
