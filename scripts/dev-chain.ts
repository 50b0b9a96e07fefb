import { fstatSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Address, createTestClient, getAddress, type Hex, http, publicActions, walletActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { compiled } from './compiled.ts'

/**
 * A development chain in this process: JSON-RPC on loopback, contracts deployed, accounts funded.
 *
 * Prints exactly one JSON line on stdout once everything answers, and lives until SIGTERM, SIGINT, or until the parent
 * that holds its stdin as a pipe is gone. Whatever else is said goes to stderr.
 */
async function devChain({ port, chainId, minStake, unbonding, exitDelay }: Options): Promise<void> {
  const { network } = await import('hardhat')
  const server = await network.createServer(
    {
      network: 'default',
      override: {
        chainId,
        // Otherwise every block in a busy second would push the chain's clock further ahead of the machine's.
        allowBlocksWithSameTimestamp: true,
        accounts: { mnemonic: MNEMONIC, count: ACCOUNTS + 1, accountsBalance: 10_000n * 10n ** 18n },
      },
    },
    '127.0.0.1',
    port,
  )
  const rpcUrl = `http://127.0.0.1:${(await server.listen()).port}`
  const client = createTestClient({ mode: 'hardhat', account: developer(ACCOUNTS), transport: http(rpcUrl) })
    .extend(publicActions)
    .extend(walletActions)

  const deploy = async (contract: string, args: unknown[]): Promise<Address> => {
    const { abi, bytecode } = await compiled(contract)
    const hash = await client.deployContract({ abi, bytecode, args, chain: null })
    return getAddress((await client.getTransactionReceipt({ hash })).contractAddress!)
  }
  const token = await deploy('TestToken', [])
  const registry = await deploy('ProviderRegistry', [token, minStake, unbonding])
  const escrow = await deploy('Escrow', [token, registry, exitDelay])

  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => developer(index))
  const { abi } = await compiled('TestToken')
  for (const { address } of accounts) {
    await client.writeContract({
      address: token,
      abi,
      functionName: 'mint',
      args: [address, 1_000_000_000_000n],
      chain: null,
    })
  }
  const ready = {
    rpcUrl,
    chainId,
    token,
    registry,
    escrow,
    blockNumber: Number(await client.getBlockNumber()),
    accounts: accounts.map(account => ({ address: account.address, privateKey: privateKey(account) })),
  }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
}

interface Options {
  port: number
  chainId: number
  minStake: bigint
  unbonding: bigint
  exitDelay: bigint
}

/** Published with every EVM tool there is: never to hold anything of worth. */
const MNEMONIC = 'test test test test test test test test test test test junk'
const ACCOUNTS = 5

const developer = (index: number) => mnemonicToAccount(MNEMONIC, { addressIndex: index })

const privateKey = (account: ReturnType<typeof developer>): Hex =>
  `0x${Buffer.from(account.getHdKey().privateKey!).toString('hex')}`

function options(): Options {
  const values = flags()
  for (const [flag, value] of Object.entries(values)) {
    if (!/^\d{1,29}$/.test(value)) fail(64, `--${flag} wants a whole number, not '${value}'`)
  }
  return {
    port: Number(values.port),
    chainId: Number(values['chain-id']),
    minStake: BigInt(values['min-stake']),
    unbonding: BigInt(values.unbonding),
    exitDelay: BigInt(values['exit-delay']),
  }
}

function flags() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '0' },
        'chain-id': { type: 'string', default: '31337' },
        'min-stake': { type: 'string', default: '100000000' },
        unbonding: { type: 'string', default: '60' },
        'exit-delay': { type: 'string', default: '60' },
      },
    }).values
  } catch (error) {
    return fail(64, error instanceof Error ? error.message : String(error))
  }
}

function fail(exitCode: number, message: string): never {
  console.error(`dev-chain: ${message}`)
  process.exit(exitCode)
}

function endWithParent(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0))
  const stdin = fstatSync(0)
  if (!stdin.isFIFO() && !stdin.isSocket()) return
  process.stdin.on('close', () => process.exit(0)).resume()
}

process.on('uncaughtException', error => fail(1, error.message))
process.env.HARDHAT_DISABLE_TELEMETRY = 'true'
// The compiler speaks on stdout, which belongs to the one line.
console.log = console.error
endWithParent()
const given = options()
// Hardhat looks for its configuration from the working directory upwards.
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
await devChain(given)
