import type { Command } from 'commander'
import { openBrowser } from '../browser.ts'
import { action, type CommandContext } from '../context.ts'
import { pairs } from '../output.ts'
import { openStage, type Stage } from '../stage.ts'

export function addDev(program: Command): void {
  program
    .command('dev')
    .description('try everything on this machine: a chain, a provider and your node, until Ctrl-C')
    .option('--port <port>', 'port of the endpoint; the system chooses when missing', '0')
    .option('--no-open', 'do not open the page of your node in a browser')
    .option('--deposit <amount>', 'whole tokens to put into the escrow', '10')
    .addHelpText('after', '\nExamples:\n  $ parley dev\n  $ parley dev --json | jq -r .baseUrl')
    .action(action(dev))
}

interface DevOptions {
  port: string
  deposit: string
  open: boolean
}

async function dev(context: CommandContext, { port, deposit, open }: DevOptions): Promise<void> {
  const { out, signal, env } = context
  const stage = await openStage({ env, signal, port: Number(port), deposit, say: out.say })
  try {
    if (out.isJson) out.answer(about(stage), () => '')
    else out.print(screen(stage))
    if (open && stage.pageUrl !== null && !out.isJson) openBrowser(stage.pageUrl, context)
    await Promise.race([stage.lost, new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))])
  } finally {
    out.say('stopping')
    await stage.stop()
  }
}

function about({ stop: _stop, lost: _lost, as: _as, gas: _gas, ...facts }: Stage): object {
  return facts
}

function screen({ baseUrl, pageUrl, apiKey, model, rpcUrl, provider, payer }: Stage): string {
  const facts = pairs([
    ['base URL', baseUrl],
    ...(pageUrl === null ? [] : [['page', pageUrl] as const]),
    ['key', apiKey],
    ['model', model],
    ['chain', rpcUrl],
    ['provider', provider],
    ['payer', payer],
  ])
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'What is 7 plus 5?' }] })
  const curl = `curl -N ${baseUrl}/chat/completions -H 'authorization: Bearer ${apiKey}' -H 'content-type: application/json' -d '${body}'`
  return `${facts}\n\n${curl}`
}
