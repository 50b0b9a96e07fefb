/** The store of the gateway in SQL: a file of this machine or a PostgreSQL, with the same tables. */
export type { OpenStoreOptions, SqlStore, StorePlace } from './open.ts'
export { openStore } from './open.ts'
export type { Migration } from './schema.ts'
export { migrations } from './schema.ts'
