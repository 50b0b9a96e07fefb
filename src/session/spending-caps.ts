import type { Clock, Ledger, Principal } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

/** The most that may be spent, in the smallest unit of the escrow's token; absent means no limit. */
export interface SpendingLimits {
  readonly perCall?: bigint
  readonly perHour?: bigint
  readonly perDay?: bigint
  /** Of one API key or peer, per day; asked at every call, so that a changed cap counts from the next one on. */
  readonly perPrincipalDay?: bigint | ((principal: Principal) => bigint | undefined)
}

/** What a running call may still cost, set aside from the caps until it is charged. */
export interface Hold {
  /** Throws `spending_cap` when a cap does not allow it; the hold is then what it was. */
  readonly set: (amount: bigint) => void
  readonly release: () => void
}

export interface SpendingCapsOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly limits: SpendingLimits
}

const hourMs = 3_600_000
const recountMs = 5_000
const totalsMax = 10_000

interface Total {
  spent: bigint
  held: bigint
  countedAt: number
}

/** Keeps spending under its caps before money moves: what the ledger says was spent, plus what running calls may add. */
export class SpendingCaps {
  readonly #options: SpendingCapsOptions
  readonly #totals = new Map<string, Total>()

  constructor(options: SpendingCapsOptions) {
    this.#options = options
  }

  hold(principal: Principal, amount: bigint): Hold {
    const caps = this.#capsOf(principal)
    let held = 0n
    const set = (to: bigint) => {
      // What was spent since counts too, so also one that stays as it is may be too much by now.
      const totals = caps.map(cap => (to === 0n ? this.#total(cap) : this.#check(cap, to - held)))
      for (const total of totals) total.held += to - held
      held = to
    }
    set(amount)
    return {
      set,
      release: () => {
        for (const cap of caps) this.#total(cap).held -= held
        held = 0n
      },
    }
  }

  /** Counts a charge that the ledger holds from now on. */
  charged(principal: Principal, amount: bigint): void {
    for (const cap of this.#capsOf(principal)) this.#total(cap).spent += amount
  }

  #check(cap: Cap, more: bigint): Total {
    const total = this.#total(cap)
    if (total.spent + total.held + more <= cap.limit) return total
    const message = `${cap.name} is ${cap.limit}; ${total.spent} are spent, ${total.held} held, ${more} more are needed`
    throw new ParleyError('spending_cap', message, {
      details: { limit: String(cap.limit), spent: String(total.spent) },
    })
  }

  #total(cap: Cap): Total {
    const known = this.#totals.get(cap.name)
    const now = this.#options.clock.now()
    if (known !== undefined && now - known.countedAt < recountMs) return known
    const spent = this.#options.ledger.spentSince('user', now - cap.periodMs, cap.principal)
    const total = known ?? { spent, held: 0n, countedAt: now }
    Object.assign(total, { spent, countedAt: now })
    this.#totals.set(cap.name, total)
    if (this.#totals.size > totalsMax) this.#forgetIdle()
    return total
  }

  #forgetIdle(): void {
    for (const [name, { held }] of this.#totals) if (held === 0n) this.#totals.delete(name)
  }

  #capsOf(principal: Principal): Cap[] {
    const { perHour, perDay, perPrincipalDay } = this.#options.limits
    const own = typeof perPrincipalDay === 'function' ? perPrincipalDay(principal) : perPrincipalDay
    const id = principalName(principal)
    const caps: Cap[] = []
    if (perHour !== undefined) caps.push({ name: 'the cap of an hour', limit: perHour, periodMs: hourMs })
    if (perDay !== undefined) caps.push({ name: 'the cap of a day', limit: perDay, periodMs: 24 * hourMs })
    if (own !== undefined) {
      caps.push({ name: `the daily cap of ${id}`, limit: own, periodMs: 24 * hourMs, principal: id })
    }
    return caps
  }
}

interface Cap {
  readonly name: string
  readonly limit: bigint
  readonly periodMs: number
  readonly principal?: string
}

export function principalName({ kind, id }: Principal): string {
  return `${kind}:${id}`
}
