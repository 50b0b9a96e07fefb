import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type Chain,
  createChain,
  createEscrowPayer,
  createRegistryMember,
  createSender,
  createSigner,
  deriveSessionKey,
} from '../../src/chain/index.ts'
import { type ConfigInput, createConfig, resolvePaths } from '../../src/config/index.ts'
import { type Address, type Hex, systemClock } from '../../src/core/index.ts'
import { createNode, type ParleyNode } from '../../src/node/index.ts'
import { openIdentityFile } from '../../src/p2p/index.ts'

/** A development chain in a process of its own. */
export interface DevChain {
  rpcUrl: string
  chainId: number
  token: Address
  registry: Address
  escrow: Address
  accounts: { address: Address; privateKey: Hex }[]
  process: ChildProcess
  stop: () => Promise<void>
}

export async function startChain(): Promise<DevChain> {
  const child = spawn(process.execPath, ['scripts/dev-chain.ts'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    child.once('exit', code => reject(new Error(`the development chain exited with ${code}`)))
  })
  const stop = async () => {
    if (child.exitCode !== null) return
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
  }
  return { ...JSON.parse(line), process: child, stop }
}

export const bound = () => AbortSignal.timeout(30_000)

export function chainOf({ chainId, rpcUrl, registry, escrow }: DevChain): Chain {
  return createChain({ chainId: BigInt(chainId), rpcUrls: [rpcUrl], registry, escrow }, { clock: systemClock })
}

/** A home directory of its own, gone when the test is over. */
export function createHome(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'parley-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export function configOf(chain: DevChain, home: string, account: number, more: ConfigInput = {}) {
  return createConfig(configInputOf(chain, account, more), resolvePaths({ PARLEY_HOME: home }))
}

/** The same, for a node in another process. */
export function configInputOf(chain: DevChain, account: number, more: ConfigInput = {}): ConfigInput {
  const { rpcUrl, chainId, registry, escrow, token, accounts } = chain
  return {
    ...more,
    http: { port: 0, ...more.http },
    chain: { id: chainId, rpcUrls: [rpcUrl], registry, escrow, token, refreshSeconds: 1, ...more.chain },
    wallet: { privateKey: accounts[account]!.privateKey },
    p2p: { trusted: ['127.0.0.0/8'], dialPrivate: true, ...more.p2p },
  }
}

/** Registers a provider under the address it will listen on. */
export async function register(dev: DevChain, home: string, account: number, port: number, stake = 100_000_000n) {
  const { createDirectories } = await import('../../src/config/index.ts')
  const paths = resolvePaths({ PARLEY_HOME: home })
  createDirectories(paths)
  const { peerId } = await openIdentityFile(paths.identityFile)
  const signer = createSigner(dev.accounts[account]!.privateKey)
  const member = createRegistryMember(createSender(chainOf(dev), signer))
  const { address } = dev.accounts[account]!
  const endpoint = `/ip4/127.0.0.1/tcp/${port}`
  await member.register({ endpoint, peerId, signer: address, payout: address }, stake, bound())
  return { peerId, address, endpoint }
}

/** Opens a user's account in the escrow with the session key its node will derive. */
export async function deposit(dev: DevChain, account: number, amount: bigint, epoch = 0n) {
  const { privateKey } = dev.accounts[account]!
  const of = { chainId: BigInt(dev.chainId), escrow: dev.escrow, epoch }
  const session = createSigner(deriveSessionKey(Buffer.from(privateKey.slice(2), 'hex'), of))
  await createEscrowPayer(createSender(chainOf(dev), createSigner(privateKey))).deposit(
    amount,
    session.address,
    bound(),
  )
}

export async function startNode(config: ReturnType<typeof configOf>, clock = systemClock): Promise<ParleyNode> {
  const node = await createNode({ config, env: {}, clock })
  await node.start(bound())
  return node
}

/** A port that is free right now. */
export async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
