import type { Call, Principal } from '../core/index.ts'
import type { AppliedRule, RoutingRule, RuleCondition } from './candidate.ts'
import { needsOf, textBytesOf } from './needs.ts'

/** On whose behalf a call runs, as far as rules ask. */
export interface RuleContext {
  readonly principal: Principal
  /** What the operator calls the key; rules may name it, or the key's id. */
  readonly keyName?: string | undefined
}

/** The first rule that matches, and no other. */
export function ruleFor(rules: readonly RoutingRule[], call: Call, context: RuleContext): AppliedRule | undefined {
  const index = rules.findIndex(({ when }) => matches(when, call, context))
  return index === -1 ? undefined : { place: index + 1, use: rules[index]!.use }
}

/** Cheap conditions first: a text is measured only where all else holds. */
function matches(when: RuleCondition, call: Call, context: RuleContext): boolean {
  const { models, keys, tasks, needs } = when
  return (
    (tasks === undefined || tasks.includes(call.task)) &&
    (models === undefined || models.some(pattern => isLike(call.body.model ?? '', pattern))) &&
    (keys === undefined || isKeyOf(keys, context)) &&
    (needs === undefined || isNeeding(needs, call)) &&
    isOfSize(when, call)
  )
}

/** Places of the rules that may hold for a model, depending on the key, the task or what the request is like. */
export function placesFor(rules: readonly RoutingRule[], model: string): number[] {
  return rules.flatMap(({ when: { models } }, index) =>
    models === undefined || models.some(pattern => isLike(model, pattern)) ? [index + 1] : [],
  )
}

function isKeyOf(keys: readonly string[], { principal: { kind, id }, keyName }: RuleContext): boolean {
  return kind === 'key' && (keys.includes(id) || (keyName !== undefined && keys.includes(keyName)))
}

function isNeeding(needs: readonly string[], call: Call): boolean {
  const { capabilities } = needsOf(call)
  return needs.every(need => capabilities.includes(need))
}

function isOfSize({ minBytes, maxBytes }: RuleCondition, call: Call): boolean {
  if (minBytes === undefined && maxBytes === undefined) return true
  const bytes = textBytesOf(call)
  return bytes >= (minBytes ?? 0) && bytes <= (maxBytes ?? bytes)
}

/** Goes back to the last `*` alone, so that no pattern and name take longer than their lengths multiplied. */
export function isLike(name: string, pattern: string): boolean {
  let [at, star, resume] = [0, -1, 0]
  for (let i = 0; i < name.length; ) {
    if (pattern[at] === '*') [star, resume] = [at++, i]
    else if (pattern[at] === '?' || pattern[at] === name[i]) [at, i] = [at + 1, i + 1]
    else if (star >= 0) [at, i] = [star + 1, ++resume]
    else return false
  }
  return /^\**$/.test(pattern.slice(at))
}
