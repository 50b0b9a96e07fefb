import type { Random } from '../../core/index.ts'

/** What a task needs to know beside the model and the request. */
export interface CallParts {
  readonly id: string
  readonly createdSeconds: number
  /** On whose behalf: prefixes are shared within one owner only. */
  readonly owner: string
  readonly servedBy: string
  readonly random: Random
}
