import { createEscrowPayer, parseAmount, zeroAddress } from '../../chain/index.ts'
import {
  type EscrowDesk,
  type EscrowMove,
  type EscrowRow,
  type EscrowView,
  type Hex,
  ParleyError,
} from '../../core/index.ts'
import { channelsOf, isSameAddress } from './book.ts'
import { sessionKeyFor } from './escrow-moves.ts'
import type { Money, TreasuryOptions, Vault, Writing } from './vault.ts'
import { dateOf, escrowStateOf, isOver, whereaboutsOf } from './views.ts'

const rowsMax = 1_000
const afterMs = 10_000

export function createEscrowDesk(options: TreasuryOptions, vault: Vault): EscrowDesk {
  const { clock } = options
  const isOurs = createSessionKeyCheck(options)
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
      const [token, money] = await Promise.all([vault.token(signal), vault.money(signal)])
      return {
        ...{ chain: vault.chain(), token },
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
): Omit<EscrowView, 'chain' | 'token' | 'providers' | 'isOurs'> {
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
  const entries = access.directory.list()
  const stalls = market?.list() ?? []
  return channelsOf(ledger, { ...access.notary.domain, side: 'user', account })
    .toReversed()
    .slice(0, rowsMax)
    .map(({ key, authorized, charged, claimed, receipt }) => {
      const counter = money?.counters.find(
        each => each.channel.key.provider === key.provider && each.channel.key.epoch === key.epoch,
      )
      const isOf = ({ provider }: { provider: string }) => isSameAddress(provider, key.provider)
      return {
        ...{ provider: key.provider, epoch: key.epoch, authorized, charged },
        peerId: entries.find(isOf)?.peerId ?? null,
        claimed: counter?.claimed ?? claimed,
        reserved: counter?.reserved ?? 0n,
        models: stalls.find(({ entry }) => isOf(entry))?.models.map(({ id }) => id) ?? [],
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
