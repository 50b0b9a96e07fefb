import { network } from 'hardhat'
import {
  type Address,
  createTestClient,
  custom,
  type Hex,
  parseSignature,
  publicActions,
  signatureToCompactSignature,
  type TransactionReceipt,
  walletActions,
} from 'viem'
import { generatePrivateKey, mnemonicToAccount, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { compiled } from '../../scripts/compiled.ts'
import { escrowAbi } from '../../src/chain/generated/escrow.ts'
import { providerRegistryAbi } from '../../src/chain/generated/provider-registry.ts'
import { testTokenAbi } from '../../src/chain/generated/test-token.ts'

export const MAX = 2n ** 256n - 1n
export const UNIT = 1_000_000n
export const CHAIN_ID = 31337

export const voucherTypes = {
  Voucher: [
    { name: 'payer', type: 'address' },
    { name: 'provider', type: 'address' },
    { name: 'epoch', type: 'uint64' },
    { name: 'cumulative', type: 'uint128' },
  ],
} as const

export const reservationTypes = {
  Reservation: [
    { name: 'payer', type: 'address' },
    { name: 'provider', type: 'address' },
    { name: 'epoch', type: 'uint64' },
    { name: 'releases', type: 'uint32' },
    { name: 'cumulative', type: 'uint128' },
  ],
} as const

export const permitTypes = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const

export const authorizationTypes = {
  ReceiveWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

export const escrowDomain = (escrow: Address) =>
  ({ name: 'Parley', version: '1', chainId: CHAIN_ID, verifyingContract: escrow }) as const

export const tokenDomain = (token: Address) =>
  ({ name: 'Parley Test Dollar', version: '1', chainId: CHAIN_ID, verifyingContract: token }) as const

/** A fresh EVM in this process with the three contracts on it, and the client that speaks to it. */
export async function stage() {
  const { provider } = await network.create({
    network: 'default',
    override: { allowBlocksWithSameTimestamp: true },
  })
  const deployer = mnemonicToAccount('test test test test test test test test test test test junk')
  const client = createTestClient({ mode: 'hardhat', account: deployer, transport: custom(provider) })
    .extend(publicActions)
    .extend(walletActions)

  const send = async (sent: Promise<Hex>): Promise<TransactionReceipt> =>
    client.getTransactionReceipt({ hash: await sent })
  const deploy = async (name: string, args: unknown[]): Promise<Address> => {
    const { abi, bytecode } = await compiled(name)
    return (await send(client.deployContract({ abi, bytecode, args, chain: null }))).contractAddress!
  }

  const token = await deploy('TestToken', [])
  const registry = await deploy('ProviderRegistry', [token, 100n * UNIT, 3600n])
  const escrow = await deploy('Escrow', [token, registry, 3600n])

  /** An account with gas, tokens, and both contracts approved without limit. */
  const person = async ({ approves = true } = {}): Promise<PrivateKeyAccount> => {
    const account = privateKeyToAccount(generatePrivateKey())
    await client.setBalance({ address: account.address, value: 10n ** 20n })
    await send(client.writeContract({ ...tokenCall, functionName: 'mint', args: [account.address, 10n ** 12n] }))
    for (const spender of approves ? [registry, escrow] : []) {
      await send(client.writeContract({ ...tokenCall, account, functionName: 'approve', args: [spender, MAX] }))
    }
    return account
  }

  const tokenCall = { address: token, abi: testTokenAbi, chain: null } as const
  const registryCall = { address: registry, abi: providerRegistryAbi, chain: null } as const
  const escrowCall = { address: escrow, abi: escrowAbi, chain: null } as const
  return { client, send, person, token, registry, escrow, tokenCall, registryCall, escrowCall }
}

/** A claim row, signed by a session key. */
export async function row(
  key: PrivateKeyAccount,
  voucher: { escrow: Address; payer: Address; provider: Address; epoch?: bigint; cumulative: bigint },
) {
  const { escrow, payer, provider, epoch = 0n, cumulative } = voucher
  const signature = await key.signTypedData({
    domain: escrowDomain(escrow),
    types: voucherTypes,
    primaryType: 'Voucher',
    message: { payer, provider, epoch, cumulative },
  })
  return { payer, cumulative, ...compact(signature) }
}

/** EIP-2098: the two words contracts take instead of 65 bytes. */
export function compact(signature: Hex): { r: Hex; vs: Hex } {
  const { r, yParityAndS } = signatureToCompactSignature(parseSignature(signature))
  return { r, vs: yParityAndS }
}
