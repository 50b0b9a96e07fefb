import { ParleyError, type RpcHealth, within } from '../core/index.ts'
import { chainError } from './chain-errors.ts'
import type { Chain } from './clients.ts'
import { endpoints } from './transport.ts'

const askMs = 3_000

/** Asks every RPC endpoint by itself, so that one that lags or serves another chain shows. */
export async function readRpcHealth({ settings, clock }: Chain): Promise<RpcHealth[]> {
  const viem = await import('viem')
  return Promise.all(
    settings.rpcUrls.map(async url => {
      const startedAt = clock.monotonic()
      const told = (found: Pick<RpcHealth, 'blockNumber' | 'error'>): RpcHealth => {
        return { host: new URL(url).host, ms: Math.round(clock.monotonic() - startedAt), ...found }
      }
      try {
        const alone = { ...settings, rpcUrls: [url], timeoutMs: Math.min(askMs, settings.timeoutMs) }
        const client = viem.createPublicClient({ transport: endpoints(viem, alone, clock), cacheTime: 0 })
        return told({ blockNumber: await within(client.getBlockNumber(), askMs, 'asking the endpoint'), error: null })
      } catch (cause) {
        const { message } = cause instanceof ParleyError ? cause : chainError(viem, cause, 'asking the endpoint')
        return told({ blockNumber: null, error: message })
      }
    }),
  )
}

/** What gas costs now, in the smallest unit of the chain's coin. */
export async function readGasPrice(chain: Chain, signal: AbortSignal): Promise<bigint> {
  return chain.ask('reading the gas price', signal, client => client.getGasPrice())
}
