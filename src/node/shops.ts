import { createPeer, createRemoteDesk } from '../backends/index.ts'
import type { TokenDescription } from '../chain/index.ts'
import type { ProviderEntry, Service } from '../core/index.ts'
import type { PaidPeer } from '../session/index.ts'
import type { Shop } from './market.ts'
import { createPurseKeeper, type PurseKeeper, type PurseKeeperOptions } from './purse-keeper.ts'

/** Opens the way to providers: a connection, their cash desk, and a purse that pays them. */
export interface Shops extends Service {
  open: (entry: ProviderEntry) => Shop
  /** Symbol of the escrow's token; empty until it is known. */
  currency: () => string
}

export interface ShopsOptions extends PurseKeeperOptions {
  /** Addresses a peer was heard of at, beside its endpoint. */
  readonly whereabouts: (peerId: string) => readonly string[]
}

const openMs = 10_000
const flushMs = 3_000

export function createShops(options: ShopsOptions): Shops {
  const purse = createPurseKeeper(options)
  let token: TokenDescription | undefined
  return {
    name: 'purse',
    open: entry => openShop(options, purse, entry),
    currency: () => token?.symbol ?? '',
    start: async () => {
      const signal = AbortSignal.timeout(openMs)
      // Unlocking takes a moment of its own; whoever calls first waits for it, nobody else does.
      void options.access.token(signal).then(
        found => {
          token = found
        },
        () => undefined,
      )
      void purse.prepare().catch(() => undefined)
    },
    stop: () => purse.flush(AbortSignal.timeout(flushMs)),
  }
}

function openShop({ p2p, config, whereabouts }: ShopsOptions, purse: PurseKeeper, entry: ProviderEntry): Shop {
  const { provider, peerId, endpoint, signer } = entry
  const peer = createPeer({
    name: provider,
    open: signal => p2p.open({ peerId, addresses: addressesOf(endpoint, whereabouts(peerId)) }, { signal }),
    connectTimeoutMs: config.timeouts.connectMs,
    maxStreams: config.p2p.perPeerStreams,
  })
  const desk = createRemoteDesk(peer.client)
  const paid: PaidPeer = { provider, signer, desk }
  return { backend: purse.paying(paid, peer), sheet: signal => desk.quotes(signal), close: () => peer.close() }
}

const addressesMax = 8

/** The registry's word first; what was heard in the DHT is tried beside it, and the peer's identity is checked in any case. */
function addressesOf(endpoint: string, heard: readonly string[]): string[] {
  return [...new Set([endpoint, ...heard])].slice(0, addressesMax)
}
