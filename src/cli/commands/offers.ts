import type { Command } from 'commander'
import { z } from 'zod'
import { openAccount } from '../account.ts'
import { openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { table } from '../output.ts'
import { requireNode } from '../running-node.ts'

export function addOffers(provider: Command): void {
  provider
    .command('offers')
    .description('write the prices of the running provider into the registry, for everybody to compare')
    .addHelpText('after', '\nThe signed quote decides what a call costs; the offer is the list price.')
    .action(action(publish))
}

const selling = z.object({
  selling: z.array(
    z.object({
      model: z.string(),
      modelId: z.string(),
      unit: z.string().default('tokens'),
      priceIn: z.string(),
      priceOut: z.string(),
      contextTokens: z.number(),
      capabilities: z.array(z.string()),
    }),
  ),
})

async function publish(context: CommandContext): Promise<void> {
  const { load, out, prompt, signal } = context
  const { config } = load()
  const { createRegistryOffers, createSender } = await import('../../chain/index.ts')
  const { listedOffer } = await import('../../node/treasury/index.ts')
  const sold = selling.parse(await requireNode(config.paths).read('/api/status', signal)).selling
  const { chain, format } = await openChain(context, config)
  const account = await openAccount(context, config)
  const offers = sold.map(listedOffer)
  await prompt.confirm(`Write the prices of ${offers.length} models into the registry?`)
  const { hash, gasUsed } = await createRegistryOffers(createSender(chain, account)).set(offers, signal)
  const rows = sold.map(({ model, unit, priceIn, priceOut }) => [
    ...[model, format(BigInt(priceIn)), format(BigInt(priceOut)), unit],
  ])
  out.answer({ provider: account.address, offers: sold, transaction: hash, gasUsed }, () =>
    [table(['MODEL', 'PER MILLION IN', 'PER MILLION OUT', 'UNIT'], rows), hash].join('\n'),
  )
}
