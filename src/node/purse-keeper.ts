import { parseAmount, zeroAddress } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
  type Address,
  type Backend,
  type Clock,
  type EventLog,
  type Ledger,
  ParleyError,
  type Principal,
  type Random,
  type Reply,
} from '../core/index.ts'
import type { PeerNode } from '../p2p/index.ts'
import { createPurse, freeRail, type PaidPeer, type PaymentRail, type Purse, voucherRail } from '../session/index.ts'
import type { Account } from './account.ts'
import type { ChainAccess } from './chain-access.ts'

export interface PurseKeeperOptions {
  readonly config: Config
  readonly access: ChainAccess
  /** The account of the moment: it may come while the node runs. */
  readonly account: () => Account | undefined
  readonly p2p: PeerNode
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: Random
  readonly log: EventLog
  /** The most a principal may spend in a day, beside the caps of all. */
  readonly dailyCap: (principal: Principal) => bigint | undefined
  /** A provider broke the payment protocol. */
  readonly onMismatch: (name: string) => void
}

/** Keeps the purse of the account's present epoch, and makes a new one when the account was closed and opened again. */
export interface PurseKeeper {
  /** Makes the purse, which takes a moment: its session key is unlocked. Throws what keeps this node from paying. */
  readonly prepare: () => Promise<void>
  /** The peer, paid. A call that is refused because the account has another epoch by now is made once more. */
  readonly paying: (paid: PaidPeer, peer: Backend) => Backend
  readonly flush: (signal: AbortSignal) => Promise<void>
}

/** A purse, and the key it signs with: another epoch of the account has another key. */
interface Opened {
  readonly purse: Purse
  readonly signer: Address
}

const openMs = 10_000

/** The purse is made when it is first needed: it takes the account's epoch from the chain and its session key from disk. */
export function createPurseKeeper(options: PurseKeeperOptions): PurseKeeper {
  let opened: Opened | undefined
  let opening: Promise<Opened> | undefined
  const open = async (): Promise<Opened> => {
    opening ??= openPurse(options).finally(() => {
      opening = undefined
    })
    opened = await opening
    return opened
  }
  const get = async () => opened ?? (await open())
  /** The purse to pay with after `refused` was not taken: another call may have made it already. */
  const renew = async (refused: Opened, cause: unknown) => {
    if (opened !== refused) return await get()
    if (await isCurrent(refused, options)) throw cause
    return await open()
  }
  return {
    prepare: async () => void (await get()),
    paying: (paid, peer) => ({
      name: peer.name,
      models: signal => peer.models(signal),
      run: async function* (call, context) {
        const used = await purseFor(paid, get, context.signal)
        const payWith = (from: Opened | undefined) => railOf(from).paying(paid)(peer).run(call, context)
        return yield* retried(payWith(used), async cause => {
          if (used === undefined || !isOfFormerEpoch(cause)) throw cause
          return payWith(await renew(used, cause))
        })
      },
    }),
    flush: async signal => opened?.purse.flush(signal),
  }
}

function railOf(from: Opened | undefined): PaymentRail {
  return from === undefined ? freeRail : voucherRail(from.purse)
}

/** Undefined when this node cannot pay and the peer asks for nothing. */
async function purseFor(
  { desk }: PaidPeer,
  get: () => Promise<Opened>,
  signal: AbortSignal,
): Promise<Opened | undefined> {
  try {
    return await get()
  } catch (cause) {
    if ((await desk.quotes(signal)).rail === 'free') return undefined
    throw cause
  }
}

/** A reply that begins anew, once, if it fails before its first chunk and `again` knows better. */
async function* retried(reply: Reply, again: (cause: unknown) => Promise<Reply>): Reply {
  let current = reply
  try {
    let first: Awaited<ReturnType<Reply['next']>>
    try {
      first = await current.next()
    } catch (cause) {
      current = await again(cause)
      first = await current.next()
    }
    if (first.done === true) return first.value
    yield first.value
    return yield* current
  } finally {
    await current.return(undefined as never)
  }
}

/** How a provider refuses the session key of an epoch that is over. */
function isOfFormerEpoch(cause: unknown): boolean {
  const { code } = ParleyError.from(cause)
  return code === 'payment_invalid' || code === 'voucher_epoch' || code === 'voucher_signature'
}

/** Whether the chain still names this purse's key; also while it cannot be read. */
async function isCurrent({ signer }: Opened, { access, account }: PurseKeeperOptions): Promise<boolean> {
  try {
    return (await access.escrow.account(account()!.address, AbortSignal.timeout(openMs))).signer === signer
  } catch (cause) {
    if (ParleyError.from(cause).code === 'chain_unavailable') return true
    throw cause
  }
}

async function openPurse(options: PurseKeeperOptions): Promise<Opened> {
  const { config, access, p2p, ledger } = options
  const account = options.account()
  if (account === undefined) {
    const what = `this model is paid and there is no wallet ${config.wallet.name}`
    throw new ParleyError('payment_required', `${what}; run parley wallet new, then parley session deposit`)
  }
  const bound = AbortSignal.timeout(openMs)
  const { epoch, signer: named } = await presentAccount(access, account.address, ledger, bound)
  const { decimals } = await access.token(bound)
  const signer = await account.sessionKey({ ...access.notary.domain, epoch })
  if (named !== undefined && named !== signer.address) throw unusable(named, signer.address)
  const { perRequest, perHour, perDay } = config.spending
  const purse = createPurse({
    ...options,
    payer: account.address,
    peerId: p2p.peerId,
    notary: access.notary,
    escrow: access.escrow,
    signer,
    limits: {
      perCall: parseAmount(perRequest, decimals),
      perHour: parseAmount(perHour, decimals),
      perDay: parseAmount(perDay, decimals),
      perPrincipalDay: options.dailyCap,
    },
  })
  return { purse, signer: signer.address }
}

function unusable(named: Address, own: Address): ParleyError {
  if (named === zeroAddress) {
    return new ParleyError('insufficient_funds', 'the escrow account is closed; run parley session deposit')
  }
  const what = `the account pays through session key ${named}, this node has ${own}`
  return new ParleyError('payment_invalid', `${what}; withdraw it, or use the machine that made the deposit`)
}

/** From the chain, or while that is away from what was last paid: a node starts and pays without its chain. */
async function presentAccount(
  access: ChainAccess,
  payer: Address,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<{ epoch: bigint; signer?: Address }> {
  try {
    return await access.escrow.account(payer, signal)
  } catch (cause) {
    const { chainId, escrow } = access.notary.domain
    const isSame = (a: Address, b: Address) => a.toLowerCase() === b.toLowerCase()
    const epochs = ledger
      .channels('user')
      .filter(({ key }) => isSame(key.payer, payer) && key.chainId === chainId && isSame(key.escrow, escrow))
      .map(({ key }) => key.epoch)
    if (epochs.length === 0) throw cause
    return { epoch: epochs.reduce((a, b) => (a > b ? a : b)) }
  }
}
