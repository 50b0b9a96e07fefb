import { type Call, type DollarPrices, type ErrorCode, ParleyError, type RoutingPolicy, unitOf } from '../core/index.ts'
import type { Wishes } from '../openai/index.ts'
import type { AppliedRule, Candidate, CandidateSource, RoutingRule } from './candidate.ts'
import { type ChoiceOptions, choose, isUncountable, policyUnder, servingUnder } from './choose.ts'
import type { TargetState } from './experience.ts'
import type { HedgePlan, Hedging } from './hedge.ts'
import { lackOf, type Needs, needsOf } from './needs.ts'
import type { Order } from './policies.ts'
import type { Ranking } from './ranking.ts'
import { ruled } from './ruled.ts'
import { placesFor, type RuleContext } from './rules.ts'
import { sampleCall } from './sample-call.ts'

export interface ExplainOptions extends ChoiceOptions {
  /** Backends asked for one call at the most. */
  readonly maxAttempts: number
  readonly rules?: readonly RoutingRule[]
  readonly hedging?: Hedging | undefined
}

export interface RouteQuestion {
  readonly model: string
  readonly wishes?: Wishes
  /** In place of the one that is configured. */
  readonly policy?: RoutingPolicy
  /** The request; one that asks nothing of its model when missing. */
  readonly call?: Call
  /** Who calls; the node itself when missing, whom no rule about keys meets. */
  readonly caller?: RuleContext
}

/** One way to answer, whether it would be asked, and what is known of it. Prices are decimal strings. */
export interface ExplainedCandidate extends TargetState {
  readonly kind: Candidate['kind']
  /** 1 is asked first; absent for one that is not asked. */
  readonly place?: number
  readonly why: string
  readonly weight: number
  readonly priority: number
  /** The name it knows the model by, where it is another. */
  readonly alias?: string
  /** What a peer is paid by. */
  readonly unit?: string
  readonly priceIn?: string
  readonly priceOut?: string
  /** What it costs otherwise, in dollars with six digits after the point. */
  readonly dollars?: Readonly<Record<string, string>>
}

/** Who would be asked for a model, in what order and why. */
export interface Explanation {
  readonly model: string
  readonly policy: Order
  /** Chance has a part in this order: the next call may draw another. */
  readonly isDrawn: boolean
  readonly maxAttempts: number
  /** The rule that holds. */
  readonly rule?: AppliedRule
  /** Places of other rules that would hold before it, or before none, for other requests or keys. */
  readonly otherRules: readonly number[]
  /** Those that would be asked in their order, then those that would not. */
  readonly candidates: readonly ExplainedCandidate[]
  /** Who would be asked beside the first, where that is switched on. */
  readonly hedge?: HedgePlan
  /** Why nobody may answer. */
  readonly error?: { readonly code: ErrorCode; readonly message: string }
}

/** Asks the router's own choice, and listens to it: it cannot say anything else than what the next call does. */
export function explain(options: ExplainOptions, question: RouteQuestion): Explanation {
  const { model, wishes = {}, call = sampleCall(model, {}) } = question
  const { maxAttempts, rules = [], hedging } = options
  const candidates = sourceFor(options, question)
  const rule = candidates.ruleFor?.(call)
  const heard = listening(options.ranking, policyUnder(candidates, rule, model) ?? options.policy)
  const { chosen, error } = attempted(() => choose({ ...options, candidates, ranking: heard.ranking }, call, wishes))
  const states = new Map(options.ranking.snapshot().map(state => [state.name, state]))
  const left = servingUnder(candidates, rule, model).filter(other => !chosen.some(taken => isSame(taken, other)))
  const order = heard.order()
  const facts = { wishes, rule, call, needs: needsOf(call), order, states, maxAttempts, isAllowed: heard.isAllowed }
  return {
    ...{ model, policy: order, isDrawn: isDrawn.has(order), maxAttempts },
    ...(rule !== undefined && { rule }),
    otherRules: placesFor(rules, model).filter(place => place < (rule?.place ?? Number.POSITIVE_INFINITY)),
    candidates: [
      ...chosen.map((candidate, index) => explained(candidate, facts, index + 1)),
      ...left.map(candidate => explained(candidate, facts, undefined)),
    ],
    ...(hedging !== undefined && { hedge: hedging.plan(chosen.slice(0, maxAttempts), call) }),
    ...(error !== undefined && { error: { code: error.code, message: error.message } }),
  }
}

const nodeItself: RuleContext = { principal: { kind: 'self', id: 'self' } }

/** The node's candidates under its rules, and under the policy that is tried, which goes before them all. */
function sourceFor({ candidates, rules = [] }: ExplainOptions, question: RouteQuestion): CandidateSource {
  const { policy, caller = nodeItself } = question
  const source = rules.length === 0 ? candidates : ruled(candidates, rules, caller)
  if (policy === undefined) return source
  const ruleFor = (call: Call): AppliedRule | undefined => {
    const rule = source.ruleFor?.(call)
    return rule && { ...rule, use: { ...rule.use, policy } }
  }
  return { ...source, ruleFor, rules: model => ({ ...source.rules?.(model), policy }) }
}

interface Facts {
  readonly call: Call
  readonly wishes: Wishes
  readonly rule: AppliedRule | undefined
  readonly needs: Needs
  readonly order: Order
  readonly states: ReadonlyMap<string, TargetState>
  readonly maxAttempts: number
  readonly isAllowed: (candidate: Candidate) => boolean
}

/** The ranking, and what it was asked to order. */
function listening(ranking: Ranking, fallback: Order) {
  let order = fallback
  let allowed: readonly { name: string }[] = []
  const heard: Ranking = {
    ...ranking,
    order: (candidates, by) => {
      order = by
      allowed = candidates
      return ranking.order(candidates, by)
    },
  }
  return {
    ranking: heard,
    order: () => order,
    isAllowed: ({ name }: Candidate) => allowed.some(candidate => candidate.name === name),
  }
}

function attempted(chooses: () => Candidate[]): { chosen: readonly Candidate[]; error?: ParleyError } {
  try {
    return { chosen: chooses() }
  } catch (cause) {
    return { chosen: [], error: ParleyError.from(cause) }
  }
}

/** Sources may make their candidates anew for every call. */
function isSame(a: Candidate, b: Candidate): boolean {
  return a.name === b.name && a.alias === b.alias && a.priority === b.priority
}

function explained(candidate: Candidate, facts: Facts, place: number | undefined): ExplainedCandidate {
  const { name, kind, weight = 1, priority = 1, alias, unit, priceIn, priceOut, dollars } = candidate
  const state = facts.states.get(name) ?? unasked(name)
  const isAsked = place !== undefined && place <= facts.maxAttempts
  return {
    ...{ kind, weight, priority },
    ...(isAsked && { place }),
    why: place === undefined ? whyNot(candidate, facts) : why(candidate, state, facts, place),
    ...(alias !== undefined && { alias }),
    ...(unit !== undefined && { unit }),
    ...(priceIn !== undefined && { priceIn: String(priceIn) }),
    ...(priceOut !== undefined && { priceOut: String(priceOut) }),
    ...(dollars !== undefined && { dollars: inDollars(dollars) }),
    ...state,
  }
}

const million = 1_000_000n

function inDollars(dollars: DollarPrices): Record<string, string> {
  const text = (amount: bigint) => `${amount / million}.${String(amount % million).padStart(6, '0')}`
  return Object.fromEntries(Object.entries(dollars).map(([side, amount]) => [side, text(amount)]))
}

function unasked(name: string): TargetState {
  return { name, state: 'closed', coolsDownForMs: 0, successes: 0, failures: 0, running: 0 }
}

function why(candidate: Candidate, state: TargetState, facts: Facts, place: number): string {
  const { name } = candidate
  const { wishes, order, needs, maxAttempts } = facts
  if (place > maxAttempts) return `beyond the attempts of one call (${maxAttempts})`
  const { state: circuit, coolsDownForMs, lastErrorCode } = state
  const last = lastErrorCode === undefined ? '' : `, it failed with ${lastErrorCode}`
  if (isIn(wishes.order, name) || isIn(wishes.fallbacks, name))
    return `the request names it${circuit === 'closed' ? '' : last}`
  const lack = lackOf(candidate, needs)
  if (lack !== undefined) return `its list says: ${lack}; asked after all that may fit`
  if (circuit === 'open') return `cools down for ${Math.ceil(coolsDownForMs / 1_000)} s${last}: asked after the others`
  if (circuit === 'half-open') return `has cooled down: one call finds out whether it is well${last}`
  return reasons[order]
}

/** Why it comes where it comes among those that are well; within one priority. */
const reasons: Readonly<Record<Order, string>> = {
  balanced: 'price, delay, speed, stake and success together',
  cheapest: 'lowest price first',
  fastest: 'delay and speed above all',
  trusted: 'stake and success above all',
  private: 'this machine first, then peers, then services',
  weighted: 'drawn by weight',
  priority: 'the order of the list',
  'least-busy': 'fewest running calls for its weight',
  latency: 'earliest first word',
  throughput: 'most tokens a second',
}

/** Orders in which the same facts may give another order next time. */
const isDrawn: ReadonlySet<Order> = new Set<Order>(['balanced', 'fastest', 'trusted', 'weighted', 'least-busy'])

function whyNot(candidate: Candidate, { wishes, rule, call, isAllowed }: Facts): string {
  const { task } = call
  const { only, ignore, maxPrice, isStrict } = wishes
  const { name, kind, unit, priceIn = 0n, priceOut = 0n } = candidate
  const { prompt = priceIn, completion = priceOut } = maxPrice ?? {}
  if (unit !== undefined && unit !== unitOf(task)) return `it sells ${unit}, and this is paid by ${unitOf(task)}`
  if (rule?.use.only !== undefined && !isIn(rule.use.only, name)) return `rule ${rule.place} allows others only`
  if (isIn(rule?.use.ignore, name)) return `rule ${rule?.place} leaves it out`
  if (only !== undefined && !isIn(only, name)) return 'the request allows others only'
  if (isIn(ignore, name)) return 'the request leaves it out'
  if (kind === 'peer' && isUncountable(call)) return 'it is paid by what arrives, which best_of is not'
  if (priceIn > prompt || priceOut > completion) return 'it costs more than the request allows'
  if (isAllowed(candidate)) return 'the request allows no fallbacks'
  return isStrict === true ? 'it is not known to do all that the request needs' : 'the request cannot be routed'
}

function isIn(names: readonly string[] | undefined, name: string): boolean {
  return names?.some(known => known.toLowerCase() === name.toLowerCase()) ?? false
}
