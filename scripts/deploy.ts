import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Address } from 'viem'

/** What a node needs to know of a deployment. `deployedAtBlock` is where reading events may begin. */
interface DeploymentRecord {
  network: string
  chainId: number
  token: Address
  registry: Address
  escrow: Address
  deployedAtBlock: number
  minStake: string
  unbonding: number
  exitDelay: number
}

/**
 * Deploys the contracts to a network of hardhat.config.ts through Ignition and writes `deployments/<chainId>.json`.
 * Running it again deploys nothing that stands already and writes the same record.
 */
async function deploy(wanted: Wanted): Promise<DeploymentRecord> {
  const { network } = await import('hardhat')
  const { ignition, provider } = await network.create({
    network: wanted.network,
    ...(wanted.rpcUrl && { override: { url: wanted.rpcUrl } }),
  })
  const chainId = Number(await provider.request({ method: 'eth_chainId' }))
  if (!wanted.token && !TEST_CHAINS.has(chainId)) {
    fail(64, `chain ${chainId} is no known test network; name the ERC-20 to be paid in with --token`)
  }
  const deploymentId = await deploymentIdOf(chainId, call => provider.request(call) as Promise<Block>)
  const hasCode = async (address: string) =>
    (await provider.request({ method: 'eth_getCode', params: [address, 'latest'] })) !== '0x'

  const shared = { minStake: BigInt(wanted.minStake), unbonding: wanted.unbonding, exitDelay: wanted.exitDelay }
  const contracts = (await (wanted.token ? deployOver(wanted.token) : deployWithToken())) as unknown as Deployed
  return {
    network: wanted.network,
    chainId,
    token: wanted.token ?? contracts.token.address,
    registry: contracts.registry.address,
    escrow: contracts.escrow.address,
    deployedAtBlock: await firstBlock(join(ROOT, 'contracts/ignition/deployments', deploymentId)),
    minStake: wanted.minStake,
    unbonding: wanted.unbonding,
    exitDelay: wanted.exitDelay,
  }

  async function deployWithToken() {
    const module = (await import('../contracts/ignition/modules/ParleyDevelopment.ts')).default
    return ignition.deploy(module, { deploymentId, parameters: { ParleyDevelopment: shared } })
  }

  async function deployOver(token: Address) {
    if (!(await hasCode(token))) fail(65, `there is no contract at ${token} on chain ${chainId}`)
    const module = (await import('../contracts/ignition/modules/Parley.ts')).default
    return ignition.deploy(module, { deploymentId, parameters: { Parley: { token, ...shared } } })
  }
}

interface Wanted {
  network: string
  rpcUrl: string | undefined
  token: Address | undefined
  minStake: string
  unbonding: number
  exitDelay: number
}

/** Ignition types its results by artifacts that exist only after a compilation. */
type Deployed = Record<'token' | 'registry' | 'escrow', { address: Address }>

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const LOCAL_CHAIN = 31337
const TEST_CHAINS = new Set([LOCAL_CHAIN, 11_155_111, 84_532, 421_614])

type Block = { hash: string }

/**
 * Ignition's journal of what was deployed where. A local chain begins anew with each process under the same chain id,
 * and is told apart by its first block.
 */
async function deploymentIdOf(chainId: number, request: (call: RpcCall) => Promise<Block>): Promise<string> {
  if (chainId !== LOCAL_CHAIN) return `chain-${chainId}`
  const genesis = await request({ method: 'eth_getBlockByNumber', params: ['0x0', false] })
  return `chain-${chainId}-${genesis.hash.slice(2, 10)}`
}

type RpcCall = { method: string; params: unknown[] }

async function firstBlock(journal: string): Promise<number> {
  const lines = (await readFile(join(journal, 'journal.jsonl'), 'utf8')).split('\n').filter(line => line.trim())
  const blocks = lines.map(line => JSON.parse(line)?.receipt?.blockNumber).filter(block => typeof block === 'number')
  return Math.min(...blocks)
}

function wantedByFlags(): Wanted & { out: string | undefined } {
  const values = flags()
  const { token, 'min-stake': minStake = token ? undefined : '100000000' } = values
  if (!values.network) return fail(64, 'say where to with --network, for example --network localhost')
  if (token && !/^0x[0-9a-fA-F]{40}$/.test(token)) fail(64, `--token wants an address, not '${token}'`)
  if (!minStake) return fail(64, 'with --token, say --min-stake in its smallest unit')
  return {
    network: values.network,
    rpcUrl: values['rpc-url'],
    token: token as Address | undefined,
    minStake: whole('min-stake', minStake),
    unbonding: Number(whole('unbonding', values.unbonding)),
    exitDelay: Number(whole('exit-delay', values['exit-delay'])),
    out: values.out,
  }
}

function flags() {
  try {
    return parseArgs({
      options: {
        network: { type: 'string' },
        'rpc-url': { type: 'string' },
        token: { type: 'string' },
        'min-stake': { type: 'string' },
        unbonding: { type: 'string', default: '1209600' },
        'exit-delay': { type: 'string', default: '86400' },
        out: { type: 'string' },
      },
    }).values
  } catch (error) {
    return fail(64, (error as Error).message)
  }
}

function whole(flag: string, value: string): string {
  return /^\d{1,29}$/.test(value) ? value : fail(64, `--${flag} wants a whole number, not '${value}'`)
}

function fail(exitCode: number, message: string): never {
  console.error(`deploy: ${message}`)
  process.exit(exitCode)
}

process.env.HARDHAT_DISABLE_TELEMETRY = 'true'
const { out, ...wanted } = wantedByFlags()
const directory = process.cwd()
// Hardhat looks for its configuration from the working directory upwards.
process.chdir(ROOT)
try {
  const record = await deploy(wanted)
  const path = out ? resolve(directory, out) : join(ROOT, 'deployments', `${record.chainId}.json`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(record, null, 2)}\n`)
  console.log(`registry ${record.registry}\nescrow   ${record.escrow}\ntoken    ${record.token}\nrecorded in ${path}`)
} catch (error) {
  fail(1, (error as Error).message)
}
process.exit(0)
