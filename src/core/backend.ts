import type { Chunk, Model, Wishes } from '../openai/index.ts'
import type { Call, Outcome, Principal, Route } from './call.ts'
import type { CallRecord } from './call-record.ts'
import type { LimitState } from './limit-state.ts'
import type { CacheUse } from './records.ts'

export interface Context {
  /** Names the call in this node's events and in `x-request-id`. Safe to show; an app that chooses it may use one twice. */
  readonly id: string
  /** Aborted when the caller has left or a bound is reached. The only way to cancel. */
  readonly signal: AbortSignal
  readonly principal: Principal
  /** Headers between nodes: `parley-*` and `traceparent`, lower case. A front fills in what came, `paying` what is to go. */
  readonly headers: Readonly<Record<string, string>>
  /** The most this call may cost, in the smallest unit of the escrow's token. */
  readonly maxPrice?: bigint
  /** What attempts before this one may cost; already taken off `maxPrice`. */
  readonly owed?: bigint
  /**
   * Told when something that is paid ended badly: the most it may still cost, in the same unit. Whoever asks another then
   * allows it so much less.
   */
  readonly onOwed?: (most: bigint) => void
  /** The reader takes events that arrived together as one chunk (`Chunk.run`); without it, each chunk is one event. */
  readonly takesRuns?: boolean
  /** What the app wants of the routing; what comes from a peer never holds any. */
  readonly wishes?: Wishes
  /** Told before the first chunk and after every attempt that failed. A front shows it to apps, never to peers. */
  readonly onRoute?: (route: Route) => void
  /** Where what happens to the call is noted; absent where nothing of it is kept. */
  readonly record?: CallRecord
  /** What the app says about answers that are kept. What comes from a peer never holds any. */
  readonly cacheControl?: CacheControl
  /** Told before the first chunk whether the answer was kept from an equal call. A front shows it to apps. */
  readonly onCache?: (use: CacheUse) => void
  /** Told what is left of the caller's limits before its call runs or is refused. A front shows it to apps. */
  readonly onLimits?: (left: LimitState) => void
}

/** As in the header `cache-control` of a request. */
export interface CacheControl {
  /** The answer is neither taken from those that are kept nor kept. */
  readonly isNoStore: boolean
  /** The oldest kept answer that will do; 0: none will. */
  readonly maxAgeMs?: number
}

/** The chunks of an answer, then its outcome. */
export type Reply = AsyncGenerator<Chunk, Outcome, void>

/**
 * Everything that answers: a local model, an upstream server, a peer, the router over many of them, a cache in front.
 *
 * `run` promises:
 * - at least one chunk before the outcome, each a valid event of the task, or a run of them where the context takes runs
 *   (embeddings: one chunk, the whole body; relayed tasks: raw chunks);
 * - the outcome carries usage; a reply that ends any other way throws a `ParleyError`;
 * - an abort of `context.signal` ends the work at the far end at once, also while nothing was said yet, and the reply
 *   throws `cancelled`; a reader that leaves (`return()`) ends it likewise;
 * - chunks are produced as they are read: a slow reader slows the far end;
 * - no word is said twice: a backend that retries does so before its first chunk, or goes on where the answer ended.
 */
export interface Backend {
  readonly name: string
  /** The models it can answer with right now. */
  models: (signal: AbortSignal) => Promise<Model[]>
  run: (call: Call, context: Context) => Reply
}

/** One behaviour added to a backend. */
export type Filter = (inner: Backend) => Backend

/** A filter from its `run` alone. A filter that only watches is a single `yield*`. */
export function filter(run: (inner: Backend, call: Call, context: Context) => Reply): Filter {
  return inner => ({
    name: inner.name,
    models: signal => inner.models(signal),
    run: (call, context) => run(inner, call, context),
  })
}

/** Applies filters so that the first named is the outermost: `compose([record, admit], router)` = record(admit(router)). */
export function compose(filters: readonly Filter[], backend: Backend): Backend {
  return filters.reduceRight((inner, wrap) => wrap(inner), backend)
}
