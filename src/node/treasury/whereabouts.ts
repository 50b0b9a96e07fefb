import type { Whereabouts } from '../../core/index.ts'

export interface MoneyFacts {
  readonly wallet: bigint
  /** In the escrow, for whoever shows a voucher first. */
  readonly free: bigint
  readonly providers: readonly {
    /** In the escrow, for this provider alone. */
    readonly reserved: bigint
    /** Signed in the present epoch of the account, as a running total; zero where nothing was. */
    readonly authorized: bigint
    /** Paid out by the chain, as a running total. */
    readonly claimed: bigint
  }[]
}

/**
 * Where the money is: `total = wallet + owed + refundable` and `escrow = free + reserved = owed + refundable`. What a provider may
 * still claim comes from its reservation first and from the free money then, as in the contract; more than that is in nobody's reach.
 */
export function whereIsMyMoney({ wallet, free, providers }: MoneyFacts): Whereabouts {
  const sums = providers.map(({ reserved, authorized, claimed }) => {
    const due = authorized > claimed ? authorized - claimed : 0n
    const fromReserved = lower(due, reserved)
    return { reserved, claimed, fromReserved, fromFree: due - fromReserved }
  })
  const total = (of: (one: (typeof sums)[number]) => bigint) => sums.reduce((sum, one) => sum + of(one), 0n)
  const reserved = total(one => one.reserved)
  const wanted = total(one => one.fromFree)
  const owed = total(one => one.fromReserved) + lower(wanted, free)
  const escrow = free + reserved
  return {
    ...{ wallet, escrow, free, reserved, owed },
    refundable: escrow - owed,
    total: wallet + escrow,
    claimed: total(one => one.claimed),
    uncovered: wanted - lower(wanted, free),
  }
}

function lower(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
