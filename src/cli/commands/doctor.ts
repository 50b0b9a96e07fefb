import { existsSync, statfsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { isAbsolute, join } from 'node:path'
import type { Command } from 'commander'
import { type Config, createDirectories, type LoadedConfig, walletPrivateKey } from '../../config/index.ts'
import { ParleyError } from '../../core/index.ts'
import { openChain } from '../chain-access.ts'
import { action, type CommandContext } from '../context.ts'
import { table } from '../output.ts'
import { bytes } from '../progress.ts'
import { readProviders } from '../registry.ts'
import { findNode } from '../running-node.ts'

/** One question and its answer; `next` says what to do about an answer that is not good. */
interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly found: string
  readonly next?: string
}

type Check = (context: CommandContext, config: Config) => Promise<Omit<Finding, 'check'>>

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
  const findings: Finding[] = []
  for (const [check, look] of Object.entries(checks)) {
    if (!out.isJson && context.stderr.isTTY) out.say(`looking at ${check}`)
    findings.push({ check, ...(await answered(look, context, config)) })
  }
  const rows = findings.map(({ check, state, found, next }) => [state, check, found, next ?? ''])
  const isHealthy = findings.every(({ state }) => state !== 'problem')
  out.answer({ healthy: isHealthy, findings }, () => table(['', 'CHECK', 'FOUND', 'NEXT'], rows))
  if (!isHealthy) process.exitCode = 1
}

async function answered(look: Check, context: CommandContext, config: Config): Promise<Omit<Finding, 'check'>> {
  try {
    return await look(context, config)
  } catch (cause) {
    const { code, message } = ParleyError.from(cause, context.signal)
    if (code === 'cancelled') throw cause
    return { state: 'problem', found: message }
  }
}

const checks: Readonly<Record<string, Check>> = {
  node: async ({ signal }, { paths }) => {
    const node = findNode(paths)
    if (node === undefined) return { state: 'warning', found: 'not running', next: 'parley up' }
    await node.read('/healthz/live', AbortSignal.any([signal, AbortSignal.timeout(5_000)]))
    return { state: 'ok', found: `answers at ${node.url}` }
  },
  configuration: async (_, { paths }) => {
    const file = paths.configFile
    if (!existsSync(file)) return { state: 'ok', found: 'none: defaults' }
    const isOpen = process.platform !== 'win32' && (statSync(file).mode & 0o022) !== 0
    return isOpen
      ? { state: 'warning', found: `${file} can be written by others`, next: `chmod go-w ${file}` }
      : { state: 'ok', found: file }
  },
  port: async (_, { http, paths }) => {
    if (findNode(paths) !== undefined || (await isFree(http.host, http.port)))
      return { state: 'ok', found: `${http.host}:${http.port}` }
    return {
      state: 'problem',
      found: `${http.host}:${http.port} is taken by another program`,
      next: 'choose another http.port',
    }
  },
  disk: async (_, { paths }) => {
    const { bavail, bsize } = statfsSync(paths.dataDirectory)
    const free = bavail * bsize
    if (free < 256 * 1024 * 1024)
      return { state: 'problem', found: `${bytes(free)} free`, next: `make room at ${paths.dataDirectory}` }
    return { state: 'ok', found: `${bytes(free)} free` }
  },
  models: async (_, { models }) => {
    const paths = models.local.map(({ path }) => (isAbsolute(path) ? path : join(models.directory, path)))
    const missing = paths.filter(path => !existsSync(path))
    if (missing.length > 0) return { state: 'problem', found: `missing: ${missing.join(', ')}`, next: 'parley pull' }
    if ((paths.length > 0 || models.nano) && !hasEngine()) {
      return {
        state: 'problem',
        found: 'node-llama-cpp is not installed',
        next: 'npm install node-llama-cpp, or set models.nano = false',
      }
    }
    return { state: 'ok', found: `${paths.length} local${models.nano ? ' and the built-in one' : ''}` }
  },
  wallet: async ({ random }, config) => {
    const { wallet, chain, paths } = config
    if (walletPrivateKey(config) !== undefined) return { state: 'ok', found: 'a private key is configured' }
    const { createWallets } = await import('../../chain/index.ts')
    const wallets = await createWallets({ directory: paths.walletsDirectory, random }).list()
    const found = wallets.find(({ alias }) => alias === wallet.name)
    if (found?.problem !== undefined) return { state: 'problem', found: found.problem }
    if (found !== undefined) return { state: 'ok', found: `${wallet.name} ${found.address ?? ''}` }
    const isNeeded = chain.rpcUrls.length > 0
    return {
      state: isNeeded ? 'warning' : 'ok',
      found: `none named ${wallet.name}`,
      ...(isNeeded && { next: 'parley wallet new' }),
    }
  },
  chain: async (context, config) => {
    if (config.chain.rpcUrls.length === 0)
      return { state: 'ok', found: 'none configured: own models and upstreams only' }
    const { chain, description } = await openChain(context, config)
    const { blockNumber, behindSeconds } = await chain.check(context.signal)
    const found = `chain ${config.chain.id} at block ${blockNumber}, paid in ${description.symbol}`
    if (Math.abs(behindSeconds) <= 300) return { state: 'ok', found }
    return {
      state: 'warning',
      found: `${found}, ${behindSeconds} s behind this clock`,
      next: 'check the clock and the RPC endpoint',
    }
  },
  providers: async (context, config) => {
    if (config.chain.rpcUrls.length === 0) return { state: 'ok', found: 'none: no chain' }
    const list = (await readProviders(context, config, await openChain(context, config))).list()
    const active = list.filter(({ exitAt }) => exitAt === undefined).length
    return { state: active === 0 ? 'warning' : 'ok', found: `${active} active of ${list.length} registered` }
  },
}

function hasEngine(): boolean {
  try {
    import.meta.resolve('node-llama-cpp')
    return true
  } catch {
    return false
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
