import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { ParleyError, sleep } from '../core/index.ts'
import { type Model, ModelList } from '../openai/index.ts'
import { type Child, runChild, startChild } from './child.ts'

/** A whole market on this machine, each part a process of its own and nothing of it made up. */
export interface Stage {
  readonly baseUrl: string
  /** Lets a browser in once, within ten minutes. */
  readonly pageUrl: string | null
  readonly apiKey: string
  readonly model: string
  readonly embeddingModel: string | null
  readonly rpcUrl: string
  readonly chainId: number
  readonly registry: string
  readonly escrow: string
  readonly token: string
  readonly provider: string
  readonly payer: string
  readonly peerId: string
  /** Gas of the transactions that set the stage. */
  readonly gas: { readonly register: string; readonly deposit: string }
  /** Runs a command as one of the two, and gives what it answers. */
  readonly as: { readonly provider: Run; readonly user: Run }
  /** Homes of the two nodes. */
  readonly homes: { readonly provider: string; readonly user: string }
  readonly pids: { readonly chain: number; readonly provider: number; readonly user: number }
  /** Rejects when one of the processes is gone; never resolves. */
  readonly lost: Promise<never>
  /** Ends all in reverse order and removes what they wrote. */
  readonly stop: () => Promise<void>
}

type Run = (what: string, args: readonly string[]) => Promise<Record<string, unknown>>

export interface StageOptions {
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** Port of the user's endpoint; 0 lets the system choose. */
  readonly port: number
  /** Whole tokens the user puts into the escrow. */
  readonly deposit: string
  readonly say: (text: string) => void
  /** GGUF files the provider serves besides the nano model, by the name it sells them under. */
  readonly models?: Readonly<Record<string, string>>
  /** More of the user's configuration, as TOML. */
  readonly userConfig?: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const door = join(root, 'scripts/parley.cjs')
const chainScript = join(root, 'scripts/dev-chain.ts')
const stopMs = 25_000

export async function openStage(options: StageOptions): Promise<Stage> {
  if (!existsSync(chainScript)) {
    throw new ParleyError(
      'missing_part',
      'the development chain is not part of the installed package; run this in a clone of the repository',
    )
  }
  const directory = await makeDirectory(options.env)
  const children: Child[] = []
  const stop = async () => {
    for (const child of [...children].reverse()) await child.stop(stopMs)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    return { ...(await raise(options, directory, children)), stop }
  } catch (cause) {
    await stop()
    throw cause
  }
}

async function raise(options: StageOptions, directory: string, children: Child[]): Promise<Omit<Stage, 'stop'>> {
  const { say, port, deposit } = options
  const start = async (name: string, script: string, args: readonly string[], env: NodeJS.ProcessEnv) => {
    const child = await startChild(name, {
      ...options,
      script,
      args,
      env,
      readyMs: 120_000,
      // The chain only speaks of what its compiler thinks; how it ended, if it does, is told in any case.
      say: line => void (name === 'chain' || say(`[${name}] ${line}`)),
    })
    children.push(child)
    return child
  }
  const chain = await start('chain', chainScript, [], options.env)
  const facts = chainReady.parse(chain.ready)
  say(`chain ${facts.chainId} at ${facts.rpcUrl}, contracts deployed`)
  const seller = await makeHome(options, directory, { name: 'provider', facts, account: 0, port: 0 })
  const provider = await start('provider', door, ['provide', '--until-stdin-ends', '--json'], seller.env)
  const { p2p } = nodeReady.parse(provider.ready)
  const endpoint = p2p.addresses[0]
  if (endpoint === undefined) throw new ParleyError('internal', 'the provider has no address others could dial')
  const registered = await seller.run('register', ['provider', 'register', '--endpoint', endpoint, '--yes'])
  say(`provider ${seller.address} registered with its stake at ${endpoint}`)
  const buyer = await makeHome(options, directory, { name: 'user', facts, account: 1, port })
  const deposited = await buyer.run('deposit', ['session', 'deposit', deposit, '--yes'])
  say(`user ${buyer.address} put ${deposit} tokens into the escrow`)
  const user = await start('user', door, ['up', '--until-stdin-ends', '--no-open', '--json'], buyer.env)
  const { baseUrl, apiKey, pageUrl } = userReady.parse(user.ready)
  const models = await modelsOf(baseUrl, apiKey, options.signal)
  say(`user node at ${baseUrl} dialled the provider, which sells ${models.map(({ id }) => id).join(', ')}`)
  const { rpcUrl, chainId, registry, escrow, token } = facts
  return {
    ...{ baseUrl, apiKey, pageUrl, rpcUrl, chainId, registry, escrow, token },
    ...chosen(models),
    provider: seller.address,
    payer: buyer.address,
    peerId: p2p.peerId,
    gas: { register: String(registered.gasUsed), deposit: String(deposited.gasUsed) },
    as: { provider: seller.run, user: buyer.run },
    homes: { provider: seller.home, user: buyer.home },
    pids: { chain: chain.pid, provider: provider.pid, user: user.pid },
    lost: Promise.race([chain.lost, provider.lost, user.lost]),
  }
}

const chainReady = z.looseObject({
  rpcUrl: z.url(),
  chainId: z.int(),
  registry: z.string(),
  escrow: z.string(),
  token: z.string(),
  accounts: z.array(z.object({ address: z.string(), privateKey: z.string() })).min(2),
})
const nodeReady = z.looseObject({ p2p: z.looseObject({ peerId: z.string(), addresses: z.array(z.string()) }) })
const userReady = z.looseObject({ baseUrl: z.url(), apiKey: z.string(), pageUrl: z.url().nullable() })

interface HomeOptions {
  readonly name: 'provider' | 'user'
  readonly facts: z.infer<typeof chainReady>
  readonly account: number
  readonly port: number
}

/** A home whose wallet is an account of the development chain. The provider has the models, the user has none. */
async function makeHome(
  { env: given, signal, models = {}, userConfig = '' }: StageOptions,
  directory: string,
  { name, facts, account, port }: HomeOptions,
) {
  const home = join(directory, name)
  const { address, privateKey } = facts.accounts[account]!
  const { rpcUrl, chainId, registry, escrow, token } = facts
  await mkdir(home, { mode: 0o700 })
  await writeFile(join(home, 'chain.json'), JSON.stringify({ chainId, registry, escrow, token }), { mode: 0o600 })
  const config = [
    `[chain]\nrpcUrls = [${JSON.stringify(rpcUrl)}]\ndeployment = "chain.json"`,
    `[http]\nport = ${port}`,
    `[p2p]\nlisten = ["/ip4/127.0.0.1/tcp/0"]\ntrusted = ["127.0.0.0/8"]\ndialPrivate = true`,
    `[models]\nnano = ${name === 'provider'}`,
    '[log]\nlevel = "warn"',
    ...(name === 'provider' ? Object.entries(models).map(([id, path]) => localModel(id, path)) : [userConfig]),
  ]
  await writeFile(join(home, 'config.toml'), `${config.join('\n\n')}\n`, { mode: 0o600 })
  const inherited = Object.entries(given).filter(([variable]) => !variable.startsWith('PARLEY_'))
  const env = { ...Object.fromEntries(inherited), PARLEY_HOME: home, PARLEY_WALLET_PRIVATE_KEY: privateKey }
  const run = (what: string, args: readonly string[]) =>
    runChild(what, { script: door, args: [...args, '--json'], env, signal })
  return { home, env, address, run }
}

function localModel(id: string, path: string): string {
  return `[[models.local]]\nid = ${JSON.stringify(id)}\npath = ${JSON.stringify(path)}`
}

/** Asks until the provider's models are there: the registry is read and the provider dialled in the background. */
async function modelsOf(baseUrl: string, apiKey: string, signal: AbortSignal): Promise<Model[]> {
  const bound = AbortSignal.any([signal, AbortSignal.timeout(60_000)])
  for (;;) {
    const response = await fetch(`${baseUrl}/models`, { headers: { authorization: `Bearer ${apiKey}` }, signal: bound })
    const { data } = ModelList.parse(await response.json())
    if (data.length > 0) return data
    await sleep(100, bound)
  }
}

function chosen(models: readonly Model[]): { model: string; embeddingModel: string | null } {
  const can = (what: string) => models.find(({ capabilities }) => capabilities?.includes(what))?.id
  return { model: can('chat') ?? models[0]!.id, embeddingModel: can('embedding') ?? null }
}

async function makeDirectory(env: NodeJS.ProcessEnv): Promise<string> {
  const base = env.PARLEY_HOME ? join(env.PARLEY_HOME, 'dev') : tmpdir()
  await mkdir(base, { recursive: true, mode: 0o700 })
  return mkdtemp(join(base, 'parley-dev-'))
}
