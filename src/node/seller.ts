import { parseAmount } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
  type Backend,
  type Clock,
  type EventLog,
  type Ledger,
  ParleyError,
  type Random,
  type Service,
  type Signer,
} from '../core/index.ts'
import type { Admission } from '../gateway/index.ts'
import { createPeerFront, type Front, type LocalFrontOptions } from '../http/index.ts'
import type { PeerNode } from '../p2p/index.ts'
import { charging, createTill, type OfferedModel, type Till } from '../session/index.ts'
import { providerStack } from '../stacks.ts'
import type { Account } from './account.ts'
import type { ChainAccess } from './chain-access.ts'
import { claimRegularly } from './claims.ts'
import type { OwnModel, OwnModels } from './own-models.ts'

export interface SellerOptions {
  readonly config: Config
  readonly account: Account
  readonly access: ChainAccess
  readonly own: Pick<OwnModels, 'list'>
  readonly p2p: PeerNode
  readonly ledger: Ledger
  readonly admission: Admission
  /** What answers peers. */
  readonly forSale: Backend
  readonly front: Pick<
    LocalFrontOptions,
    'heartbeatMs' | 'stallMs' | 'maxBodyBytes' | 'bodyTimeoutMs' | 'headersTimeoutMs' | 'requestTimeoutMs' | 'onError'
  >
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
}

/** The provider's role: sells the node's own models to peers, and fetches what they owe. */
export interface Seller extends Service {
  /** What is for sale right now. */
  readonly offers: () => readonly OfferedModel[]
}

const reofferMs = 20_000

export function createSeller(options: SellerOptions): Seller {
  const { config, access, p2p, own, log } = options
  const stopping = new AbortController()
  let offers: readonly OfferedModel[] = []
  let front: Front | undefined
  let timer: NodeJS.Timeout | undefined

  const reoffer = async (signal: AbortSignal, signer: Signer) => {
    try {
      const { decimals } = await access.token(signal)
      front ??= peerFront(
        options,
        tillOf(options, signer, () => offers, decimals),
      )
      offers = priced(await own.list(signal), config, decimals)
      await p2p.discovery.announce(offers.map(({ modelId }) => modelId))
    } catch (cause) {
      if (signal.aborted) return
      const { code, message } = ParleyError.from(cause, signal)
      log.emit({ type: 'service.failed', service: 'offers', code, message })
    }
  }
  return {
    name: 'seller',
    offers: () => offers,
    start: async signal => {
      const signer = await options.account.signer()
      await reoffer(signal, signer)
      await p2p.serve((socket, { peerId }) => {
        // Without the token's decimals there is no price yet, and nothing to sell.
        if (front === undefined) socket.destroy()
        else front.accept(socket, { principal: { kind: 'peer', id: peerId } })
      })
      timer = setInterval(() => void reoffer(stopping.signal, signer), reofferMs).unref()
      void claimRegularly(options, signer, stopping.signal)
    },
    stop: async () => {
      clearInterval(timer)
      stopping.abort(new ParleyError('stopping', 'the node is shutting down'))
      await front?.close(AbortSignal.abort())
    },
  }
}

function tillOf(
  { config, access, account, ledger, clock, random, log }: SellerOptions,
  signer: Signer,
  offers: Seller['offers'],
  decimals: number,
) {
  const { rail, quoteSeconds, softCredit } = config.provider
  return createTill({
    provider: account.address,
    notary: access.notary,
    signer,
    escrow: access.escrow,
    ledger,
    clock,
    random,
    log,
    offers,
    rail,
    limits: { quoteLifeMs: quoteSeconds * 1_000, softCredit: parseAmount(softCredit, decimals) },
  })
}

function peerFront(options: SellerOptions, till: Till): Front {
  const { log, clock, admission, forSale, random, config } = options
  const backend = providerStack({
    log,
    clock,
    admission,
    charging: charging(till),
    router: forSale,
  })
  return createPeerFront({
    ...options.front,
    backend,
    desk: till,
    admit: till.admit,
    random,
    maxConnections: config.p2p.maxConnections * 4,
  })
}

/** The price list: each own model that is for sale, at its own price or the common one. */
function priced(models: readonly OwnModel[], { provider }: Config, decimals: number): OfferedModel[] {
  const sold = models.filter(({ model }) => provider.models.length === 0 || provider.models.includes(model.id))
  return sold.map(({ model, modelId }) => {
    const { unit = 'tokens', ...own } = provider.modelPrices[model.id] ?? {}
    const common = unit === 'tokens' ? provider.prices : { ...freeOfTokens, minimum: provider.prices.minimum }
    const price = { ...common, ...definedOf(own) }
    return {
      model,
      modelId,
      unit,
      priceIn: parseAmount(price.in, decimals),
      priceCachedIn: parseAmount(price.cachedIn, decimals),
      priceOut: parseAmount(price.out, decimals),
      minimumCharge: parseAmount(price.minimum, decimals),
      windowTokens: unit === 'tokens' ? provider.windowTokens : 1,
      contextTokens: model.context_length ?? 0,
      concurrency: provider.concurrency,
    }
  })
}

/** What is sold by another unit has that price alone. */
const freeOfTokens = { in: '0', cachedIn: '0', out: '0' }

function definedOf<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
