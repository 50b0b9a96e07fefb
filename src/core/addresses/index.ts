/** Where addresses lead. A face of its own: what judges them is loaded by those who dial alone, not by every command. */
export * from './guarded-lookup.ts'
export * from './reach.ts'
