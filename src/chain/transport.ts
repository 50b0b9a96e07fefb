import type { EIP1193RequestFn, Transport } from 'viem'
import { type Clock, ParleyError } from '../core/index.ts'
import type { ResolvedChainSettings } from './settings.ts'

export type Viem = typeof import('viem')

/**
 * Several endpoints as one. Each is asked for its chain id before anything else, since an endpoint of another chain
 * would answer every question, wrongly. One that failed is asked last for a while, so that not every question waits
 * for it.
 */
export function endpoints(viem: Viem, settings: ResolvedChainSettings, clock: Clock): Transport {
  const all = settings.rpcUrls.map(url => endpoint(viem, url, settings))
  const restsUntil = new Map<Endpoint, number>()
  const rests = (one: Endpoint) => clock.monotonic() < (restsUntil.get(one) ?? 0)
  const request: EIP1193RequestFn = async (args, options) => {
    let failure: unknown
    for (const one of [...all.filter(one => !rests(one)), ...all.filter(rests)]) {
      try {
        return await one(args, options)
      } catch (cause) {
        if (cause instanceof Error && viem.shouldThrow(cause)) throw cause
        if (!hasAnswered(cause)) restsUntil.set(one, clock.monotonic() + restMs)
        // An answer tells more than silence, whichever came last.
        if (failure === undefined || hasAnswered(cause)) failure = cause
      }
    }
    throw failure
  }
  return viem.custom({ request }, { retryCount: 1, retryDelay: 200 })
}

type Endpoint = EIP1193RequestFn

const restMs = 15_000

function endpoint(viem: Viem, url: string, { chainId, timeoutMs }: ResolvedChainSettings): Endpoint {
  const { request } = viem.http(url, { timeout: timeoutMs, retryCount: 0 })({})
  let checking: Promise<void> | undefined
  const check = async () => {
    const found = BigInt(await request({ method: 'eth_chainId' }))
    if (found === chainId) return
    const host = new URL(url).host
    throw new ParleyError(
      'chain_mismatch',
      `${host} serves chain ${found}, not ${chainId}; check chain.id and chain.rpcUrls`,
    )
  }
  const pinned: Endpoint = async (args, options) => {
    checking ??= check()
    try {
      await checking
    } catch (cause) {
      checking = undefined
      throw cause
    }
    return request(args, options)
  }
  return pinned
}

/** A JSON-RPC error is an answer: it has a number. A broken connection and a time-out have none. */
function hasAnswered(cause: unknown): boolean {
  if (cause instanceof ParleyError) return true
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number'
}
