import type { Address, EscrowAccount, EscrowPair } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { confirmedBlock } from './escrow.ts'
import { escrowAbi } from './generated/escrow.ts'
import { testTokenAbi } from './generated/test-token.ts'

/** All that an account has, as of one confirmed block: numbers of several blocks would not add up. */
export interface Holdings {
  readonly wallet: bigint
  readonly gas: bigint
  readonly account: EscrowAccount
  /** In the order of the providers that were asked for. */
  readonly pairs: readonly EscrowPair[]
  /** Unix seconds of the newest block: the clock by which contracts decide. */
  readonly chainTime: bigint
}

export interface HoldingsQuestion {
  readonly token: Address
  readonly holder: Address
  /** At most `holdingsPairsMax`. */
  readonly providers: readonly Address[]
}

export const holdingsPairsMax = 200
const pairsPerCall = 50
/** The calls travel as the constructor of a contract nobody deploys, so that no helper has to be on the chain. */
const inOneCall = { allowFailure: false, deployless: true, batchSize: 0 } as const

export async function readHoldings(
  chain: Chain,
  { token, holder, providers }: HoldingsQuestion,
  signal: AbortSignal,
): Promise<Holdings> {
  const escrow = { address: chain.settings.escrow, abi: escrowAbi } as const
  return chain.ask('reading balances', signal, async client => {
    const { number, timestamp: chainTime } = await client.getBlock()
    const blockNumber = confirmedBlock(number, chain)
    const pairsOf = async (some: readonly Address[]): Promise<EscrowPair[]> => {
      const contracts = some.map(provider => {
        return { ...escrow, functionName: 'pair' as const, args: [holder, provider] as const }
      })
      const rows = await client.multicall({ contracts, blockNumber, ...inOneCall })
      return rows.map(([claimed, reserved]) => ({ claimed, reserved }))
    }
    const chunks = Array.from({ length: Math.ceil(providers.length / pairsPerCall) }, (_, at) =>
      providers.slice(at * pairsPerCall, (at + 1) * pairsPerCall),
    )
    const [wallet, gas, [position], pairs] = await Promise.all([
      client.readContract({
        ...{ address: token, abi: testTokenAbi, blockNumber },
        ...{ functionName: 'balanceOf', args: [holder] },
      }),
      client.getBalance({ address: holder, blockNumber }),
      client.readContract({ ...escrow, blockNumber, functionName: 'positions', args: [holder, [holder]] }),
      Promise.all(chunks.map(pairsOf)),
    ])
    const { signer, free, epoch, exitAt } = position!
    const account = { signer, free, epoch, exitReadyAt: exitAt === 0n ? undefined : exitAt }
    return { wallet, gas, account, pairs: pairs.flat(), chainTime }
  })
}
