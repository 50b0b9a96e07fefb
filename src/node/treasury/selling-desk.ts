import { createRegistryMember, parseAmount, readGasPrice, readRegistryTerms } from '../../chain/index.ts'
import {
  type ClaimMove,
  ParleyError,
  type ProviderEntry,
  type RegisterWish,
  type RegistryStanding,
  type SellingDesk,
  type SellingMove,
} from '../../core/index.ts'
import { channelsOf, isSameAddress, newestOf } from './book.ts'
import { createCached } from './cached.ts'
import { collect } from './collect.ts'
import { earningsOf, offersOf, payersOf, totalsOf } from './earnings.ts'
import { writeOffers } from './offer-writes.ts'
import { entryOf } from './registry-entry.ts'
import type { TreasuryOptions, Vault, Writing } from './vault.ts'
import { dateOf, isOver } from './views.ts'

const termsLifeMs = 600_000
const gasLifeMs = 15_000
const readMs = 5_000
const gasOfClaim = 60_000n
const gasOfVoucher = 25_000n

export function createSellingDesk(options: TreasuryOptions, vault: Vault): SellingDesk {
  const ownEntry = () => entryIn(options.network.parts(), vault.address())
  return {
    get: createLook(options, vault, ownEntry),
    earnings: wish => earningsOf(options, wish),
    ...createMoves(options, vault, ownEntry),
    claim: () => vault.write(writing => claim(options, writing)),
  }
}

type OwnEntry = () => ProviderEntry | undefined

function createLook(options: TreasuryOptions, vault: Vault, ownEntry: OwnEntry): SellingDesk['get'] {
  const { network, clock, config } = options
  const chainOr = async <T>(read: (chain: NonNullable<Parts['access']>['chain']) => Promise<T>) => {
    const { access } = network.parts()
    return access === undefined ? null : await read(access.chain)
  }
  const bounds = { clock, boundMs: readMs }
  const terms = createCached(signal => chainOr(chain => readRegistryTerms(chain, signal)), {
    ...{ ...bounds, lifeMs: termsLifeMs },
  })
  const gasPrice = createCached(signal => chainOr(chain => readGasPrice(chain, signal)), {
    ...{ ...bounds, lifeMs: gasLifeMs },
  })
  return async signal => {
    const [token, known, price] = await Promise.all([
      vault.token(signal),
      terms.now(signal).catch(() => null),
      gasPrice.now(signal).catch(() => null),
    ])
    const payers = payersOf(options, vault.address())
    const owing = BigInt(payers.filter(({ owed }) => owed > 0n).length)
    const entry = ownEntry()
    return {
      ...{ chain: vault.chain(), token, enabled: config.provider.enabled, payers },
      registered: entry === undefined ? null : standingOf(entry),
      terms: known && { minStake: known.minStake, unbondingSeconds: Number(known.unbondingSeconds) },
      offers: offersOf(network.selling(), entry),
      totals: totalsOf(options, payers),
      gasEstimate: price && price * (gasOfClaim + gasOfVoucher * owing),
    }
  }
}

/** What changes the registry, between two readings of it. */
function createMoves(
  options: TreasuryOptions,
  vault: Vault,
  ownEntry: OwnEntry,
): Pick<SellingDesk, 'register' | 'stake' | 'offers' | 'exit'> {
  const move = (work: (writing: Writing) => Promise<SellingMove['transaction']>): Promise<SellingMove> =>
    vault.write(async writing => {
      await writing.access.directory.refresh(writing.signal)
      const transaction = await work(writing)
      await writing.access.directory.refresh(writing.signal)
      return { transaction, ...standingMove(ownEntry()) }
    })
  return {
    register: wish => move(writing => register(options, writing, wish, ownEntry())),
    stake: amount =>
      move(async ({ account, sender, token, signal }) => {
        requireEntry(ownEntry(), account.address)
        const tokens = parseAmount(amount, token.decimals)
        if (tokens === 0n) {
          throw new ParleyError('invalid_request', 'nothing cannot be staked; send more', { param: 'amount' })
        }
        return (await createRegistryMember(sender).topUp(tokens, signal)).hash
      }),
    offers: () =>
      move(async ({ account, sender, signal }) => {
        const { offers } = requireEntry(ownEntry(), account.address)
        return await writeOffers(sender, options.network.selling(), offers, signal)
      }),
    exit: () => move(writing => leave(writing, requireEntry(ownEntry(), writing.account.address), options)),
  }
}

async function register(
  options: TreasuryOptions,
  { access, account, sender, token, signal }: Writing,
  { stake, endpoint }: RegisterWish,
  known: ProviderEntry | undefined,
): Promise<SellingMove['transaction']> {
  if (known !== undefined) {
    throw new ParleyError('conflict', `${account.address} is registered already; add stake or write its offers`)
  }
  const entry = await entryFor(options, account.address, endpoint)
  const amount =
    stake === undefined ? (await readRegistryTerms(access.chain, signal)).minStake : parseAmount(stake, token.decimals)
  return (await createRegistryMember(sender).register(entry, amount, signal)).hash
}

async function claim({ ledger }: TreasuryOptions, writing: Writing): Promise<ClaimMove> {
  const { access, account, sender, signal } = writing
  const { address: provider } = account
  const known = newestOf(channelsOf(ledger, { ...access.notary.domain, side: 'provider', account: provider }))
  const channels = known.flatMap(({ key, voucher }) => (voucher === undefined ? [] : [{ key, voucher }]))
  const { rows, paid, transactions, failure } = await collect(sender, ledger, { provider, channels }, signal)
  const hashes = transactions.map(({ hash }) => hash)
  return {
    ...{ transaction: hashes[0] ?? null, transactions: hashes, paid, failure: failure?.message ?? null },
    rows: rows.map(row => ({
      ...{ payer: row.payer, cumulative: row.cumulative },
      ...(row.outcome === 'paid' ? { paid: row.paid, reason: null } : { paid: 0n, reason: row.reason }),
    })),
  }
}

type Parts = ReturnType<TreasuryOptions['network']['parts']>

function entryIn({ access }: Parts, own: string | undefined): ProviderEntry | undefined {
  if (own === undefined) return undefined
  return access?.directory.list().find(({ provider }) => isSameAddress(provider, own))
}

function requireEntry(entry: ProviderEntry | undefined, address: string): ProviderEntry {
  if (entry !== undefined) return entry
  throw new ParleyError('conflict', `${address} is not in the registry; register first`)
}

function standingOf({ stake, exitAt, endpoint, payout, signer }: ProviderEntry): RegistryStanding {
  return { stake, exitAt: exitAt === undefined ? null : dateOf(exitAt), endpoint, payout, signer }
}

function standingMove(entry: ProviderEntry | undefined): Omit<SellingMove, 'transaction'> {
  if (entry === undefined) return { state: 'unregistered', stake: 0n, readyAt: null }
  const { stake, exitAt } = standingOf(entry)
  return { state: exitAt === null ? 'active' : 'leaving', stake, readyAt: exitAt }
}

/** What is wrong with an address is said in the words of the API. */
async function entryFor({ config }: TreasuryOptions, account: ProviderEntry['provider'], endpoint: string | undefined) {
  const param = 'endpoint'
  if (endpoint === undefined && config.p2p.announce.length === 0) {
    const why = 'nobody would find this node: its address is unknown'
    throw new ParleyError('invalid_request', `${why}; send an endpoint, or set p2p.announce`, { param })
  }
  try {
    return await entryOf(config, account, { endpoint })
  } catch (cause) {
    const { code, message } = ParleyError.from(cause)
    if (code !== 'usage') throw cause
    throw new ParleyError('invalid_request', message, { param, cause })
  }
}

/** Asks for the exit; once the unbonding time is over it takes the stake home. */
async function leave(
  { access, sender, signal }: Writing,
  { exitAt }: ProviderEntry,
  { clock }: TreasuryOptions,
): Promise<SellingMove['transaction']> {
  const member = createRegistryMember(sender)
  if (exitAt === undefined) return (await member.requestExit(signal)).hash
  const { behindSeconds } = await access.chain.check(signal)
  const chainTime = BigInt(Math.round(clock.now() / 1_000) - behindSeconds)
  if (isOver(exitAt, chainTime, clock)) return (await member.withdraw(signal)).hash
  const readyAt = new Date(dateOf(exitAt)).toISOString()
  throw new ParleyError('conflict', `the stake is bound until ${readyAt}; try again then`, { details: { readyAt } })
}
