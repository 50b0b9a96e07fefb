/** What a node remembers between runs, on node:sqlite: the ledger of money, the API keys, whose things servers keep. */
export * from './key-store.ts'
export * from './ledger.ts'
export * from './ownership.ts'
