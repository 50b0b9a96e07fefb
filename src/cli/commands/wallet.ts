import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Config } from '../../config/index.ts'
import { createDirectories } from '../../config/index.ts'
import { ParleyError } from '../../core/index.ts'
import { addressOf } from '../account.ts'
import { openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { pairs, table } from '../output.ts'
import { newPassword } from '../password.ts'
import { readAll } from '../prompt.ts'

export function addWallet(program: Command): void {
  const wallet = program
    .command('wallet')
    .description('the accounts that pay and are paid, as encrypted keystore files')
  wallet
    .command('new')
    .argument('[name]', 'what to call it; the configured wallet when missing')
    .description('make a new account')
    .addHelpText('after', '\nExample:\n  $ parley wallet new savings --password-file ~/.savings-password')
    .action(action(create))
  wallet
    .command('import')
    .argument('<name>', 'what to call it here')
    .argument(
      '[file]',
      'keystore file of geth, foundry or another wallet, or a private key; standard input when missing',
    )
    .description('take in an account')
    .addHelpText('after', importExamples)
    .action(action(take))
  wallet.command('list').description('list the accounts').action(action(list))
  wallet.command('balance').description('show what the wallet and its escrow account hold').action(action(balance))
}

const importExamples = `
Examples:
  $ parley wallet import main ~/.foundry/keystores/main
  $ pass show eth-key | parley wallet import main --password-file ~/.password`

async function create(context: CommandContext, name?: string): Promise<void> {
  const { config } = context.load()
  const alias = name ?? config.wallet.name
  const made = await (await wallets(context, config)).create(alias, await newPassword(context, config, alias))
  context.out.answer(made, ({ address, path }) => `${address}\n${path}`)
  context.out.say('back it up: without this file and its password the money is lost')
}

async function take(context: CommandContext, name: string, file?: string): Promise<void> {
  const { config } = context.load()
  const text = file === undefined ? await readAll(context.stdin, keyFileBytesMax) : await readKeyFile(file)
  const source = text.trimStart().startsWith('{')
    ? {
        keystore: text,
        password: await context.prompt.secret('password of the file: ', 'import its private key instead'),
      }
    : { privateKey: text }
  const password = await newPassword(context, config, name)
  const made = await (await wallets(context, config)).import(name, source, password)
  context.out.answer(made, ({ address, path }) => `${address}\n${path}`)
}

async function list(context: CommandContext): Promise<void> {
  const { config } = context.load()
  const found = await (await wallets(context, config)).list()
  const used = config.wallet.name
  const rows = found.map(({ alias, address, problem }) => [
    alias === used ? `${alias} *` : alias,
    address ?? '-',
    problem ?? '',
  ])
  context.out.answer({ wallets: found, used }, () => table(['WALLET', 'ADDRESS', ''], rows))
}

async function balance(context: CommandContext): Promise<void> {
  const { config } = context.load()
  const address = await addressOf(context, config)
  const access = await openChain(context, config)
  const { createEscrowReader } = await import('../../chain/index.ts')
  const [tokens, gas, { free }] = await Promise.all([
    access.token.balance(address, context.signal),
    access.token.gasBalance(address, context.signal),
    createEscrowReader(access.chain).account(address, context.signal),
  ])
  context.out.answer({ address, token: access.description, tokens, escrow: free, gas }, () =>
    pairs([
      ['address', address],
      ['in the wallet', access.format(tokens)],
      ['in the escrow', access.format(free)],
      ['for gas (wei)', String(gas)],
    ]),
  )
}

const keyFileBytesMax = 65_536

async function wallets({ random }: CommandContext, { paths }: Config) {
  createDirectories(paths)
  const { createWallets } = await import('../../chain/index.ts')
  return createWallets({ directory: paths.walletsDirectory, random })
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ParleyError('not_found', `${path} cannot be read; check the path`, { cause })
  }
}
