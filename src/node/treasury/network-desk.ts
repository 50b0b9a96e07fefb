import { readRpcHealth } from '../../chain/index.ts'
import {
  type NetworkDesk,
  type NetworkRow,
  type NetworkState,
  ParleyError,
  type ProviderEntry,
} from '../../core/index.ts'
import type { Model } from '../../openai/index.ts'
import type { MarketEntry } from '../market.ts'
import { isSameAddress } from './book.ts'
import { createCached } from './cached.ts'
import type { TreasuryOptions, Vault } from './vault.ts'
import { dateOf } from './views.ts'

const rowsMax = 1_000
const rpcLifeMs = 10_000
const rpcMs = 5_000
const reachMs = 10_000

export function createNetworkDesk({ network, clock }: TreasuryOptions, vault: Vault): NetworkDesk {
  const rpc = createCached(
    async () => {
      const { access } = network.parts()
      return access === undefined ? [] : await readRpcHealth(access.chain)
    },
    { clock, lifeMs: rpcLifeMs, boundMs: rpcMs },
  )
  return {
    get: async signal => {
      const { access, p2p } = network.parts()
      const entries = access?.directory.list() ?? []
      const [token, health] = await Promise.all([vault.token(signal), rpc.now(signal).catch(() => [])])
      return {
        ...{ chain: vault.chain(), token, rpc: health, total: entries.length },
        peer:
          p2p === undefined
            ? null
            : { peerId: p2p.peerId, addresses: p2p.addresses(), connected: p2p.discovery.connected().length },
        providers: rowsOf(network.parts(), vault.address()),
      }
    },
    reach: async (provider, signal) => {
      const { access, p2p } = network.parts()
      const entry = access?.directory.list().find(each => isSameAddress(each.provider, provider))
      if (entry === undefined) {
        throw new ParleyError('not_found', `${provider} is not in the registry; look at the list of providers`)
      }
      const startedAt = clock.monotonic()
      const bound = AbortSignal.any([signal, AbortSignal.timeout(reachMs)])
      const ms = () => Math.round(clock.monotonic() - startedAt)
      try {
        await dial(p2p, entry, bound)
        return { ok: true, ms: ms(), error: null }
      } catch (cause) {
        const { code, message } = ParleyError.from(cause, bound)
        return { ok: false, ms: ms(), error: { code, message } }
      }
    },
  }
}

type Parts = ReturnType<TreasuryOptions['network']['parts']>

async function dial(p2p: Parts['p2p'], { peerId, endpoint }: ProviderEntry, signal: AbortSignal): Promise<void> {
  if (p2p === undefined) {
    throw new ParleyError('peer_unreachable', 'the network of this node is not up yet; see its status')
  }
  if (!endpoint.startsWith('/')) {
    throw new ParleyError('unsupported', 'the provider is registered at a URL, and nodes dial multiaddrs alone')
  }
  const socket = await p2p.open({ peerId, addresses: [endpoint] }, { signal })
  socket.on('error', ended)
  socket.destroy()
}

/** Nothing more is asked of it. */
function ended(): void {}

function rowsOf({ access, p2p, market }: Parts, own: string | undefined): NetworkRow[] {
  const stalls = new Map(market?.list().map(stall => [stall.entry.provider.toLowerCase(), stall]))
  const entries = [...(access?.directory.list() ?? [])]
  return entries
    .sort((a, b) => (a.stake < b.stake ? 1 : a.stake > b.stake ? -1 : 0))
    .slice(0, rowsMax)
    .map(entry => {
      const stall = stalls.get(entry.provider.toLowerCase())
      const self = (own !== undefined && isSameAddress(entry.provider, own)) || entry.peerId === p2p?.peerId
      const { provider, peerId, endpoint, stake, exitAt, offers } = entry
      return {
        ...{ provider, peerId, endpoint, stake, self },
        exitAt: exitAt === undefined ? null : dateOf(exitAt),
        offers: offers.length,
        models:
          stall?.models.map(({ id, pricing }) => ({ id, pricing: pricing === undefined ? null : priceOf(pricing) })) ??
          [],
        state: stateOf(entry, stall, self),
        error: stall?.error === undefined ? null : { code: stall.error.code, message: stall.error.message },
        learnedAt: stall?.learnedAt ?? null,
      }
    })
}

function priceOf({ prompt, completion, unit = 'tokens' }: NonNullable<Model['pricing']>) {
  return { prompt, completion, unit }
}

function stateOf({ exitAt }: ProviderEntry, stall: MarketEntry | undefined, isSelf: boolean): NetworkState {
  if (isSelf) return 'self'
  if (exitAt !== undefined) return 'leaving'
  if (stall === undefined) return 'unwanted'
  if (stall.error !== undefined) return 'failing'
  return stall.learnedAt === undefined ? 'unknown' : 'up'
}
