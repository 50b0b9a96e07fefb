/** What a node remembers between runs, on node:sqlite: the ledger of money, the API keys, whose things servers keep. */
export * from './key-store.ts'
export * from './ledger.ts'
export * from './ownership.ts'
export { createMemoryShared, type MemorySharedOptions } from './shared/memory.ts'
export { createRedisShared, type RedisSharedOptions } from './shared/redis.ts'
