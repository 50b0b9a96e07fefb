import type { Address } from '../core/index.ts'
import type { Chain } from './clients.ts'
import { providerRegistryAbi } from './generated/provider-registry.ts'

/** What was decided when the registry was deployed. */
export interface RegistryTerms {
  readonly token: Address
  readonly minStake: bigint
  /** Between a provider's request to leave and its withdrawal. */
  readonly unbondingSeconds: bigint
}

export async function readRegistryTerms(chain: Chain, signal: AbortSignal): Promise<RegistryTerms> {
  const registry = { address: chain.settings.registry, abi: providerRegistryAbi } as const
  return chain.ask('reading the registry', signal, async client => {
    const [token, minStake, unbondingSeconds] = await Promise.all([
      client.readContract({ ...registry, functionName: 'token' }),
      client.readContract({ ...registry, functionName: 'minStake' }),
      client.readContract({ ...registry, functionName: 'unbonding' }),
    ])
    return { token, minStake, unbondingSeconds }
  })
}
