import type { Command } from 'commander'
import { createDirectories } from '../../config/index.ts'
import type { ProviderEntry } from '../../core/index.ts'
import { openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { table } from '../output.ts'
import { readProviders } from '../registry.ts'

export function addProviders(program: Command): void {
  program
    .command('providers')
    .description('list the providers of the registry, read from the chain now')
    .addHelpText('after', '\nExample:\n  $ parley providers --json | jq ".providers[].endpoint"')
    .action(
      action(async (context: CommandContext) => {
        const { config } = context.load()
        createDirectories(config.paths)
        const access = await openChain(context, config)
        const providers = (await readProviders(context, config, access)).list()
        context.out.answer({ token: access.description, providers }, () =>
          table(headings, providers.map(row(access.format))),
        )
      }),
    )
}

const headings = ['PROVIDER', 'STAKE', 'OFFERS', 'STATE', 'ENDPOINT']

const row =
  (format: (amount: bigint) => string) =>
  ({ provider, stake, offers, exitAt, endpoint }: ProviderEntry): string[] => [
    provider,
    format(stake),
    String(offers.length),
    exitAt === undefined ? 'active' : 'leaving',
    endpoint,
  ]
