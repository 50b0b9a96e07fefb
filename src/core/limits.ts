import type { Principal } from './call.ts'
import type { ParleyError } from './errors.ts'
import type { LimitState } from './limit-state.ts'

/** What a call may take at most, as far as that can be told before it ran. */
export interface Claim {
  readonly principal: Principal
  /** Those it may be answered with, by the names the caller gave; empty for what is no call to a model. */
  readonly models: readonly string[]
  /** Of the prompt and the answer. */
  readonly tokens: number
  /** Millionths of a dollar. */
  readonly cost: bigint
}

/** What it has taken. */
export interface Taking {
  readonly tokens: number
  /** Millionths of a dollar. */
  readonly cost: bigint
}

export interface Admitted {
  readonly ok: true
  readonly left: LimitState
  /** False when nothing of it is counted: there is nothing to finish or settle. */
  readonly isCounted: boolean
  /** To be called when its answer is whole: it does not count as running any more. */
  readonly finish: () => void
  /** To be called when the call is over, whatever its end; more than once is once. */
  readonly settle: (taking: Taking) => void
}

export interface Refused {
  readonly ok: false
  readonly left: LimitState
  /** `rate_limited`, `budget_exceeded` or `forbidden`. */
  readonly error: ParleyError
}

/**
 * Sets aside what a call may take before it runs and books what it took afterwards. Calls that run at the same time go over
 * a limit by no more than they themselves took beyond what was set aside for them.
 */
export interface Limits {
  readonly admit: (claim: Claim) => Promise<Admitted | Refused>
  /** Whether a caller may use a model of this name. */
  readonly allows: (principal: Principal, model: string) => Promise<boolean>
}
