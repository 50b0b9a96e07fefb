import type { PublicClient, Address as ViemAddress } from 'viem'
import { type Address, abortError, type Clock, ParleyError } from '../core/index.ts'
import { chainError } from './chain-errors.ts'
import { type ChainSettings, type ResolvedChainSettings, resolveChainSettings } from './settings.ts'
import { endpoints, type Viem } from './transport.ts'

/** The chain as the rest of this folder asks it. viem is loaded with the first question: a node without a chain never does. */
export interface Chain {
  readonly settings: ResolvedChainSettings
  readonly clock: Clock
  /**
   * Asks something of the chain. `what` begins the message of the error, as in 'reading the registry'. The wait ends
   * with the signal; throws `chain_unavailable`, `chain_mismatch`, `transaction_failed` and what the signal stands for.
   */
  readonly ask: <T>(what: string, signal: AbortSignal, question: Question<T>) => Promise<T>
  /** Asks every endpoint for its chain id and looks for code at both addresses. Throws `chain_mismatch`. */
  readonly check: (signal: AbortSignal) => Promise<ChainCheck>
}

export type Question<T> = (client: PublicClient, viem: Viem) => Promise<T>

export interface ChainCheck {
  readonly blockNumber: bigint
  /** Seconds by which the newest block is behind this machine's clock; negative when it is ahead. */
  readonly behindSeconds: number
  readonly token: Address
}

export function createChain(given: ChainSettings, { clock }: { clock: Clock }): Chain {
  const settings = resolveChainSettings(given)
  let connecting: Promise<{ viem: Viem; client: PublicClient }> | undefined
  const connect = async () => {
    const viem = await import('viem')
    const client = viem.createPublicClient({ transport: endpoints(viem, settings, clock), cacheTime: 0 })
    return { viem, client }
  }
  const chain: Chain = {
    settings,
    clock,
    ask: async (what, signal, question) => {
      const { viem, client } = await (connecting ??= connect())
      try {
        return await raced(question(client, viem), signal)
      } catch (cause) {
        throw chainError(viem, cause, what, signal)
      }
    },
    check: signal => checkContracts(chain, signal),
  }
  return chain
}

async function checkContracts(chain: Chain, signal: AbortSignal): Promise<ChainCheck> {
  const { escrow, registry } = chain.settings
  return chain.ask('checking the chain', signal, async (client, viem) => {
    for (const [name, address] of Object.entries({ escrow, registry })) await requireCode(client, name, address)
    const { escrowAbi } = await import('./generated/escrow.ts')
    const [block, token, registered] = await Promise.all([
      client.getBlock(),
      client.readContract({ address: escrow, abi: escrowAbi, functionName: 'token' }),
      client.readContract({ address: escrow, abi: escrowAbi, functionName: 'registry' }),
    ])
    if (!viem.isAddressEqual(registered, registry)) {
      const why = `the escrow pays by the registry ${registered}, the configuration names ${registry}`
      throw new ParleyError('chain_mismatch', `${why}; correct one of the addresses`)
    }
    const behindSeconds = Math.round(chain.clock.now() / 1_000) - Number(block.timestamp)
    return { blockNumber: block.number, behindSeconds, token }
  })
}

async function requireCode(client: PublicClient, name: string, address: ViemAddress): Promise<void> {
  const code = await client.getCode({ address })
  if (code !== undefined && code !== '0x') return
  const what = `there is no contract at ${address}, where the ${name} should be`
  throw new ParleyError('chain_mismatch', `${what}; check chain.id and chain.${name}`)
}

/** viem does not carry a signal through several endpoints; every request of it is bounded by its time-out instead. */
async function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: left, reject } = Promise.withResolvers<never>()
  const leave = () => reject(abortError(signal))
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([promise, left])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
