import type { Address } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { testTokenAbi } from './generated/test-token.ts'
import { contractCall, type Sender, type Sent } from './sender.ts'

/** An ERC-20 as people see it. */
export interface TokenReader {
  /** Read once and kept: a token does not change its name. */
  readonly describe: (signal: AbortSignal) => Promise<TokenDescription>
  readonly balance: (holder: Address, signal: AbortSignal) => Promise<bigint>
  readonly allowance: (holder: Address, spender: Address, signal: AbortSignal) => Promise<bigint>
  /** The chain's own coin, which pays for gas. */
  readonly gasBalance: (holder: Address, signal: AbortSignal) => Promise<bigint>
}

export interface TokenDescription {
  readonly address: Address
  readonly symbol: string
  readonly decimals: number
}

export function createTokenReader(chain: Chain, address: Address): TokenReader {
  const token = { address, abi: testTokenAbi } as const
  let described: TokenDescription | undefined
  return {
    describe: async signal => {
      described ??= await chain.ask('reading the token', signal, async client => {
        const [symbol, decimals] = await Promise.all([
          client.readContract({ ...token, functionName: 'symbol' }),
          client.readContract({ ...token, functionName: 'decimals' }),
        ])
        return { address, symbol: symbol.replace(/[^\x20-\x7e]/g, '').slice(0, 16), decimals }
      })
      return described
    },
    balance: (holder, signal) =>
      chain.ask('reading a balance', signal, client =>
        client.readContract({ ...token, functionName: 'balanceOf', args: [holder] }),
      ),
    allowance: (holder, spender, signal) =>
      chain.ask('reading an allowance', signal, client =>
        client.readContract({ ...token, functionName: 'allowance', args: [holder, spender] }),
      ),
    gasBalance: (holder, signal) =>
      chain.ask('reading a balance', signal, client => client.getBalance({ address: holder })),
  }
}

/** The faucet of a development chain: its token gives itself to anybody who asks. Any other token refuses. */
export async function mintTestToken(
  sender: Sender,
  mint: { token: Address; to: Address; amount: bigint },
  signal: AbortSignal,
): Promise<Sent> {
  return sender.send('the faucet', contractCall(mint.token, testTokenAbi, 'mint', [mint.to, mint.amount]), signal)
}
