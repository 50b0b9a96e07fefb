import type { Context } from '../core/index.ts'
import type { CandidateFacts } from './candidate.ts'
import { spentUp } from './failures.ts'

/**
 * The context of the next attempt. The caller's limit is one for the whole answer, however many are asked for it: what
 * those before may cost is taken off. `estimated` is what tellers that broke off took by their prices; it counts where an
 * attempt told no more. Throws `price_too_high` when nothing is left for a target that is paid.
 */
export type Budget = (candidate: CandidateFacts, estimated: bigint | undefined) => Context

export function createBudget(context: Context): Budget {
  const { maxPrice } = context
  let owed = 0n
  let counted = 0n
  let told = 0n
  const onOwed = (most: bigint) => {
    told += most
  }
  return ({ priceIn = 0n, priceOut = 0n }, estimated = 0n) => {
    const guess = estimated - counted
    owed += told > guess ? told : guess
    counted = estimated
    told = 0n
    if (owed === 0n) return { ...context, onOwed }
    if (maxPrice === undefined) return { ...context, owed, onOwed }
    const isPaid = priceIn > 0n || priceOut > 0n
    if (isPaid && owed >= maxPrice) throw spentUp(maxPrice, owed)
    return { ...context, owed, onOwed, maxPrice: maxPrice > owed ? maxPrice - owed : 0n }
  }
}
