import type { Command } from 'commander'
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
        out.answer({ ...status, pid: node.pid, url: node.url }, value => pairs(flatten(value)))
      }),
    )
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
