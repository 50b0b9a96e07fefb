import type { Command } from 'commander'
import { type Config, walletPassword } from '../../config/index.ts'
import { ParleyError, within } from '../../core/index.ts'
import type { ParleyNode } from '../../node/index.ts'
import { openBrowser } from '../browser.ts'
import { action, type CommandContext } from '../context.ts'
import { clean, pairs } from '../output.ts'

interface UpOptions {
  provide?: boolean
  untilStdinEnds?: boolean
  open: boolean
}

export function addUp(program: Command): void {
  const examples = '\nExamples:\n  $ parley up\n  $ parley up --http-port 8123 --json | jq -r .baseUrl'
  lifetime(program.command('up'))
    .description('run your node: the endpoint for your apps; with --provide it also sells')
    .option('--provide', 'also sell the answers of your own models')
    .addHelpText('after', examples)
    .action(action((context: CommandContext, options: UpOptions) => up(context, options)))
  lifetime(program.command('provide'))
    .description('run your node as provider and user: the same as parley up --provide')
    .action(action((context: CommandContext, options: UpOptions) => up(context, { ...options, provide: true })))
}

function lifetime(command: Command): Command {
  return command
    .option('--until-stdin-ends', 'also stop when standard input ends: for programs that start a node')
    .option('--no-open', 'do not open the page of the node in a browser')
}

/** Runs a node from start to stop. Being told to stop is how a node is meant to end: exit 0. */
async function up(context: CommandContext, { provide, untilStdinEnds, open }: UpOptions): Promise<void> {
  const reread = () => context.load(provide ? { 'provider.enabled': true } : {}).config
  const config = reread()
  const ready = await withPassword(context, config)
  const { createNode } = await import('../../node/index.ts')
  const { env, clock, random, stderr } = context
  const writeLog = (line: string) => void stderr.write(`${line}\n`)
  const node = await createNode({ config: ready, reread, env, clock, random, writeLog })
  const signal = untilStdinEnds ? AbortSignal.any([context.signal, endOf(context.stdin)]) : context.signal
  try {
    await node.start(signal)
  } catch (cause) {
    if (signal.aborted) return
    throw cause
  }
  const pageUrl = await pageOf(node)
  announce(context, node, config, pageUrl)
  if (open && pageUrl !== undefined && !context.out.isJson) openBrowser(pageUrl, context)
  // What goes wrong is in the log, and the setup that runs stays.
  context.onHangup(() => void node.live.reload().catch(() => {}))
  await aborted(signal)
  context.out.say('stopping')
  await within(node.stop(), config.timeouts.stopMs + stopMarginMs, 'stopping the node')
}

/** Over the time running answers have: for closing sockets and files. */
const stopMarginMs = 5_000

/** A node that pays or is paid needs its wallet: asked for here, where somebody may sit, and not in the node. */
async function withPassword({ prompt }: CommandContext, config: Config): Promise<Config> {
  const { wallet, chain, paths } = config
  const isNeeded = chain.rpcUrls.length > 0 && wallet.privateKey === undefined && wallet.privateKeyFile === undefined
  const configured = walletPassword(config)
  if (!isNeeded || configured !== undefined || !prompt.isInteractive) {
    return configured === undefined ? config : { ...config, wallet: { ...wallet, password: configured } }
  }
  const { createWallets } = await import('../../chain/index.ts')
  const { systemRandom } = await import('../../core/index.ts')
  const wallets = await createWallets({ directory: paths.walletsDirectory, random: systemRandom }).list()
  if (!wallets.some(({ alias }) => alias === wallet.name)) return config
  const password = await prompt.secret(`password of wallet ${wallet.name}: `, 'give it with --password-file')
  return { ...config, wallet: { ...wallet, password } }
}

/** A node without a code for its page is a node all the same. */
async function pageOf(node: ParleyNode): Promise<string | undefined> {
  return await node.page().catch(() => undefined)
}

/** The first screen, or one line of JSON once the node answers. */
function announce({ out }: CommandContext, node: ParleyNode, config: Config, pageUrl: string | undefined): void {
  const { url, firstKey } = node
  const status = node.status()
  if (out.isJson) {
    out.answer(
      { baseUrl: url, apiKey: firstKey ?? null, pageUrl: pageUrl ?? null, pid: process.pid, ...status },
      () => '',
    )
    return
  }
  const key = firstKey ?? '$(parley key new my-app)'
  const facts = pairs([
    ['endpoint', url],
    ...(pageUrl === undefined ? [] : [['page', pageUrl] as const]),
    ['key', firstKey === undefined ? 'made before; another: parley key new my-app' : `${firstKey} (shown once)`],
    ['models', status.models.map(clean).join(', ') || 'none yet: see parley pull --help'],
    ['role', status.roles.join(' and ')],
    ['chain', config.chain.rpcUrls.length === 0 ? 'none: it serves your own models only' : String(config.chain.id)],
  ])
  const note = isNanoAlone(status.models) ? `\n${nanoNote}\n` : ''
  out.say(`${out.style('bold', 'Parley is up')}\n\n${facts}\n\n${connecting(url, key, status.models[0])}\n${note}`)
}

const isNanoAlone = (models: readonly string[]) => models.length === 1 && models[0] === 'parley-nano'

const nanoNote = `parley-nano is the tiny built-in model: it shows that everything works and makes things up. For real use:
  parley pull hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf`

function connecting(url: string, key: string, model: string | undefined): string {
  const app = `Connect an app:\n  export OPENAI_BASE_URL=${url} OPENAI_API_KEY=${key}`
  return model === undefined ? app : `${app}\nTry it:\n  parley chat ${clean(model)} "Hello!"`
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Aborted when whoever holds the other end of standard input is gone. */
function endOf(stdin: NodeJS.ReadStream): AbortSignal {
  const controller = new AbortController()
  const end = () => controller.abort(new ParleyError('cancelled', 'standard input has ended'))
  stdin.on('close', end).on('error', end).on('end', end).resume()
  return controller.signal
}
