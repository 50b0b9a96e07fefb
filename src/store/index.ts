/** What a node remembers between runs, on node:sqlite: the ledger of money and the API keys. */
export * from './key-store.ts'
export * from './ledger.ts'
