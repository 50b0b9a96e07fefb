import type { Backend, Principal } from '../core/index.ts'
import type { CandidateSource, RoutingRule } from './candidate.ts'
import { type RouterOptions, router } from './router.ts'
import { type RuleContext, ruleFor } from './rules.ts'

export interface RuledOptions extends RouterOptions {
  readonly rules: readonly RoutingRule[]
  /** What the operator calls the key of a caller. */
  readonly keyName: (principal: Principal) => string | undefined
}

/** A router in which the operator's rules hold. They ask who calls, so each call has a source of its own. */
export function ruledRouter({ rules, keyName, ...options }: RuledOptions): Backend {
  const plain = router(options)
  if (rules.length === 0) return plain
  return {
    ...plain,
    run: (call, context) => {
      const { principal } = context
      const candidates = ruled(options.candidates, rules, { principal, keyName: keyName(principal) })
      return router({ ...options, candidates }).run(call, context)
    },
  }
}

/** A source with the rules as they are for one caller. */
export function ruled(source: CandidateSource, rules: readonly RoutingRule[], context: RuleContext): CandidateSource {
  return { ...source, ruleFor: call => ruleFor(rules, call, context) }
}
