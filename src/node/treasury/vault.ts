import {
  type Chain,
  createSender,
  createTurns,
  type Holdings,
  holdingsPairsMax,
  readGasPrice,
  readHoldings,
  type Sender,
  type TokenDescription,
} from '../../chain/index.ts'
import type { Config } from '../../config/index.ts'
import {
  type Address,
  type ChainView,
  type Channel,
  type Clock,
  type EarningsBook,
  type EscrowPair,
  type Ledger,
  ParleyError,
  type Random,
} from '../../core/index.ts'
import type { Account } from '../account.ts'
import type { AccountKeeper } from '../account-keeper.ts'
import type { ChainAccess } from '../chain-access.ts'
import type { Network } from '../network.ts'
import { channelsOf, newestOf } from './book.ts'
import { type Cached, createCached } from './cached.ts'
import { chainName } from './chain-name.ts'

export interface TreasuryOptions {
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly ledger: Ledger & EarningsBook
  readonly accounts: AccountKeeper
  readonly network: Pick<Network, 'parts' | 'selling'>
  /** How many models can be asked. */
  readonly models: () => number
  /** Where this node answers. */
  readonly url: () => string
}

/** What the chain says the account has. */
export interface OnChain extends Omit<Holdings, 'pairs'> {
  readonly address: Address
  readonly token: TokenDescription
  readonly pairs: ReadonlyMap<string, EscrowPair>
}

/** The same beside what was signed and booked by now: the newest counter with each provider, and what the chain says of it. */
export interface Money extends Omit<OnChain, 'pairs'> {
  readonly counters: readonly (EscrowPair & { readonly channel: Channel })[]
}

/** Everything that a write needs. */
export interface Writing {
  readonly access: ChainAccess
  readonly account: Account
  readonly sender: Sender
  readonly token: TokenDescription
  readonly signal: AbortSignal
}

/** What the desks have in common: the chain of the moment, the account, and one line for all that writes. */
export interface Vault {
  readonly chain: () => ChainView | null
  readonly token: (signal: AbortSignal) => Promise<TokenDescription | null>
  readonly address: () => Address | undefined
  /** Kept for some seconds; undefined without an account. */
  readonly holdings: Cached<OnChain | undefined>
  /** Null where there is no account. While the chain cannot be read it is what was read last, if anything was. */
  readonly money: (signal: AbortSignal) => Promise<Money | null>
  /** Never from before the last write. */
  readonly moneyNow: (signal: AbortSignal) => Promise<Money | null>
  /**
   * Does what writes, one after the other, and not at the will of who asked: what is sent is sent, also when he leaves. Throws
   * `unsupported` without a chain, `not_found` without a wallet, `chain_unavailable`, `wallet_locked`, `insufficient_funds` and what the work throws.
   */
  readonly write: <T>(work: (writing: Writing) => Promise<T>, options?: { readonly needsGas?: boolean }) => Promise<T>
  /** For what only touches files. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
  readonly stop: () => void
}

const balancesLifeMs = 5_000
const readMs = 8_000
/** A transaction that stays unmined is given up after two minutes; some moves are two. */
const writeMs = 300_000
const waitingMax = 16
/** Any of these transactions takes as much. */
const leastGas = 60_000n

export function createVault(options: TreasuryOptions): Vault {
  const { network, accounts, clock } = options
  const inTurn = createTurns(waitingMax)
  const stopping = new AbortController()
  const holdings = createCached(signal => readOnChain(options, signal), {
    ...{ clock, lifeMs: balancesLifeMs, boundMs: readMs },
  })
  const moneyOf = (found: OnChain | undefined) => (found === undefined ? null : booked(options, found))
  const bounded = () => AbortSignal.any([AbortSignal.timeout(writeMs), stopping.signal])
  return {
    chain: () => chainOf(options, holdings.failure()),
    token: async signal => {
      const { access } = network.parts()
      return (await access?.token(AbortSignal.any([signal, AbortSignal.timeout(readMs)])).catch(() => null)) ?? null
    },
    address: () => accounts.current()?.address,
    holdings,
    money: async signal => moneyOf(await holdings.now(signal).catch(() => holdings.last())),
    moneyNow: async signal => moneyOf(await holdings.now(signal).catch(() => undefined)),
    write: (work, { needsGas = true } = {}) => {
      const signal = bounded()
      return inTurn(signal, async () => {
        try {
          const writing = await writingOf(options, signal)
          if (needsGas) await requireGas(writing)
          return await work(writing)
        } catch (cause) {
          throw ofContracts(ParleyError.from(cause, signal))
        } finally {
          holdings.forget()
        }
      })
    },
    inTurn: work =>
      inTurn(bounded(), async () => {
        try {
          return await work()
        } finally {
          holdings.forget()
        }
      }),
    stop: () => stopping.abort(new ParleyError('stopping', 'the node is shutting down')),
  }
}

function chainOf({ network }: TreasuryOptions, unread: ParleyError | undefined): ChainView | null {
  const { access, failure } = network.parts()
  if (access === undefined) return null
  const { readAt, blockNumber, isStale, error } = access.directory.freshness()
  const { chainId } = access.chain.settings
  return {
    id: String(chainId),
    name: chainName(chainId),
    blockNumber: blockNumber ?? null,
    readAt: readAt ?? null,
    isStale,
    error: failure?.message ?? error ?? unread?.message ?? null,
  }
}

async function readOnChain(options: TreasuryOptions, signal: AbortSignal): Promise<OnChain | undefined> {
  const { access } = options.network.parts()
  const account = options.accounts.current()
  if (access === undefined || account === undefined) return undefined
  const { address: holder } = account
  const token = await access.token(signal)
  const providers = countersOf(options, holder).map(({ key }) => key.provider)
  const { pairs, ...held } = await readHoldings(access.chain, { token: token.address, holder, providers }, signal)
  const byProvider = new Map(providers.map((provider, at) => [provider.toLowerCase(), pairs[at]!]))
  return { address: holder, token, pairs: byProvider, ...held }
}

function countersOf({ network, ledger }: TreasuryOptions, account: Address): Channel[] {
  const { access } = network.parts()
  if (access === undefined) return []
  return newestOf(channelsOf(ledger, { ...access.notary.domain, side: 'user', account })).slice(-holdingsPairsMax)
}

/** What is signed changes with every call, and is never from memory. */
function booked(options: TreasuryOptions, { pairs, ...held }: OnChain): Money {
  const counters = countersOf(options, held.address).map(channel => {
    const { claimed, reserved } = pairs.get(channel.key.provider.toLowerCase()) ?? { claimed: 0n, reserved: 0n }
    return { channel, reserved, claimed: claimed > channel.claimed ? claimed : channel.claimed }
  })
  return { ...held, counters }
}

async function writingOf({ network, accounts, config }: TreasuryOptions, signal: AbortSignal): Promise<Writing> {
  const { access } = network.parts()
  if (access === undefined) {
    const where = `set chain.rpcUrls and chain.deployment in ${config.paths.configFile}`
    throw new ParleyError('unsupported', `this node has no chain; ${where} and start it again`)
  }
  const account = accounts.current()
  if (account === undefined) {
    throw new ParleyError('not_found', 'this node has no wallet yet; make one first, or import one')
  }
  const token = await access.token(signal)
  const sender = createSender(access.chain, await account.signer())
  return { access, account, sender, token, signal }
}

async function requireGas({ access: { chain }, account: { address }, signal }: Writing): Promise<void> {
  const [held, price] = await Promise.all([gasOf(chain, address, signal), readGasPrice(chain, signal)])
  const needed = price * leastGas
  if (held >= needed) return
  const message = `${address} holds ${held} for gas and needs at least ${needed}; send it some of the chain's own coin`
  const details = { held: String(held), needed: String(needed), asset: 'gas' }
  throw new ParleyError('insufficient_funds', message, { details })
}

function gasOf(chain: Chain, address: Address, signal: AbortSignal): Promise<bigint> {
  return chain.ask('reading a balance', signal, client => client.getBalance({ address }))
}

/** Refusals of the contracts that say that something else has to happen first, or has happened already. */
const conflicts = new Set([
  'AccountClosed',
  'AlreadyRegistered',
  'ExitNotReady',
  'ExitNotRequested',
  'ExitPending',
  'NothingToWithdraw',
  'NotRegistered',
  'SignerMismatch',
  'StillUnbonding',
])

function ofContracts(error: ParleyError): ParleyError {
  const { reason } = (error.details ?? {}) as { reason?: unknown }
  const { message, details = {} } = error
  if (error.code === 'transaction_failed' && typeof reason === 'string' && conflicts.has(reason)) {
    return new ParleyError('conflict', message, { cause: error, details })
  }
  return error
}
