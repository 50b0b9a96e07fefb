import type { Command } from 'commander'
import type { KeyWish } from '../../auth/index.ts'
import type { KeyRow } from '../../core/index.ts'
import { ParleyError } from '../../core/index.ts'
import { openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { durationMs, shownKey, withKeys } from '../keys.ts'
import { table } from '../output.ts'

export function addKey(program: Command): void {
  const key = program.command('key').description('the API keys your apps use; each spends your money')
  addNew(key)
  key
    .command('list')
    .description('list the keys, without their secrets')
    .action(
      action(async context => {
        const keys = await withKeys(context, drawer => drawer.list())
        const rows = keys.map(row => [
          row.id,
          row.name,
          row.project ?? '',
          `…${row.tail}`,
          day(row.createdAt),
          stateOf(row, context.clock.now()),
        ])
        context.out.answer({ keys: keys.map(shownKey) }, () =>
          table(['ID', 'NAME', 'PROJECT', 'ENDS', 'MADE', 'STATE'], rows),
        )
      }),
    )
  key
    .command('rotate')
    .argument('<id>', 'an id of `parley key list`')
    .description('make a key like this one in its place; the old one works on for a while')
    .option('--grace <time>', 'how long the old one works on: 45m, 12h, 7d', '24h')
    .action(
      action(async (context, id: string, { grace }: { grace: string }) => {
        const made = await withKeys(context, keys => keys.rotate(id, durationMs(grace, '--grace')))
        context.out.answer({ ...shownKey(made.key), secret: made.secret }, ({ secret }) => secret)
        context.out.say(`this is key ${made.key.id}; it is not shown again. ${id} works for ${grace} more`)
      }),
    )
  key
    .command('revoke')
    .argument('<id>', 'an id of `parley key list`')
    .description('end a key; a running node refuses it within a second')
    .action(
      action(async (context, id: string) => {
        const revoked = await withKeys(context, keys => keys.revoke(id))
        context.out.answer(shownKey(revoked), ({ name }) => `revoked ${id} (${name})`)
      }),
    )
}

interface NewOptions {
  maxPrice?: string
  maxPerDay?: string
  project?: string
  models?: string
  rpm?: string
  tpm?: string
  parallel?: string
  expires?: string
  archive?: string
}

function addNew(key: Command): void {
  key
    .command('new')
    .argument('<name>', 'what the key is for')
    .description('make a key; it is shown once and never again')
    .option('--max-price <amount>', 'the most one call with this key may cost, in whole tokens')
    .option('--max-per-day <amount>', 'the most all calls of a day with this key may cost, in whole tokens')
    .option('--project <name>', 'the project its calls are counted for')
    .option('--models <names>', 'the only models it may ask for, separated by commas')
    .option('--rpm <count>', 'calls a minute')
    .option('--tpm <count>', 'tokens a minute')
    .option('--parallel <count>', 'calls at once')
    .option('--expires <time>', 'when it ends by itself: 45m, 12h, 30d')
    .option('--archive <on|off>', 'whether its texts are kept; archive.enabled decides when missing')
    .addHelpText('after', '\nExamples:\n  $ parley key new editor\n  $ export OPENAI_API_KEY=$(parley key new app)')
    .action(
      action(async (context, name: string, options: NewOptions) => {
        const wish = await wishOf(context, name, options)
        const made = await withKeys(context, keys => keys.create(wish))
        context.out.answer({ ...shownKey(made.key), secret: made.secret }, ({ secret }) => secret)
        context.out.say(`this is key ${made.key.id}; it is not shown again`)
      }),
    )
}

async function wishOf(context: CommandContext, name: string, options: NewOptions): Promise<KeyWish> {
  const { maxPrice, maxPerDay, project, models, expires, archive } = options
  if (archive !== undefined && archive !== 'on' && archive !== 'off') {
    throw new ParleyError('usage', `--archive is on or off, not ${JSON.stringify(archive)}`)
  }
  return {
    name,
    ...(maxPrice !== undefined && { maxPrice: await inSmallestUnit(context, maxPrice) }),
    ...(maxPerDay !== undefined && { maxPerDay: await inSmallestUnit(context, maxPerDay) }),
    ...(project !== undefined && { project }),
    ...(models !== undefined && { models: models.split(',').map(model => model.trim()) }),
    ...countOf('rpm', options),
    ...countOf('tpm', options),
    ...countOf('parallel', options),
    ...(expires !== undefined && { expiresAt: context.clock.now() + durationMs(expires, '--expires') }),
    ...(archive !== undefined && { archive }),
  }
}

function countOf(limit: 'rpm' | 'tpm' | 'parallel', options: NewOptions): Partial<KeyWish> {
  const text = options[limit]
  if (text === undefined) return {}
  if (/^[1-9]\d{0,8}$/.test(text)) return { [limit]: Number(text) }
  throw new ParleyError('usage', `--${limit} is a whole number above 0, not ${JSON.stringify(text)}`)
}

function stateOf({ revokedAt, expiresAt, replacedBy }: KeyRow, now: number): string {
  if (revokedAt !== null) return `revoked ${day(revokedAt)}`
  if (expiresAt === null) return 'active'
  if (expiresAt <= now) return `expired ${day(expiresAt)}`
  return `${replacedBy === null ? 'active' : 'replaced'}, ends ${day(expiresAt)}`
}

/** How many decimals an amount has is known to the chain. */
async function inSmallestUnit(context: CommandContext, amount: string): Promise<bigint> {
  return (await openChain(context, context.load().config)).parse(amount)
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
