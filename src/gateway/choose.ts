import { type Call, isTokenCall, ParleyError, type RoutingPolicy, unitOf } from '../core/index.ts'
import { picksBest, type Wishes } from '../openai/index.ts'
import type { AppliedRule, Candidate, CandidateSource } from './candidate.ts'
import { fittingFirst, isFitting, needsOf } from './needs.ts'
import type { Order } from './policies.ts'
import type { Ranking } from './ranking.ts'

export interface ChoiceOptions {
  readonly candidates: CandidateSource
  readonly ranking: Ranking
  readonly policy: RoutingPolicy
}

/** Who may answer a call with its model, in the order of asking. Throws why nobody may. */
export function choose(options: ChoiceOptions, call: Call, wishes: Wishes = {}): Candidate[] {
  const { candidates, ranking, policy } = options
  const { model } = call.body
  const rule = candidates.ruleFor?.(call)
  const serving = servingUnder(candidates, rule, model)
  checkNames(wishes, candidates.names?.() ?? serving.map(({ name }) => name))
  if (serving.length === 0) {
    throw new ParleyError('model_not_found', `nobody serves the model ${JSON.stringify(model)}; see GET /v1/models`, {
      param: 'model',
    })
  }
  const willing = countable(wanted(ruledIn(able(serving, call), call, rule), call, wishes), call)
  const allowed = affordable(willing, wishes)
  const order = orderOf(wishes) ?? policyUnder(candidates, rule, model) ?? policy
  return arranged(fittingFirst(ranking.order(allowed, order), call), wishes)
}

/** Those that serve the model, or the one that a rule puts in its place, which each of them is then asked for. */
export function servingUnder(
  candidates: CandidateSource,
  rule: AppliedRule | undefined,
  model: string,
): readonly Candidate[] {
  const other = rule?.use.model
  if (other === undefined) return candidates.serving(model)
  return candidates.serving(other).map(candidate => ({ ...candidate, alias: candidate.alias ?? other }))
}

/** What is set for these calls goes before what is set for the model. */
export function policyUnder(
  candidates: CandidateSource,
  rule: AppliedRule | undefined,
  model: string,
): RoutingPolicy | undefined {
  return rule?.use.policy ?? candidates.rules?.(rule?.use.model ?? model)?.policy
}

/** Whom a rule allows: no wish of an app adds to them. */
function ruledIn(serving: readonly Candidate[], call: Call, rule: AppliedRule | undefined): readonly Candidate[] {
  if (rule === undefined) return serving
  const { only, ignore = [] } = rule.use
  const left = serving.filter(({ name }) => (only === undefined || isIn(only, name)) && !isIn(ignore, name))
  if (left.length > 0) return left
  throw new ParleyError(
    'model_not_found',
    `rule ${rule.place} of routing.rules leaves nobody for the model ${JSON.stringify(call.body.model)}; use another model, or have the rule changed`,
    { param: 'model' },
  )
}

/** Peers answer what they have a price for; pictures, sound, moderation and ranking are nothing for models that run here. */
function able(serving: readonly Candidate[], call: Call): readonly Candidate[] {
  const unit = unitOf(call.task)
  const left = serving.filter(({ kind, unit: sold }) =>
    kind === 'peer' && sold !== undefined ? sold === unit : kind === 'api' || isTokenCall(call),
  )
  if (left.length > 0) return left
  const { task, body } = call
  throw new ParleyError(
    'unsupported',
    `nobody who lists ${JSON.stringify(body.model)} answers ${task} calls: upstreams do, and peers that sell ${unit}; name a model of theirs`,
    { param: 'model' },
  )
}

/** Most of what was made for it is never seen, so that no peer can be paid for it. */
export function isUncountable({ task, body }: Call): boolean {
  return task === 'completion' && picksBest(body)
}

/** Those that can be paid for what they do: of the best of several answers peers cannot. */
function countable(allowed: readonly Candidate[], call: Call): readonly Candidate[] {
  if (!isUncountable(call)) return allowed
  const left = allowed.filter(({ kind }) => kind !== 'peer')
  if (left.length > 0) return left
  throw new ParleyError(
    'unsupported',
    'only peers may answer this, and they are paid by what arrives: answers that best_of drops do not; leave it out, or ask for several with n',
    { param: 'best_of' },
  )
}

const namesShown = 20

/** A name that is nobody's is a mistake of the caller; one of a provider that lacks the model is passed over. */
function checkNames({ order = [], only = [], ignore = [], fallbacks = [] }: Wishes, names: readonly string[]): void {
  const known = new Set(names.map(name => name.toLowerCase()))
  const unknown = [...order, ...only, ...ignore, ...fallbacks].find(name => !known.has(name.toLowerCase()))
  if (unknown === undefined) return
  const isFallback = isIn(fallbacks, unknown) && !isIn(order, unknown)
  const some = `${names.slice(0, namesShown).join(', ')}${names.length > namesShown ? ', …' : ''}`
  throw new ParleyError(
    'invalid_request',
    `there is no provider ${JSON.stringify(unknown)}; name one of those there are: ${some || 'none right now'}`,
    { param: isFallback ? 'fallback_providers' : 'provider' },
  )
}

function isIn(names: readonly string[], name: string): boolean {
  return names.some(known => known.toLowerCase() === name.toLowerCase())
}

function wanted(serving: readonly Candidate[], call: Call, { only, ignore = [], isStrict }: Wishes): Candidate[] {
  const needs = isStrict === true ? needsOf(call) : undefined
  const left = serving.filter(
    candidate =>
      (only === undefined || isIn(only, candidate.name)) &&
      !isIn(ignore, candidate.name) &&
      (needs === undefined || isFitting(candidate, needs)),
  )
  if (left.length > 0) return left
  throw new ParleyError(
    'model_not_found',
    `no provider that the request allows serves the model ${JSON.stringify(call.body.model)}; allow another provider`,
    { param: 'provider' },
  )
}

function affordable(candidates: readonly Candidate[], { maxPrice: { prompt, completion } = {} }: Wishes): Candidate[] {
  const left = candidates.filter(
    ({ priceIn = 0n, priceOut = 0n }) => priceIn <= (prompt ?? priceIn) && priceOut <= (completion ?? priceOut),
  )
  if (left.length > 0) return left
  throw new ParleyError('price_too_high', 'every provider asks for more than provider.max_price; raise it', {
    param: 'provider.max_price',
  })
}

const orders = { price: 'cheapest', throughput: 'throughput', latency: 'latency' } as const

function orderOf({ sort }: Wishes): Order | undefined {
  return sort && orders[sort]
}

/** Whom the app named comes in its order, also one that cools down; everybody else follows, if they may. */
function arranged(ordered: readonly Candidate[], { order, fallbacks = [], allowsOthers = true }: Wishes): Candidate[] {
  const named = (names: readonly string[]) =>
    names.flatMap(name => ordered.filter(candidate => isIn([name], candidate.name)))
  const first = order === undefined ? ordered.filter(({ name }) => !isIn(fallbacks, name)).slice(0, 1) : named(order)
  return [...new Set([...first, ...named(fallbacks), ...(allowsOthers ? ordered : [])])]
}
