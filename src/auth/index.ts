/** Who may do what: API keys and their limits, accounts and how they prove who they are. */
export { type BudgetBook, type BudgetBookParts, createBudgetBook } from './budget-book.ts'
export { createKeyRing, type Holder, type KeyRing, type KeyRingParts } from './key-ring.ts'
export { createKeys, type Keys, type KeysParts, type KeyWish, type NewSecret, secretPrefix } from './keys.ts'
export { createLimits, type LimitsParts } from './limits.ts'
export { createRevisions, type Revisions, type RevisionsOptions } from './revisions.ts'
