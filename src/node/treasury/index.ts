/** Money and the network as commands and the management API both see them. */

export { type BookOf, channelsOf, vouchersFor } from './book.ts'
export { type CheckParts, type CheckResult, checks } from './checks.ts'
export { sessionKeyFor } from './escrow-moves.ts'
export { listedOffer } from './listed-offers.ts'
export { type EntryWish, entryOf, reachedAt } from './registry-entry.ts'
export { createTreasury } from './treasury.ts'
export type { TreasuryOptions } from './vault.ts'
