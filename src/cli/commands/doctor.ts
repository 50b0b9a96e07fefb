import type { Command } from 'commander'
import { type Config, createDirectories, type LoadedConfig, walletPrivateKey } from '../../config/index.ts'
import { ParleyError } from '../../core/index.ts'
import type { CheckParts, CheckResult } from '../../node/treasury/index.ts'
import { openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { table } from '../output.ts'
import { readProviders } from '../registry.ts'
import { findNode } from '../running-node.ts'

/** One question and its answer. */
interface Finding extends CheckResult {
  readonly check: string
}

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look for what is wrong: configuration, wallet, chain, models, ports, disk; exit 1 on a problem')
    .action(action(doctor))
}

async function doctor(context: CommandContext): Promise<void> {
  const { out, load } = context
  const { config }: LoadedConfig = load()
  createDirectories(config.paths)
  const { checks } = await import('../../node/treasury/index.ts')
  const parts = partsOf(context, config)
  const findings: Finding[] = []
  for (const [check, look] of Object.entries(checks)) {
    if (!out.isJson && context.stderr.isTTY) out.say(`looking at ${check}`)
    findings.push({ check, ...(await answered(() => look(parts), context)) })
  }
  const rows = findings.map(({ check, state, found, next }) => [state, check, found, next ?? ''])
  const isHealthy = findings.every(({ state }) => state !== 'problem')
  out.answer({ healthy: isHealthy, findings }, () => table(['', 'CHECK', 'FOUND', 'NEXT'], rows))
  if (!isHealthy) process.exitCode = 1
}

async function answered(look: () => Promise<CheckResult>, context: CommandContext): Promise<CheckResult> {
  try {
    return await look()
  } catch (cause) {
    const { code, message } = ParleyError.from(cause, context.signal)
    if (code === 'cancelled') throw cause
    return { state: 'problem', found: message }
  }
}

const answerMs = 5_000

function partsOf(context: CommandContext, config: Config): CheckParts {
  const { signal, random } = context
  const { paths } = config
  return {
    config,
    node: async () => {
      const node = findNode(paths)
      await node?.read('/healthz/live', AbortSignal.any([signal, AbortSignal.timeout(answerMs)]))
      return node?.url
    },
    isRunning: () => findNode(paths) !== undefined,
    hasPrivateKey: () => walletPrivateKey(config) !== undefined,
    wallets: async () => {
      const { createWallets } = await import('../../chain/index.ts')
      return createWallets({ directory: paths.walletsDirectory, random }).list()
    },
    chain: async () => {
      const { chain, description } = await openChain(context, config)
      return { ...(await chain.check(signal)), symbol: description.symbol }
    },
    providers: async () => (await readProviders(context, config, await openChain(context, config))).list(),
  }
}
