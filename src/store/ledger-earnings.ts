import { type Address, type EarningsBook, type EarningsQuestion, earnedRowsMax } from '../core/index.ts'
import type { LedgerStatements } from './ledger-statements.ts'

export const limbBits = 40n

export interface LimbSums {
  readonly low: number | bigint
  readonly middle: number | bigint
  readonly high: number | bigint
}

/** What was split into limbs to be summed, whole again. */
export function joinLimbs({ low, middle, high }: LimbSums): bigint {
  return BigInt(low) + (BigInt(middle) << limbBits) + (BigInt(high) << (2n * limbBits))
}

interface EarnedRow extends LimbSums {
  readonly span: bigint
  readonly payer: Address
  readonly calls: bigint
}

export function createEarnings(statements: LedgerStatements): EarningsBook {
  const values = ({ side, chainId, escrow, from, to }: EarningsQuestion) =>
    [side, String(chainId), escrow.toLowerCase(), from, to] as const
  const earned = (row: EarnedRow) => ({ amount: joinLimbs(row), calls: Number(row.calls) })
  return {
    earnedByTime: (question, spanMs) => {
      const rows = statements.earnedByTime.all(BigInt(spanMs), ...values(question), earnedRowsMax)
      return (rows as unknown as EarnedRow[])
        .map(row => ({ start: Number(row.span) * spanMs, ...earned(row) }))
        .toReversed()
    },
    earnedByPayer: question => {
      const rows = statements.earnedByPayer.all(...values(question), earnedRowsMax) as unknown as EarnedRow[]
      return rows.map(row => ({ payer: row.payer, ...earned(row) }))
    },
  }
}
