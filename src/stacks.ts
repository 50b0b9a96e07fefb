import { type Backend, type Clock, compose, type EventLog, type Filter } from './core/index.ts'
import { type Admission, joinedEmbeddings, record, singleFlight } from './gateway/index.ts'

/**
 * The two lines to read first. Both roles are the same picture: a front calls a stack of filters around a router.
 *
 *   app ──HTTP──▶ front ─▶ record ∘ limits ∘ preset ∘ cache ∘ admit ∘ once ∘ joined ∘ router ─▶ this machine's models, upstreams, paying(peer)
 *  peer ─libp2p─▶ front ─▶ record ∘ admit ∘ charging ∘ router ─▶ this machine's models, upstreams
 *
 * once: equal calls that run at the same time are asked once; joined: embeddings of one input each are asked together.
 * Both are for apps alone: between nodes each call has a price of its own.
 */
export interface StackParts {
  readonly log: EventLog
  readonly clock: Clock
  readonly admission: Admission
  readonly router: Backend
}

export interface UserStackParts extends StackParts {
  /** Keep a caller within its limits and its budgets. */
  readonly limits?: Filter
  /** Adds what the operator has set for the calls of a project. */
  readonly preset?: Filter
  /** Answers again what was answered before. */
  readonly cache?: Filter
}

/** What answers the apps of this machine. */
export function userStack({ log, clock, limits, preset, cache, admission, router }: UserStackParts): Backend {
  const filters = [record(log, clock), limits, preset, cache, admission.admit, singleFlight(), joinedEmbeddings()]
  return compose(
    filters.filter(each => each !== undefined),
    router,
  )
}

/** What answers peers. It is given nothing that could keep a prompt. */
export function providerStack({ log, clock, admission, charging, router }: StackParts & { charging: Filter }): Backend {
  return compose([record(log, clock), admission.admit, charging], router)
}
