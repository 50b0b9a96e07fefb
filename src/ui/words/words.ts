import type { en } from './en/index.ts'

/** Exactly the keys of English, with any texts. */
type Same<T> = { readonly [K in keyof T]: T[K] extends string ? string : Same<T[K]> }
export type Words = Same<typeof en>
