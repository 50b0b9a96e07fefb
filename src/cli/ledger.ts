import { existsSync } from 'node:fs'
import type { Config } from '../config/index.ts'
import type { Clock, Ledger } from '../core/index.ts'

/** What a command may ask of the book of money while the node runs. */
export type LedgerView = Pick<Ledger, 'channels' | 'receipts'>

/** Looks into the ledger without writing. A home that never paid or earned has an empty one. */
export async function lookIntoLedger<T>({ paths }: Config, clock: Clock, look: (ledger: LedgerView) => T): Promise<T> {
  if (!existsSync(paths.ledgerFile)) return look({ channels: () => [], receipts: () => [] })
  const { createLedger } = await import('../store/index.ts')
  const ledger = createLedger(paths.ledgerFile, { clock, readOnly: true })
  try {
    return look(ledger)
  } finally {
    ledger.close()
  }
}
