import type { Command } from 'commander'
import { createDirectories } from '../../config/index.ts'
import type { KeyStore } from '../../store/index.ts'
import { openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { table } from '../output.ts'

export function addKey(program: Command): void {
  const key = program.command('key').description('the API keys your apps use; each spends your money')
  key
    .command('new')
    .argument('<name>', 'what the key is for')
    .description('make a key; it is shown once and never again')
    .option('--max-price <amount>', 'the most one call with this key may cost, in whole tokens')
    .option('--max-per-day <amount>', 'the most all calls of a day with this key may cost, in whole tokens')
    .addHelpText('after', '\nExamples:\n  $ parley key new editor\n  $ export OPENAI_API_KEY=$(parley key new app)')
    .action(
      action(async (context, name: string, { maxPrice, maxPerDay }: LimitOptions) => {
        const limits = {
          ...(maxPrice !== undefined && { maxPrice: await inSmallestUnit(context, maxPrice) }),
          ...(maxPerDay !== undefined && { maxPerDay: await inSmallestUnit(context, maxPerDay) }),
        }
        const made = await withKeys(context, keys => keys.create(name, limits))
        context.out.answer(made, ({ secret }) => secret)
        context.out.say(`this is key ${made.id}; it is not shown again`)
      }),
    )
  key
    .command('list')
    .description('list the keys, without their secrets')
    .action(
      action(async context => {
        const keys = await withKeys(context, store => store.list())
        const rows = keys.map(({ id, name, tail, createdAt, revokedAt }) => [
          id,
          name,
          `…${tail}`,
          day(createdAt),
          revokedAt === undefined ? 'active' : `revoked ${day(revokedAt)}`,
        ])
        context.out.answer({ keys }, () => table(['ID', 'NAME', 'ENDS', 'MADE', 'STATE'], rows))
      }),
    )
  key
    .command('revoke')
    .argument('<id>', 'an id of `parley key list`')
    .description('end a key; a running node refuses it within a second')
    .action(
      action(async (context, id: string) => {
        const revoked = await withKeys(context, keys => keys.revoke(id))
        context.out.answer(revoked, ({ name }) => `revoked ${id} (${name})`)
      }),
    )
}

interface LimitOptions {
  maxPrice?: string
  maxPerDay?: string
}

export async function withKeys<T>({ load, clock, random }: CommandContext, use: (keys: KeyStore) => T): Promise<T> {
  const { paths } = load().config
  createDirectories(paths)
  const { createKeyStore } = await import('../../store/index.ts')
  const keys = createKeyStore(paths.keysFile, { clock, random })
  try {
    return use(keys)
  } finally {
    keys.close()
  }
}

/** How many decimals an amount has is known to the chain. */
async function inSmallestUnit(context: CommandContext, amount: string): Promise<bigint> {
  return (await openChain(context, context.load().config)).parse(amount)
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
