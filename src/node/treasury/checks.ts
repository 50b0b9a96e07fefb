import { existsSync, statfsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { isAbsolute, join } from 'node:path'
import type { WalletEntry } from '../../chain/index.ts'
import type { Config } from '../../config/index.ts'
import { bytes, type ProviderEntry } from '../../core/index.ts'

/** What a check found; `next` says what to do about what is not good. */
export interface CheckResult {
  readonly state: 'ok' | 'warning' | 'problem'
  readonly found: string
  readonly next?: string
}

/** What the checks ask; each of them throws what keeps it from answering. */
export interface CheckParts {
  readonly config: Config
  /** Where the node of this home answers; undefined while none runs. */
  readonly node: () => Promise<string | undefined>
  /** Whether one runs, without asking it. */
  readonly isRunning: () => boolean
  readonly hasPrivateKey: () => boolean
  readonly wallets: () => Promise<readonly WalletEntry[]>
  readonly chain: () => Promise<{
    readonly blockNumber: bigint
    readonly behindSeconds: number
    readonly symbol: string
  }>
  readonly providers: () => Promise<readonly ProviderEntry[]>
}

export type Check = (parts: CheckParts) => Promise<CheckResult>

/** The doctor's questions, by name, in the order they are asked. */
export const checks: Readonly<Record<string, Check>> = {
  node: async ({ node }) => {
    const url = await node()
    if (url === undefined) return { state: 'warning', found: 'not running', next: 'parley up' }
    return { state: 'ok', found: `answers at ${url}` }
  },
  configuration: async ({ config: { paths } }) => {
    const file = paths.configFile
    if (!existsSync(file)) return { state: 'ok', found: 'none: defaults' }
    const isOpen = process.platform !== 'win32' && (statSync(file).mode & 0o022) !== 0
    return isOpen
      ? { state: 'warning', found: `${file} can be written by others`, next: `chmod go-w ${file}` }
      : { state: 'ok', found: file }
  },
  port: async ({ config: { http }, isRunning }) => {
    if (isRunning() || (await isFree(http.host, http.port))) return { state: 'ok', found: `${http.host}:${http.port}` }
    return {
      state: 'problem',
      found: `${http.host}:${http.port} is taken by another program`,
      next: 'choose another http.port',
    }
  },
  disk: async ({ config: { paths } }) => {
    const { bavail, bsize } = statfsSync(paths.dataDirectory)
    const free = bavail * bsize
    if (free < diskBytesMin)
      return { state: 'problem', found: `${bytes(free)} free`, next: `make room at ${paths.dataDirectory}` }
    return { state: 'ok', found: `${bytes(free)} free` }
  },
  models: async ({ config: { models } }) => {
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
  wallet: async ({ config: { wallet, chain }, hasPrivateKey, wallets }) => {
    if (hasPrivateKey()) return { state: 'ok', found: 'a private key is configured' }
    const found = (await wallets()).find(({ alias }) => alias === wallet.name)
    if (found?.problem !== undefined) return { state: 'problem', found: found.problem }
    if (found !== undefined) return { state: 'ok', found: `${wallet.name} ${found.address ?? ''}` }
    const isNeeded = chain.rpcUrls.length > 0
    return {
      state: isNeeded ? 'warning' : 'ok',
      found: `none named ${wallet.name}`,
      ...(isNeeded && { next: 'parley wallet new' }),
    }
  },
  chain: async ({ config: { chain }, chain: check }) => {
    if (chain.rpcUrls.length === 0) return { state: 'ok', found: 'none configured: own models and upstreams only' }
    const { blockNumber, behindSeconds, symbol } = await check()
    const found = `chain ${chain.id} at block ${blockNumber}, paid in ${symbol}`
    if (Math.abs(behindSeconds) <= behindSecondsMax) return { state: 'ok', found }
    return {
      state: 'warning',
      found: `${found}, ${behindSeconds} s behind this clock`,
      next: 'check the clock and the RPC endpoint',
    }
  },
  providers: async ({ config: { chain }, providers }) => {
    if (chain.rpcUrls.length === 0) return { state: 'ok', found: 'none: no chain' }
    const list = await providers()
    const active = list.filter(({ exitAt }) => exitAt === undefined).length
    return { state: active === 0 ? 'warning' : 'ok', found: `${active} active of ${list.length} registered` }
  },
}

const diskBytesMin = 256 * 1024 * 1024
const behindSecondsMax = 300

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
