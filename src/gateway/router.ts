import type {
  Backend,
  Call,
  Clock,
  Context,
  ErrorCode,
  EventLog,
  Outcome,
  Reply,
  RoutingPolicy,
} from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Chunk, Model } from '../openai/index.ts'
import type { CandidateFacts, Ranking } from './ranking.ts'
import { attempt, type Timeouts } from './timeouts.ts'

/** One way to answer: a backend and what is known about it. */
export interface Candidate extends CandidateFacts {
  readonly backend: Backend
  /** The name the backend knows the model by, where it is another than the one that was asked for. */
  readonly alias?: string
}

/** What holds for one model in place of the router's own settings. */
export interface ModelRules {
  readonly policy?: RoutingPolicy
  /** Whether an answer that breaks off after its first word is continued by another candidate. */
  readonly continues?: boolean
}

/** The ways to answer right now; read afresh for every call, so that a change takes effect with the next one. */
export interface CandidateSource {
  /** Those that serve a model, in no order. */
  serving: (model: string) => readonly Candidate[]
  models: (signal: AbortSignal) => Promise<Model[]>
  /** Rules of a model; the router's own hold where it says nothing. */
  rules?: (model: string) => ModelRules | undefined
  /** Names of all candidates there are, whatever they serve; those that serve the model when missing. */
  names?: () => readonly string[]
}

export interface RouterOptions {
  readonly candidates: CandidateSource
  readonly ranking: Ranking
  readonly policy: RoutingPolicy
  readonly timeouts: Timeouts
  readonly log: EventLog
  readonly clock: Clock
  /** Backends asked for one call at the most. */
  readonly maxAttempts: number
}

/**
 * Many backends as one. The best answers; until it has said something the next one may be asked, after that nobody: no
 * word is said twice.
 */
export function router(options: RouterOptions): Backend {
  return {
    name: 'router',
    models: signal => options.candidates.models(signal),
    run: (call, context) => route(options, call, context),
  }
}

async function* route(options: RouterOptions, call: Call, context: Context): Reply {
  const { candidates, ranking, policy, maxAttempts } = options
  const model = call.body.model
  const serving = ranking.order(candidates.serving(model), policy).slice(0, maxAttempts)
  if (serving.length === 0) {
    throw new ParleyError('model_not_found', `nobody serves the model ${JSON.stringify(model)}; see GET /v1/models`, {
      param: 'model',
    })
  }
  const failures: Failure[] = []
  for (const candidate of serving) {
    const progress = { hasSpoken: false }
    try {
      const outcome = yield* tryOne(options, candidate, call, context, progress)
      for (const { name, error } of failures) if (isHearsay(error)) ranking.failed(name)
      return outcome
    } catch (cause) {
      const error = ParleyError.from(cause, context.signal)
      told(options, candidate, context, error)
      if (progress.hasSpoken || context.signal.aborted || isFinal(error, failures)) throw error
      failures.push({ name: candidate.name, error })
    }
  }
  throw allFailed(failures.map(({ error }) => error))
}

interface Failure {
  readonly name: string
  readonly error: ParleyError
}

/** Another node says that nobody can answer this call. One that is sick, or hostile, can say so of any call. */
function isHearsay({ mayRetry, saidBy }: ParleyError): boolean {
  return !mayRetry && saidBy !== undefined
}

/**
 * What this node finds out by itself ends a call that nobody can answer. What a peer says ends it when a second one says
 * the same; should another answer after all, the first was wrong, and that counts as a failure.
 */
function isFinal(error: ParleyError, earlier: readonly Failure[]): boolean {
  if (!isHearsay(error)) return !error.mayRetry
  return earlier.some(failure => failure.error.code === error.code && isHearsay(failure.error))
}

async function* tryOne(
  { ranking, timeouts, clock }: RouterOptions,
  candidate: Candidate,
  call: Call,
  context: Context,
  progress: { hasSpoken: boolean },
): Reply {
  const startedAt = clock.monotonic()
  let spokeAt: number | undefined
  const held: Chunk[] = []
  const reply = attempt(candidate.backend, calledBy(candidate, call), context, timeouts)
  try {
    for (;;) {
      const step = await reply.next()
      if (step.done === true) {
        progress.hasSpoken = true
        yield* held.splice(0)
        const rate = tokensPerSecond(step.value, spokeAt ?? startedAt, clock.monotonic())
        ranking.succeeded(candidate.name, (spokeAt ?? clock.monotonic()) - startedAt, rate)
        return step.value
      }
      if (spokeAt === undefined && held.length < maxHeld && !saysSomething(call, step.value)) {
        held.push(step.value)
        continue
      }
      if (spokeAt === undefined) {
        spokeAt = clock.monotonic()
        progress.hasSpoken = true
        yield* held.splice(0)
      }
      yield step.value
    }
  } finally {
    await reply.return(undefined as never)
  }
}

function calledBy({ alias }: Candidate, call: Call): Call {
  return alias === undefined ? call : ({ ...call, body: { ...call.body, model: alias } } as Call)
}

const maxHeld = 8

/** Whether a chunk holds a part of the answer; an opening `role` delta does not, so it is held back. */
function saysSomething(call: Call, chunk: Chunk): boolean {
  if (call.task !== 'chat') return true
  const { choices } = parsed(chunk)
  return (choices ?? []).some(
    ({ delta = {}, finish_reason }) =>
      finish_reason != null ||
      Object.entries(delta).some(([field, value]) => field !== 'role' && value != null && value !== ''),
  )
}

interface OpeningChunk {
  choices?: { delta?: Record<string, unknown>; finish_reason?: unknown }[]
}

function parsed(chunk: Chunk): OpeningChunk {
  try {
    return (chunk.json() ?? {}) as OpeningChunk
  } catch (cause) {
    throw new ParleyError('backend_failed', 'the provider sent a chunk that is not JSON', { cause })
  }
}

function told({ ranking, log }: RouterOptions, candidate: Candidate, context: Context, error: ParleyError): void {
  if (context.signal.aborted) return
  if (error.code === 'payment_mismatch' || error.code === 'receipt_invalid') ranking.distrust(candidate.name)
  else if (isOfFarSide(error)) ranking.failed(candidate.name)
  log.emit({
    type: 'call.attempted',
    id: context.id,
    backend: candidate.name,
    code: error.code,
    message: error.message,
  })
}

/** What went wrong at the far side, as this node can see it. Its own wallet, chain and caps say nothing about a provider. */
const ofFarSide: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'backend_failed',
  'backend_refused',
  'ledger_conflict',
  'missing_part',
  'model_failed',
  'overloaded',
  'payment_invalid',
  'peer_unreachable',
  'rate_limited',
  'stopping',
  'stream_cut',
  'timeout',
  'unsupported',
])

/** A refusal of money that a peer spoke out counts too: whatever the reason, it does not answer. */
function isOfFarSide({ code, httpStatus, saidBy }: ParleyError): boolean {
  return ofFarSide.has(code) || (saidBy !== undefined && httpStatus === 402)
}

function tokensPerSecond({ usage }: Outcome, from: number, to: number): number | undefined {
  return usage.completion_tokens > 1 && to > from ? (usage.completion_tokens * 1_000) / (to - from) : undefined
}

/** A lone failure speaks for itself; of several, one the caller can mend goes before who else failed. */
function allFailed(errors: readonly ParleyError[]): ParleyError {
  const last = errors.at(-1)!
  const mendable = errors.find(({ httpStatus }) => httpStatus === 400 || httpStatus === 404)
  if (mendable !== undefined || errors.every(error => error.code === last.code)) return mendable ?? last
  const codes = errors.map(error => error.code).join(', ')
  return new ParleyError(
    'no_provider',
    `${errors.length} providers failed (${codes}); the last said: ${last.message}`,
    {
      cause: last,
      ...(last.retryAfterSeconds !== undefined && { retryAfterSeconds: last.retryAfterSeconds }),
    },
  )
}
