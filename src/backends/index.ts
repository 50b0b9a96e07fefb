/** One file per way of getting an answer. */
export * from './adapted/index.ts'
export * from './cash-desk.ts'
export * from './guard.ts'
export * from './openai-client.ts'
export * from './peer.ts'
export * from './service.ts'
export * from './upstream.ts'
