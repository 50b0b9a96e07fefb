import type {
  Admitted,
  Claim,
  Clock,
  Lease,
  LimitState,
  Limits,
  Principal,
  Refused,
  Shared,
  Take,
  Taken,
  Taking,
} from '../core/index.ts'
import { ParleyError, windowAround } from '../core/index.ts'
import type { BudgetBook, BudgetOwner, OpenBudget } from './budget-book.ts'
import type { Holder, KeyRing } from './key-ring.ts'

export interface LimitsParts {
  readonly ring: Pick<KeyRing, 'holderOf'>
  readonly book: BudgetBook
  readonly shared: Pick<Shared, 'counters' | 'leases'>
  readonly clock: Clock
}

const minuteMs = 60_000
const thousandths = 1_000n

/** The limits of a key, and the budgets of the key, its project, its user and the node. */
export function createLimits(parts: LimitsParts): Limits {
  return {
    admit: claim => admit(parts, claim),
    allows: async (principal, model) => isAllowed(await parts.ring.holderOf(principal), model),
  }
}

/** What each step sets aside is given back when a later one refuses. */
async function admit(parts: LimitsParts, claim: Claim): Promise<Admitted | Refused> {
  const holder = await knownHolder(parts, claim.principal)
  const foreign = claim.models.find(model => !isAllowed(holder, model))
  if (foreign !== undefined) return refused(notAllowed(foreign))
  const budgets = await parts.book.of(ownersOf(holder), holder?.key.budgetId ?? null)
  const cost = charged(claim.cost, holder)
  const spent = budgets.find(budget => isSpent(budget, cost))
  if (spent !== undefined) return refused(budgetExceeded(spent, parts.clock.now()))
  const set = setAside(budgets, cost)
  let lease: Lease | undefined
  try {
    lease = await enter(parts, holder)
    if (lease === undefined) return giveBack(set, refused(tooManyAtOnce(holder)))
    const windows = windowsOf(holder, claim)
    const taken = windows.length === 0 ? undefined : await parts.shared.counters.take(windows)
    const left = stateOf(windows, taken)
    if (taken !== undefined && !taken.ok) {
      lease.release()
      return giveBack(set, { ok: false, left, error: rateLimited(left, taken.retryMs) })
    }
    const isCounted = lease !== noLease || windows.length > 0 || budgets.length > 0
    const settle = settling(parts, { holder, set, lease, windows, taken })
    return { ok: true, left, isCounted, finish: lease.release, settle }
  } catch (cause) {
    lease?.release()
    giveBack(set, undefined)
    throw cause
  }
}

interface Held {
  readonly holder: Holder | undefined
  readonly set: SetAside
  readonly lease: Lease
  readonly windows: readonly NamedTake[]
  readonly taken: Taken | undefined
}

function settling({ book, shared }: LimitsParts, held: Held): (taking: Taking) => void {
  let isOver = false
  return ({ tokens, cost }) => {
    if (isOver) return
    isOver = true
    const { holder, set, lease, windows, taken } = held
    lease.release()
    giveBack(set, undefined)
    for (const budget of set.budgets) book.spend(budget, charged(cost, holder))
    const take = windows.find(({ name }) => name === 'tokens')
    if (take !== undefined && taken !== undefined) void shared.counters.settle(take, taken.at, Math.ceil(tokens))
  }
}

/** A key that was revoked, or a user who was disabled, since the call came in is turned away like one that never was. */
async function knownHolder({ ring }: LimitsParts, principal: Principal): Promise<Holder | undefined> {
  const holder = await ring.holderOf(principal)
  if (holder !== undefined || !(principal.kind === 'key' || principal.kind === 'user')) return holder
  if (principal.kind === 'user') throw new ParleyError('unauthorized', 'this account is not active; ask an admin')
  throw new ParleyError('unauthorized', 'this API key is unknown or revoked; create one with parley key new')
}

function isAllowed(holder: Holder | undefined, model: string): boolean {
  const models = holder?.key.models
  return models == null || models.includes(model)
}

const nodeOnly: readonly BudgetOwner[] = [{ scope: 'node', scopeId: '' }]
const ownersOfKnown = new WeakMap<Holder, readonly BudgetOwner[]>()

/** Worked out once for a holder, as every call asks. */
function ownersOf(holder: Holder | undefined): readonly BudgetOwner[] {
  if (holder === undefined) return nodeOnly
  const owners = ownersOfKnown.get(holder) ?? namedOwners(holder)
  ownersOfKnown.set(holder, owners)
  return owners
}

function namedOwners({ key: { id, project, userId } }: Holder): readonly BudgetOwner[] {
  return [
    ...nodeOnly,
    { scope: 'key', scopeId: id },
    ...(project === null ? [] : [{ scope: 'project' as const, scopeId: project }]),
    ...(userId === null ? [] : [{ scope: 'user' as const, scopeId: userId }]),
  ]
}

/** What a call costs this user. */
function charged(cost: bigint, holder: Holder | undefined): bigint {
  if (holder?.user === undefined) return cost
  return (cost * BigInt(holder.user.priceMultiplier) + thousandths - 1n) / thousandths
}

function isSpent({ row, reserved, pending }: OpenBudget, cost: bigint): boolean {
  const taken = row.spent + reserved + pending
  return row.isHard && (taken >= row.amount || taken + cost > row.amount)
}

interface SetAside {
  readonly budgets: readonly OpenBudget[]
  readonly cost: bigint
}

function setAside(budgets: readonly OpenBudget[], cost: bigint): SetAside {
  for (const budget of budgets) budget.reserved += cost
  return { budgets, cost }
}

function giveBack<T>({ budgets, cost }: SetAside, decision: T): T {
  for (const budget of budgets) budget.reserved -= cost
  return decision
}

const noLease: Lease = { release: () => {} }

async function enter({ shared }: LimitsParts, holder: Holder | undefined): Promise<Lease | undefined> {
  const parallel = holder?.key.parallel ?? null
  return holder === undefined || parallel === null
    ? noLease
    : await shared.leases.acquire(`key:${countedAs(holder)}`, parallel)
}

interface NamedTake extends Take {
  readonly name: 'requests' | 'tokens'
}

/** More tokens than the limit are set aside as the whole of it: such a call has to wait for an empty minute. */
function windowsOf(holder: Holder | undefined, { tokens }: Claim): NamedTake[] {
  if (holder === undefined) return []
  const { rpm, tpm } = holder.key
  const id = countedAs(holder)
  const cost = Math.min(Math.ceil(tokens), tpm ?? 0)
  return [
    ...(rpm === null ? [] : [{ name: 'requests' as const, key: `rpm:${id}`, cost: 1, limit: rpm, windowMs: minuteMs }]),
    ...(tpm === null ? [] : [{ name: 'tokens' as const, key: `tpm:${id}`, cost, limit: tpm, windowMs: minuteMs }]),
  ]
}

/** A key and the one in its place have one limit as long as both are good. */
function countedAs({ key }: Holder): string {
  return key.replacedBy ?? key.id
}

function stateOf(windows: readonly NamedTake[], taken: Taken | undefined): LimitState {
  return Object.fromEntries(windows.map(({ name }, index) => [name, taken?.windows[index]]))
}

function refused(error: ParleyError): Refused {
  return { ok: false, left: {}, error }
}

function notAllowed(model: string): ParleyError {
  const message = `this API key may not use the model ${JSON.stringify(model)}; GET /v1/models lists those it may`
  return new ParleyError('forbidden', message, { param: 'model' })
}

function tooManyAtOnce(holder: Holder | undefined): ParleyError {
  const message = `${holder?.key.parallel} calls of this API key are running, which is its limit; wait for one to end`
  return new ParleyError('rate_limited', message, { retryAfterSeconds: 1 })
}

function rateLimited({ requests, tokens }: LimitState, retryMs: number): ParleyError {
  const limits = [
    ...(requests === undefined ? [] : [`${requests.limit} requests`]),
    ...(tokens === undefined ? [] : [`${tokens.limit} tokens`]),
  ]
  const seconds = Math.max(1, Math.ceil(retryMs / 1_000))
  const message = `this API key is limited to ${limits.join(' and ')} a minute; try again in ${seconds} s`
  return new ParleyError('rate_limited', message, { retryAfterSeconds: seconds })
}

function budgetExceeded({ row }: OpenBudget, now: number): ParleyError {
  const whose = row.scope === 'node' ? 'this node' : `the ${row.scope}`
  const { end } = windowAround(row.window, now)
  const next = end === undefined ? 'raise it' : `it begins anew at ${new Date(end).toISOString()}, or raise it`
  return new ParleyError('budget_exceeded', `the budget of ${whose} does not cover this call; ${next}`, {
    ...(end !== undefined && { retryAfterSeconds: Math.max(1, Math.ceil((end - now) / 1_000)) }),
  })
}
