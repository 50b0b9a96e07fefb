/**
 * What a node remembers between runs: the ledger of money, the API keys and whose things servers keep in files of its own,
 * and what the gateway manages and records in SQL.
 */
export * from './import-keys.ts'
export * from './ledger.ts'
export * from './ownership.ts'
export * from './sealer.ts'
export { createMemoryShared, type MemorySharedOptions } from './shared/memory.ts'
export { createRedisShared, type RedisSharedOptions } from './shared/redis.ts'
export * from './sql/index.ts'
export * from './sweep.ts'
export * from './writer.ts'
