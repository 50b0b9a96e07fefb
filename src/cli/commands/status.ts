import type { Command } from 'commander'
import { z } from 'zod'
import { action } from '../context.ts'
import { pairs } from '../output.ts'
import { requireNode } from '../running-node.ts'

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show the running node; exit 7 when none runs')
    .option('--quick', 'only ask whether it is ready: for health checks; exit 0 or not')
    .addHelpText('after', '\nExamples:\n  $ parley status\n  $ parley status --json --quick')
    .action(
      action(async ({ load, out, signal }, { quick }: { quick?: boolean }) => {
        const node = requireNode(load().config.paths)
        const bound = AbortSignal.any([signal, AbortSignal.timeout(quick ? 3_000 : 10_000)])
        const status = (await node.read(quick ? '/healthz/ready' : '/api/status', bound)) as Record<string, unknown>
        out.answer({ ...status, pid: node.pid, url: node.url }, shown)
      }),
    )
}

const Target = z.looseObject({
  name: z.string(),
  state: z.string(),
  coolsDownForMs: z.number(),
  running: z.number(),
  lastErrorCode: z.string().optional(),
})

/** Everything but the targets that are well: of those there may be many, and nothing is to be told. */
function shown({ targets, ...status }: Record<string, unknown>): string {
  const resting = z
    .array(Target)
    .default([])
    .parse(targets)
    .filter(({ state }) => state !== 'closed')
  return pairs([
    ...flatten(status),
    ...resting.map((target): [string, string] => [`target ${target.name}`, told(target)]),
  ])
}

function told({ state, coolsDownForMs, running, lastErrorCode }: z.infer<typeof Target>): string {
  const cooling =
    state === 'open' ? `cools down for ${Math.ceil(coolsDownForMs / 1_000)} s` : 'one call finds out whether it is well'
  const failed = lastErrorCode === undefined ? '' : `, it failed with ${lastErrorCode}`
  return `${state}: ${cooling}${failed}; ${running} running`
}

/** Nested values under dotted names, so that whatever the node tells can be shown. */
function flatten(value: object, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([name, field]: [string, unknown]): [string, string][] => {
    const path = prefix + name
    if (typeof field !== 'object' || field === null) return [[path, String(field ?? '-')]]
    if (Array.isArray(field) && field.every(item => typeof item !== 'object')) return [[path, field.join(', ') || '-']]
    return flatten(field, `${path}.`)
  })
}
