import { createPeer, createRemoteDesk } from '../backends/index.ts'
import { parseAmount, type TokenDescription } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
  type Backend,
  type Clock,
  type EventLog,
  type Ledger,
  ParleyError,
  type ProviderEntry,
  type Random,
  type Service,
} from '../core/index.ts'
import type { PeerNode } from '../p2p/index.ts'
import { createPurse, freeRail, type PaidPeer, type PaymentRail, type Purse, voucherRail } from '../session/index.ts'
import type { Account } from './account.ts'
import type { ChainAccess } from './chain-access.ts'
import type { Shop } from './market.ts'

export interface ShopsOptions {
  readonly config: Config
  readonly access: ChainAccess
  readonly account: Account | undefined
  readonly p2p: PeerNode
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
  /** A provider broke the payment protocol. */
  readonly onMismatch: (name: string) => void
}

/** Opens the way to providers: a connection, their cash desk, and a purse that pays them. */
export interface Shops extends Service {
  open: (entry: ProviderEntry) => Shop
  /** Symbol of the escrow's token; empty until it is known. */
  currency: () => string
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
      void purse.get(signal).catch(() => undefined)
    },
    stop: () => purse.flush(AbortSignal.timeout(flushMs)),
  }
}

function openShop({ p2p, config }: ShopsOptions, purse: PurseKeeper, entry: ProviderEntry): Shop {
  const { provider, peerId, endpoint, signer } = entry
  const peer = createPeer({
    name: provider,
    open: signal => p2p.open({ peerId, addresses: [endpoint] }, { signal }),
    connectTimeoutMs: config.timeouts.connectMs,
    maxStreams: config.p2p.perPeerStreams,
  })
  const desk = createRemoteDesk(peer.client)
  const paid: PaidPeer = { provider, signer, desk }
  const backend: Backend = {
    name: provider,
    models: signal => peer.models(signal),
    run: async function* (call, context) {
      const rail = await purse.rail(paid, context.signal)
      return yield* rail.paying(paid)(peer).run(call, context)
    },
  }
  return { backend, sheet: signal => desk.quotes(signal), close: () => peer.close() }
}

interface PurseKeeper {
  /** Throws `payment_required` without an account, `wallet_locked`, `chain_unavailable`, `insufficient_funds`. */
  get: (signal: AbortSignal) => Promise<Purse>
  rail: (peer: PaidPeer, signal: AbortSignal) => Promise<PaymentRail>
  flush: (signal: AbortSignal) => Promise<void>
}

/** The purse is made when it is first needed: it takes the account's epoch from the chain and its session key from disk. */
function createPurseKeeper(options: ShopsOptions): PurseKeeper {
  let purse: Purse | undefined
  let opening: Promise<Purse> | undefined
  const get = async (): Promise<Purse> => {
    if (purse !== undefined) return purse
    opening ??= openPurse(options).finally(() => {
      opening = undefined
    })
    purse = await opening
    return purse
  }
  return {
    get,
    rail: async (peer, signal) => {
      if (purse !== undefined) return voucherRail(purse)
      try {
        return voucherRail(await get())
      } catch (cause) {
        // Who asks for nothing can be used without an account.
        if ((await peer.desk.quotes(signal)).rail === 'free') return freeRail
        throw cause
      }
    },
    flush: async signal => purse?.flush(signal),
  }
}

async function openPurse(options: ShopsOptions): Promise<Purse> {
  const { config, access, account, p2p, onMismatch, ledger } = options
  if (account === undefined) {
    const what = `this model is paid and there is no wallet ${config.wallet.name}`
    throw new ParleyError('payment_required', `${what}; run parley wallet new, then parley session deposit`)
  }
  const signal = AbortSignal.timeout(openMs)
  const epoch = await currentEpoch(access, account, ledger, signal)
  const { decimals } = await access.token(signal)
  const signer = await account.sessionKey({ ...access.notary.domain, epoch })
  const { perRequest, perHour, perDay } = config.spending
  return createPurse({
    ...options,
    payer: account.address,
    peerId: p2p.peerId,
    notary: access.notary,
    signer,
    limits: {
      perCall: parseAmount(perRequest, decimals),
      perHour: parseAmount(perHour, decimals),
      perDay: parseAmount(perDay, decimals),
    },
    onMismatch,
  })
}

/** From the chain, or while that is away from what was last paid: a node starts and pays without its chain. */
async function currentEpoch(
  access: ChainAccess,
  { address }: Account,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<bigint> {
  try {
    return (await access.escrow.account(address, signal)).epoch
  } catch (cause) {
    const { chainId, escrow } = access.notary.domain
    const epochs = ledger
      .channels('user')
      .filter(({ key }) => key.payer === address && key.chainId === chainId && key.escrow === escrow)
      .map(({ key }) => key.epoch)
    if (epochs.length === 0) throw cause
    return epochs.reduce((a, b) => (a > b ? a : b))
  }
}
