import { type Address, ParleyError } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { testTokenAbi } from './generated/test-token.ts'

/** The id of chains that run on somebody's own machine, and those of public test networks. */
const developmentChainId = 31_337n
const testChainIds: readonly bigint[] = [developmentChainId, 84_532n, 421_614n, 11_155_111n, 11_155_420n, 80_002n]

/** Whether a chain runs on this very machine: gas of such a chain is nobody's. */
export function isDevelopmentChain({ settings }: Chain): boolean {
  return settings.chainId === developmentChainId && settings.rpcUrls.every(isLoopback)
}

function isLoopback(url: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname)
}

/** Whether the token gives itself to whoever asks. Only looked for on test networks. */
export async function hasFaucet(chain: Chain, token: Address, signal: AbortSignal): Promise<boolean> {
  if (!testChainIds.includes(chain.settings.chainId)) return false
  try {
    await chain.ask('trying the faucet', signal, client =>
      client.simulateContract({
        ...{ address: token, abi: testTokenAbi, account: probe },
        ...{ functionName: 'mint', args: [probe, 1n] },
      }),
    )
    return true
  } catch (cause) {
    if (ParleyError.from(cause).code === 'chain_unavailable') throw cause
    return false
  }
}

/** Nobody's address: whether it may mint tells whether everybody may. */
const probe: Address = '0x000000000000000000000000000000000000bEEF'

/** Tops an account up with gas on a development chain; on any other nothing happens. */
export async function fillGas(chain: Chain, holder: Address, least: bigint, signal: AbortSignal): Promise<void> {
  if (!isDevelopmentChain(chain)) return
  await chain.ask('filling up gas', signal, async (client, viem) => {
    if ((await client.getBalance({ address: holder })) >= least) return
    const set = { method: 'hardhat_setBalance', params: [holder, viem.numberToHex(least)] }
    await client.request(set as never)
  })
}
