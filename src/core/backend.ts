import type {
  ChatRequest,
  Chunk,
  CompletionRequest,
  EmbeddingRequest,
  FormRequest,
  ImageRequest,
  Model,
  ModerationRequest,
  RerankRequest,
  SpeechRequest,
  Usage,
  Wishes,
} from '../openai/index.ts'
import type { CallRecord } from './call-record.ts'
import type { LimitState } from './limit-state.ts'
import type { SignedReceipt, Unit } from './money.ts'
import type { CacheUse } from './records.ts'

/** Text, told token by token. */
export interface TokenTasks {
  chat: ChatRequest
  completion: CompletionRequest
  embedding: EmbeddingRequest
}

/** What is no text written word by word: relayed to servers that have it, prepaid where it is bought. */
export interface RelayedTasks {
  image: ImageRequest
  imageEdit: FormRequest
  imageVariation: FormRequest
  speech: SpeechRequest
  transcription: FormRequest
  translation: FormRequest
  moderation: ModerationRequest
  rerank: RerankRequest
}

/** What can be asked, and the shape of each request. */
export interface Tasks extends TokenTasks, RelayedTasks {}
export type Task = keyof Tasks

export const tasks = [
  'chat',
  'completion',
  'embedding',
  'image',
  'imageEdit',
  'imageVariation',
  'speech',
  'transcription',
  'translation',
  'moderation',
  'rerank',
] as const satisfies readonly Task[]

/** One question to a model. The body is what the app sent, unknown fields included; nobody changes it in place. */
export type Call<T extends Task = Task> = { [K in T]: { readonly task: K; readonly body: Readonly<Tasks[K]> } }[T]

export type TokenCall = Call<keyof TokenTasks>
export type RelayedCall = Call<keyof RelayedTasks>

const tokenTasks: Readonly<Record<keyof TokenTasks, true>> = { chat: true, completion: true, embedding: true }

export function isTokenCall(call: Call): call is TokenCall {
  return Object.hasOwn(tokenTasks, call.task)
}

/** On whose behalf a call runs: an API key of this node, a peer, or the node itself. */
export interface Principal {
  readonly kind: 'key' | 'peer' | 'self'
  readonly id: string
}

/** How a principal is named where things are told apart by it: its kind and its public id, never a key. */
export function principalName({ kind, id }: Principal): string {
  return `${kind}:${id}`
}

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

/** Which way a call has taken so far. */
export interface Route {
  /** Name of the backend that answers, or was asked last. */
  readonly servedBy: string
  readonly model: string
  /** Whether that is one of the fallback models. */
  readonly isFallback: boolean
  /** How often backends were asked, this time included; 0 for an answer that was kept. */
  readonly attempts: number
  /** Set where nobody was asked: an equal call had been answered by `servedBy`. */
  readonly isCached?: true
  /** Who was asked before it and was late, where it was asked beside another that still ran. */
  readonly overtook?: string
  /** How long the call has waited for backends, and between attempts. */
  readonly waitedMs: number
  /** Prices of who answers, in the smallest token units per million tokens; absent when free. */
  readonly priceIn?: bigint
  readonly priceOut?: bigint
}

/** What was answered beside tokens, where it could be counted: pictures, seconds of sound heard, characters spoken. */
export interface Units {
  readonly unit: Exclude<Unit, 'tokens'>
  /** Above 0; whole but for seconds. */
  readonly count: number
}

/** How a call went: the return value of a reply. */
export interface Outcome {
  readonly usage: Usage
  /** Name of the backend that answered. */
  readonly servedBy: string
  readonly finishReason?: string | null
  readonly units?: Units
  /** What it cost, in the smallest unit of the escrow's token; absent when it was free. */
  readonly cost?: bigint
  readonly receipt?: SignedReceipt
  readonly route?: Route
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
