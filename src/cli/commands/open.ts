import type { Command } from 'commander'
import { z } from 'zod'
import { ParleyError } from '../../core/index.ts'
import { openBrowser } from '../browser.ts'
import { action, type CommandContext } from '../context.ts'
import { requireNode } from '../running-node.ts'

interface OpenOptions {
  open: boolean
}

export function addOpen(program: Command): void {
  program
    .command('open')
    .description('open the page of the running node, with a code that lets you in once')
    .option('--no-open', 'only print the address')
    .addHelpText('after', '\nExamples:\n  $ parley open\n  $ parley open --json | jq -r .pageUrl')
    .action(action(openPage))
}

const linkMs = 10_000
const Link = z.object({ code: z.string() })

async function openPage(context: CommandContext, { open }: OpenOptions): Promise<void> {
  const { load, out, signal } = context
  const { config } = load()
  const node = requireNode(config.paths)
  if (!config.ui.enabled) throw new ParleyError('unsupported', 'this node serves no page; set ui.enabled = true')
  const bound = AbortSignal.any([signal, AbortSignal.timeout(linkMs)])
  const link = await node.request('/api/auth/link', { signal: bound, body: {} })
  const { code } = Link.parse(await link.json())
  const pageUrl = `${node.url}/#code=${code}`
  out.answer({ pageUrl }, () => pageUrl)
  if (open && !out.isJson) openBrowser(pageUrl, context)
}
