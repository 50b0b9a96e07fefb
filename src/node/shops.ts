import { createPeer, createRemoteDesk } from '../backends/index.ts'
import type { TokenDescription } from '../chain/index.ts'
import { ParleyError, type ProviderEntry, type Service } from '../core/index.ts'
import type { PaidPeer } from '../session/index.ts'
import { createPurseKeeper, type PurseKeeper, type PurseKeeperOptions } from './purse-keeper.ts'
import type { Shop } from './stall.ts'

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
const askAgainMs = 30_000

export function createShops(options: ShopsOptions): Shops {
  const purse = createPurseKeeper(options)
  const currency = createCurrency(options)
  return {
    name: 'purse',
    open: entry => openShop(options, purse, entry),
    currency,
    start: async () => {
      currency()
      // Unlocking takes a moment of its own; whoever calls first waits for it, nobody else does.
      void purse.prepare().catch(toldToWhoPays)
    },
    stop: () => purse.flush(AbortSignal.timeout(flushMs)),
  }
}

/** The token's symbol from memory; while it is not known it is asked for, now and then. */
function createCurrency({ access, clock, log }: ShopsOptions): () => string {
  let token: TokenDescription | undefined
  let askAt = Number.NEGATIVE_INFINITY
  const ask = async () => {
    try {
      token = await access.token(AbortSignal.timeout(openMs))
    } catch (cause) {
      const { code, message } = ParleyError.from(cause)
      log.emit({ type: 'service.failed', service: 'token', code, message })
    }
  }
  return () => {
    if (token === undefined && clock.monotonic() >= askAt) {
      askAt = clock.monotonic() + askAgainMs
      void ask()
    }
    return token?.symbol ?? ''
  }
}

/** A purse that cannot be made is made again for the first call that pays, and that call has the error. */
function toldToWhoPays(): void {}

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
  return {
    backend: purse.paying(paid, peer),
    sheet: signal => desk.quotes(signal),
    close: () => peer.close(),
    destroy: () => peer.destroy(),
  }
}

const addressesMax = 8

/** The registry's word first; what was heard in the DHT is tried beside it, and the peer's identity is checked in any case. */
function addressesOf(endpoint: string, heard: readonly string[]): string[] {
  return [...new Set([endpoint, ...heard])].slice(0, addressesMax)
}
