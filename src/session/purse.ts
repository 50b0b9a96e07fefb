import type { Address, QuoteSheet } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { PaidSession } from './paid-session.ts'
import type { Payer } from './payer.ts'
import type { PaidPeer } from './price-list.ts'
import { SpendingCaps, type SpendingLimits } from './spending-caps.ts'

export interface PurseOptions extends Payer {
  readonly limits?: SpendingLimits
  /** Bound of each exchange with a cash desk. */
  readonly timeoutMs?: number
  /** A provider counted wrong or contradicts the books: it is not paid again by this process. */
  readonly onMismatch?: (provider: Address, error: ParleyError) => void
}

/** The user's side of all money: one session per provider, under common caps. */
export interface Purse {
  readonly session: (peer: PaidPeer) => PaidSession
  /** A provider's prices, from memory while they are good. */
  readonly prices: (peer: PaidPeer, signal: AbortSignal) => Promise<QuoteSheet>
  /** Waits until every provider holds what it is owed; what cannot be delivered in time stays in the ledger. */
  readonly flush: (signal: AbortSignal) => Promise<void>
}

const providersMax = 10_000

export function createPurse(options: PurseOptions): Purse {
  const sessions = new Map<string, PaidSession>()
  const { limits = {}, timeoutMs = 10_000, onMismatch = () => undefined } = options
  const caps = new SpendingCaps({ ...options, limits })
  const session = (peer: PaidPeer): PaidSession => {
    const name = peer.provider.toLowerCase()
    const known = sessions.get(name)
    known?.update(peer)
    if (known !== undefined) return known
    if (sessions.size >= providersMax) {
      throw new ParleyError('overloaded', `this node already pays ${providersMax} providers; restart it to pay others`)
    }
    const created = new PaidSession(peer, { ...options, caps, timeoutMs, onMismatch, perCallMax: limits.perCall })
    sessions.set(name, created)
    return created
  }
  return {
    session,
    prices: (peer, signal) => session(peer).prices.sheet(signal),
    flush: signal => flushAll([...sessions.values()], signal),
  }
}

async function flushAll(sessions: readonly PaidSession[], signal: AbortSignal): Promise<void> {
  const { promise: left, resolve } = Promise.withResolvers<void>()
  const leave = () => resolve()
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  try {
    await Promise.race([left, Promise.allSettled(sessions.map(session => session.flush()))])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
