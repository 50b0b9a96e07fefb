import { createEscrowPayer, parseAmount, readEscrowTerms, zeroAddress } from '../../chain/index.ts'
import {
  type ChannelKey,
  type EscrowDesk,
  type EscrowMove,
  type EscrowRow,
  type EscrowView,
  type Hex,
  ParleyError,
} from '../../core/index.ts'
import { channelsOf } from './book.ts'
import { createCached } from './cached.ts'
import { sessionKeyFor } from './escrow-moves.ts'
import type { Money, TreasuryOptions, Vault, Writing } from './vault.ts'
import { dateOf, escrowStateOf, isOver, whereaboutsOf } from './views.ts'

const rowsMax = 1_000
const afterMs = 10_000
const delayLifeMs = 60_000
const delayReadMs = 5_000

export function createEscrowDesk(options: TreasuryOptions, vault: Vault): EscrowDesk {
  const { clock, network } = options
  const isOurs = createSessionKeyCheck(options)
  const delay = createCached(
    async signal => {
      const { access } = network.parts()
      return access === undefined ? null : Number((await readEscrowTerms(access.chain, signal)).exitDelaySeconds)
    },
    { clock, lifeMs: delayLifeMs, boundMs: delayReadMs },
  )
  const move = async (work: (writing: Writing) => Promise<Hex>): Promise<EscrowMove> => {
    const transaction = await vault.write(work)
    const money = await vault.moneyNow(AbortSignal.timeout(afterMs))
    if (money === null) {
      const what = 'it is done, and the chain does not say what is so now'
      throw new ParleyError('chain_unavailable', `${what}; look again later`, { details: { transaction } })
    }
    const { exitReadyAt } = money.account
    const readyAt = exitReadyAt === undefined ? null : dateOf(exitReadyAt)
    return { transaction, readyAt, state: escrowStateOf(money, clock), whereIsMyMoney: whereaboutsOf(money) }
  }
  return {
    get: async signal => {
      const [token, money, exitDelaySeconds] = await Promise.all([
        vault.token(signal),
        vault.money(signal),
        network.parts().access === undefined ? null : delay.now(signal).catch(() => null),
      ])
      return {
        ...{ chain: vault.chain(), token, exitDelaySeconds },
        ...(money === null ? unknown : { ...accountOf(money, options), isOurs: await isOurs(money) }),
        providers: rowsOf(options, vault, money),
      }
    },
    deposit: amount =>
      move(async ({ access: { chain, escrow }, account, sender, token, signal }) => {
        const tokens = parseAmount(amount, token.decimals)
        if (tokens === 0n) {
          throw new ParleyError('invalid_request', 'a deposit of nothing changes nothing; send more', {
            param: 'amount',
          })
        }
        const { exitReadyAt } = await escrow.account(account.address, signal)
        if (exitReadyAt !== undefined) {
          throw new ParleyError('conflict', 'the account is being closed; withdraw first, then deposit again')
        }
        const keyOf: Parameters<typeof sessionKeyFor>[2] = async of => (await account.sessionKey(of)).address
        const sessionKey = await sessionKeyFor(chain, account.address, keyOf, signal)
        return (await createEscrowPayer(sender).deposit(tokens, sessionKey, signal)).hash
      }),
    exit: () => move(async ({ sender, signal }) => (await createEscrowPayer(sender).requestExit(signal)).hash),
    withdraw: () =>
      move(async writing => {
        const { sender, signal } = writing
        await requireExit(writing, options)
        const of = { ...writing.access.notary.domain, side: 'user', account: writing.account.address } as const
        const providers = channelsOf(options.ledger, of).map(({ key }) => key.provider)
        return (await createEscrowPayer(sender).withdraw([...new Set(providers)], signal)).hash
      }),
  }
}

const unknown = { state: null, epoch: null, isOurs: null, exit: null, whereIsMyMoney: null }

function accountOf(
  money: Money,
  { clock }: TreasuryOptions,
): Omit<EscrowView, 'chain' | 'token' | 'providers' | 'isOurs' | 'exitDelaySeconds'> {
  const { epoch, exitReadyAt } = money.account
  return {
    epoch,
    state: escrowStateOf(money, clock),
    exit: exitReadyAt === undefined ? null : { readyAt: dateOf(exitReadyAt) },
    whereIsMyMoney: whereaboutsOf(money),
  }
}

/** What keeps a withdrawal from working, before gas is spent on finding out. */
async function requireExit({ access, account, signal }: Writing, { clock }: TreasuryOptions): Promise<void> {
  const { exitReadyAt, signer } = await access.escrow.account(account.address, signal)
  if (signer === zeroAddress) {
    throw new ParleyError('conflict', 'the account is closed: there is nothing to withdraw')
  }
  if (exitReadyAt === undefined) {
    throw new ParleyError('conflict', 'no exit was requested; request it first and withdraw after the delay')
  }
  const { behindSeconds } = await access.chain.check(signal)
  const chainTime = BigInt(Math.round(clock.now() / 1_000) - behindSeconds)
  if (isOver(exitReadyAt, chainTime, clock)) return
  const readyAt = new Date(dateOf(exitReadyAt)).toISOString()
  throw new ParleyError('conflict', `the exit delay is not over; try again at ${readyAt}`, { details: { readyAt } })
}

function rowsOf({ ledger, network }: TreasuryOptions, vault: Vault, money: Money | null): EscrowRow[] {
  const { access, market } = network.parts()
  const account = vault.address()
  if (access === undefined || account === undefined) return []
  const peerIds = new Map(access.directory.list().map(entry => [entry.provider.toLowerCase(), entry.peerId]))
  const sold = new Map(market?.list().map(({ entry, models }) => [entry.provider.toLowerCase(), models]))
  const nameOf = ({ provider, epoch }: ChannelKey) => `${provider.toLowerCase()} ${epoch}`
  const counters = new Map(money?.counters.map(counter => [nameOf(counter.channel.key), counter]))
  return channelsOf(ledger, { ...access.notary.domain, side: 'user', account })
    .toReversed()
    .slice(0, rowsMax)
    .map(({ key, authorized, charged, claimed, receipt }) => {
      const counter = counters.get(nameOf(key))
      const provider = key.provider.toLowerCase()
      return {
        ...{ provider: key.provider, epoch: key.epoch, authorized, charged },
        peerId: peerIds.get(provider) ?? null,
        claimed: counter?.claimed ?? claimed,
        reserved: counter?.reserved ?? 0n,
        models: sold.get(provider)?.map(({ id }) => id) ?? [],
        lastReceiptAt: receipt === undefined ? null : Number(receipt.message.endedAt),
      }
    })
}

/** Whether the account's session key is one this node has; it is derived once in an epoch, which takes a moment. */
function createSessionKeyCheck({ network, accounts }: TreasuryOptions): (money: Money) => Promise<boolean | null> {
  let known: { readonly epoch: bigint; readonly address: string } | undefined
  return async ({ account: { signer, epoch } }) => {
    const { access } = network.parts()
    const account = accounts.current()
    if (access === undefined || account === undefined || signer === zeroAddress) return null
    if (accounts.state() !== 'open') return null
    try {
      if (known?.epoch !== epoch) {
        known = { epoch, address: (await account.sessionKey({ ...access.notary.domain, epoch })).address }
      }
      return known.address === signer
    } catch {
      // A password that does not open it: the wallet's state says so.
      return null
    }
  }
}
