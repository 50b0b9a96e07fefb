import { fillGas, hasFaucet, mintTestToken, parseAmount, type TokenDescription } from '../../chain/index.ts'
import {
  type ErrorCode,
  type Hex,
  ParleyError,
  type SpendingView,
  type WalletBalances,
  type WalletDesk,
  type WalletView,
} from '../../core/index.ts'
import { type Cached, createCached } from './cached.ts'
import type { Money, TreasuryOptions, Vault, Writing } from './vault.ts'
import { dateOf, whereaboutsOf } from './views.ts'

const dayMs = 86_400_000
const faucetLifeMs = 600_000
const faucetMs = 5_000
const afterMs = 10_000
const faucetTokens = '100'
/** A whole coin of the development chain. */
const faucetGas = 10n ** 18n
const othersMax = 100

export function createWalletDesk(options: TreasuryOptions, vault: Vault): WalletDesk {
  const { accounts, config, network, clock } = options
  const faucet = createCached(signal => findFaucet(network, signal), { clock, lifeMs: faucetLifeMs, boundMs: faucetMs })
  const get = (signal: AbortSignal) => viewOf(options, vault, faucet, signal)
  const after = async (work: () => Promise<void>) => {
    await vault.inTurn(work)
    return await get(AbortSignal.timeout(afterMs))
  }
  const nameOf = (name: string | undefined) => name ?? config.wallet.name
  return {
    get,
    create: (name, password) => after(() => accounts.create(nameOf(name), password)),
    import: (name, source, password) => {
      const from = 'privateKey' in source ? source : { keystore: source.keystore, password: source.keystorePassword }
      const params = 'privateKey' in source ? keyParams : keystoreParams
      return after(() => asked(accounts.import(nameOf(name), from, password), params))
    },
    unlock: password => after(() => asked(accounts.unlock(password), { wallet_locked: 'password' })),
    faucet: async () => {
      const transaction = await vault.write(writing => takeFrom(faucet, writing), { needsGas: false })
      const balances = balancesOf(await vault.moneyNow(AbortSignal.timeout(afterMs)))
      return { transaction, state: accounts.state(), balances }
    },
  }
}

const keyParams = { wallet_invalid: 'privateKey' }
const keystoreParams = { wallet_invalid: 'keystore', wallet_locked: 'keystorePassword' }

/** What is wrong with what was sent is a fault of the request. */
async function asked(work: Promise<void>, params: { readonly [code in ErrorCode]?: string }): Promise<void> {
  try {
    await work
  } catch (cause) {
    const { code, message } = ParleyError.from(cause)
    const param = params[code]
    if (param === undefined) throw cause
    throw new ParleyError('invalid_request', message, { param, cause })
  }
}

async function viewOf(
  options: TreasuryOptions,
  vault: Vault,
  faucet: Cached<boolean>,
  signal: AbortSignal,
): Promise<WalletView> {
  const { accounts } = options
  const [token, money, hasFaucetNow, others] = await Promise.all([
    vault.token(signal),
    vault.money(signal),
    faucet.now(signal).catch(() => false),
    othersOf(options),
  ])
  return {
    ...{ state: accounts.state(), name: accounts.name ?? null, address: vault.address() ?? null },
    ...{ chain: vault.chain(), token, balances: balancesOf(money), others },
    exit: money?.account.exitReadyAt === undefined ? null : { readyAt: dateOf(money.account.exitReadyAt) },
    caps: capsOf(options, token),
    faucet: hasFaucetNow,
  }
}

/** Tokens that give themselves away, and what the transaction takes where gas is nobody's. */
async function takeFrom(faucet: Cached<boolean>, { access: { chain }, sender, token, signal }: Writing): Promise<Hex> {
  const { address: to } = sender.signer
  if (!(await faucet.now(signal))) {
    const why = `${token.symbol} gives itself to nobody here`
    throw new ParleyError('unsupported', `${why}; send some to ${to} from where you have it`)
  }
  await fillGas(chain, to, faucetGas, signal)
  const amount = parseAmount(faucetTokens, token.decimals)
  return (await mintTestToken(sender, { token: token.address, to, amount }, signal)).hash
}

async function findFaucet(network: TreasuryOptions['network'], signal: AbortSignal): Promise<boolean> {
  const { access } = network.parts()
  if (access === undefined) return false
  return await hasFaucet(access.chain, (await access.token(signal)).address, signal)
}

function balancesOf(money: Money | null): WalletBalances | null {
  if (money === null) return null
  const { reserved } = whereaboutsOf(money)
  return { wallet: money.wallet, gas: money.gas, escrow: money.account.free, reserved }
}

function capsOf({ config, ledger, clock }: TreasuryOptions, token: TokenDescription | null): SpendingView | null {
  if (token === null) return null
  const { perRequest, perHour, perDay } = config.spending
  try {
    const units = (amount: string) => parseAmount(amount, token.decimals)
    const spentToday = ledger.spentSince('user', clock.now() - dayMs)
    return { perRequest: units(perRequest), perHour: units(perHour), perDay: units(perDay), spentToday }
  } catch {
    // A cap with more places than the token has: every paid call says so.
    return null
  }
}

async function othersOf({ accounts }: TreasuryOptions): Promise<WalletView['others']> {
  const all = await accounts.list()
  return all
    .filter(({ alias }) => alias !== accounts.name)
    .slice(0, othersMax)
    .map(({ alias, address }) => ({ name: alias, address: address ?? null }))
}
