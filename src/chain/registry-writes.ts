import type { Address, Hex, Offer } from '../core/index.ts'
import { providerRegistryAbi } from './generated/provider-registry.ts'
import { keyOfPeerId } from './peer-id.ts'
import { readRegistryTerms } from './registry-terms.ts'
import { contractCall, type Sender, type Sent } from './sender.ts'
import { allowSpending } from './spending.ts'

/** What a provider does with its own entry in the registry. */
export interface RegistryMember {
  /** One transaction where the token knows permits. Throws `stake_too_low`. */
  readonly register: (entry: RegistryEntry, stake: bigint, signal: AbortSignal) => Promise<Sent>
  /** Replaces endpoint, peer id, signer and payout. */
  readonly update: (entry: RegistryEntry, signal: AbortSignal) => Promise<Sent>
  readonly topUp: (amount: bigint, signal: AbortSignal) => Promise<Sent>
  /** Begins to leave: the stake stays locked for the unbonding time. */
  readonly requestExit: (signal: AbortSignal) => Promise<Sent>
  /** After the unbonding time: takes the stake home. */
  readonly withdraw: (signal: AbortSignal) => Promise<Sent>
}

/** The list prices of a provider on chain. */
export interface RegistryOffers {
  /** Lists models or changes their prices, all or nothing. */
  readonly set: (offers: readonly ListedOffer[], signal: AbortSignal) => Promise<Sent>
  readonly remove: (modelIds: readonly Hex[], signal: AbortSignal) => Promise<Sent>
}

/** How a provider is reached, signs and is paid. */
export interface RegistryEntry {
  /** A multiaddr or an https URL, up to 255 bytes. */
  readonly endpoint: string
  /** Empty for a provider reached by https. */
  readonly peerId: string
  readonly signer: Address
  readonly payout: Address
}

export interface ListedOffer extends Offer {
  /** Bits: 0 chat, 1 completions, 2 embeddings, 3 images, 4 transcription, 5 speech, 6 tools, 7 vision, 8 structured output, 9 reasoning. */
  readonly capabilities: number
}

export function createRegistryMember(sender: Sender): RegistryMember {
  const { chain } = sender
  const { registry } = chain.settings
  return {
    register: async (entry, stake, signal) => {
      const { token } = await readRegistryTerms(chain, signal)
      const permit = await allowSpending(sender, { token, spender: registry, amount: stake }, signal)
      const { endpoint, peerId, signer, payout } = entry
      const key = keyOfPeerId(peerId)
      const call = permit
        ? contractCall(registry, providerRegistryAbi, 'registerWithPermit', [
            endpoint,
            key,
            signer,
            payout,
            stake,
            permit.deadline,
            permit.v,
            permit.r,
            permit.s,
          ])
        : contractCall(registry, providerRegistryAbi, 'register', [endpoint, key, signer, payout, stake])
      return sender.send('the registration', call, signal)
    },
    update: ({ endpoint, peerId, signer, payout }, signal) => {
      const args = [endpoint, keyOfPeerId(peerId), signer, payout] as const
      return sender.send('the update', contractCall(registry, providerRegistryAbi, 'update', args), signal)
    },
    topUp: async (amount, signal) => {
      const { token } = await readRegistryTerms(chain, signal)
      await allowSpending(sender, { token, spender: registry, amount, usesPermit: false }, signal)
      return sender.send('the top-up', contractCall(registry, providerRegistryAbi, 'topUp', [amount]), signal)
    },
    requestExit: signal =>
      sender.send('the exit request', contractCall(registry, providerRegistryAbi, 'requestExit', []), signal),
    withdraw: signal =>
      sender.send('the withdrawal', contractCall(registry, providerRegistryAbi, 'withdraw', []), signal),
  }
}

export function createRegistryOffers(sender: Sender): RegistryOffers {
  const { registry } = sender.chain.settings
  return {
    set: (offers, signal) => {
      const inputs = offers.map(({ modelId, priceIn, priceOut, contextTokens, capabilities, expiresAt }) => ({
        modelId,
        priceIn,
        priceOut,
        context: contextTokens,
        capabilities,
        expiry: expiresAt === 0n ? neverExpires : Number(expiresAt),
      }))
      return sender.send('the offer', contractCall(registry, providerRegistryAbi, 'setOffers', [inputs]), signal)
    },
    remove: (modelIds, signal) =>
      sender.send(
        'taking offers off',
        contractCall(registry, providerRegistryAbi, 'removeOffers', [[...modelIds]]),
        signal,
      ),
  }
}

/** The chain knows no "never": this is as late as its field can say. */
export const neverExpires = 2 ** 40 - 1
