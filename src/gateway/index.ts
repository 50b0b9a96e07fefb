/** Decides who answers a call and how hard to try. */
export * from './admit.ts'
export * from './ranking.ts'
export * from './record.ts'
export * from './router.ts'
export * from './timeouts.ts'
