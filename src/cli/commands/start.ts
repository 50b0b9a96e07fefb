import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { type Config, nearest } from '../../config/index.ts'
import { ParleyError } from '../../core/index.ts'
import { action, type CommandContext } from '../context.ts'
import { pairs } from '../output.ts'
import { findNode } from '../running-node.ts'

/** `parley` alone: what is there, and what to do next. */
export function addStart(program: Command): void {
  // Else the program itself would take an unknown command for a wrong number of arguments.
  program.allowExcessArguments().action(
    action(async ({ load, out }: CommandContext) => {
      const [unknown] = program.args
      if (unknown !== undefined) throw unknownCommand(unknown, program)
      const found = whatIsThere(load().config)
      out.answer(found, value => screen(value, out.style('bold', 'Parley')))
    }),
  )
}

function unknownCommand(word: string, program: Command): ParleyError {
  const near = nearest(
    word,
    program.commands.flatMap(command => [command.name(), ...command.aliases()]),
  )
  return new ParleyError(
    'usage',
    `there is no command '${word}'; ${near ? `did you mean parley ${near}?` : 'see parley --help'}`,
  )
}

interface Found {
  readonly configuration: string | null
  readonly wallets: number
  readonly wallet: string
  readonly hasWallet: boolean
  readonly models: readonly string[]
  readonly chain: string | null
  readonly running: { readonly url: string; readonly pid: number } | null
  readonly next: readonly { readonly command: string; readonly what: string }[]
}

function whatIsThere(config: Config): Found {
  const { paths, wallet, chain, models, upstreams } = config
  const names = existsSync(paths.walletsDirectory) ? readdirSync(paths.walletsDirectory) : []
  const node = findNode(paths)
  const facts = {
    configuration: existsSync(paths.configFile) ? paths.configFile : null,
    wallets: names.length,
    wallet: wallet.name,
    hasWallet: names.includes(wallet.name) || wallet.privateKey !== undefined || wallet.privateKeyFile !== undefined,
    models: [
      ...(models.nano ? ['parley-nano'] : []),
      ...models.local.map(({ id }) => id),
      ...upstreams.map(({ name }) => `${name} (upstream)`),
    ],
    chain: chain.rpcUrls.length === 0 ? null : `${chain.id ?? 'unknown'} at ${new URL(chain.rpcUrls[0]!).host}`,
    running: node === undefined ? null : { url: node.url, pid: node.pid },
  }
  return { ...facts, next: nextSteps(facts, config) }
}

function nextSteps(facts: Omit<Found, 'next'>, { paths }: Config): Found['next'] {
  if (facts.running !== null) {
    return [
      { command: 'parley chat parley-nano "Hello!"', what: 'ask a model' },
      { command: 'parley key new my-app', what: 'make a key for an app' },
      { command: 'parley status', what: 'see how the node is' },
    ]
  }
  const first = { command: 'parley dev', what: 'try everything on this machine: chain, provider and user' }
  const up = { command: 'parley up', what: 'start your node' }
  if (facts.chain === null) {
    const example = {
      command: `mkdir -p ${dirname(paths.configFile)} && parley config example > ${paths.configFile}`,
      what: 'name a chain, to buy and sell',
    }
    return facts.configuration === null ? [first, up, example] : [up, first]
  }
  if (!facts.hasWallet)
    return [{ command: `parley wallet new ${facts.wallet}`, what: 'make the account that pays' }, up]
  return [up, { command: 'parley wallet balance', what: 'see what the account holds' }]
}

function screen(found: Found, title: string): string {
  const facts = pairs([
    [
      'node',
      found.running === null ? 'not running' : `running at ${found.running.url}/v1 (process ${found.running.pid})`,
    ],
    ['configuration', found.configuration ?? 'none: defaults'],
    ['chain', found.chain ?? 'none: only your own models and upstreams'],
    ['wallet', found.hasWallet ? found.wallet : `none named ${found.wallet}`],
    ['models here', found.models.join(', ') || 'none'],
  ])
  const next = pairs(found.next.map(({ command, what }) => [`  ${command}`, what]))
  return `${title}\n\n${facts}\n\nNext:\n${next}\n\nAll commands: parley --help`
}
