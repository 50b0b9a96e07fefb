import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Backend,
  Call,
  Clock,
  Context,
  EventLog,
  Outcome,
  Random,
  Reply,
  Route,
  RoutingPolicy,
} from '../core/index.ts'
import { isTokenCall, ParleyError, systemRandom } from '../core/index.ts'
import type { CandidateSource } from './candidate.ts'
import { choose } from './choose.ts'
import { createContinuation } from './continuation.ts'
import { allFailed, isHearsay, isOfFarSide } from './failures.ts'
import type { Ranking } from './ranking.ts'
import { attempt, type Progress, type Timeouts } from './timeouts.ts'
import { createTurns, type Turn, type Turns } from './turns.ts'

export interface RouterOptions {
  readonly candidates: CandidateSource
  readonly ranking: Ranking
  readonly policy: RoutingPolicy
  readonly timeouts: Timeouts
  readonly log: EventLog
  readonly clock: Clock
  /** How often backends are asked for one call, over all candidates and models. */
  readonly maxAttempts: number
  /** How often the same target is asked again before the next one; 0 when missing: then only when no other is left. */
  readonly sameTargetRetries?: number
  readonly random?: Random
  /** Waits between attempts; rejects when the signal is aborted. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/**
 * Many backends as one. The best answers; until it has said something another may be asked, after that nobody: no word is
 * said twice. An answer that breaks off is continued by another only when the app or the model's rules ask for it.
 */
export function router(options: RouterOptions): Backend {
  return {
    name: 'router',
    models: signal => options.candidates.models(signal),
    run: (call, context) => route(options, call, context),
  }
}

async function* route(options: RouterOptions, call: Call, context: Context): Reply {
  const journey = startJourney(options, call, context)
  const { turns, continuation } = journey
  for (let turn = turns.next(); turn !== undefined; turn = turns.next()) {
    await pause(options, journey, turn, context)
    const progress: Progress = { spokeAt: undefined, isTimedOut: false }
    try {
      const outcome = yield* tryOne(options, journey, turn, context, progress)
      for (const { name, error } of turns.failures) {
        if (name !== undefined && isHearsay(error)) options.ranking.failed(name, { code: error.code })
      }
      return outcome
    } catch (cause) {
      const error = ParleyError.from(cause, context.signal)
      const { spokeAt, isTimedOut } = progress
      told(options, journey, turn, context, error)
      if (context.signal.aborted || (spokeAt !== undefined && continuation?.canGoOn(error) !== true)) throw error
      if (spokeAt !== undefined) turns.keepModel()
      const isSlow = isTimedOut || options.clock.monotonic() - journey.askedAt > slowFailureMs
      if (!turns.failed(turn, error, isSlow)) throw continuation?.broken ?? error
    }
  }
  throw continuation?.broken ?? allFailed(turns.failures)
}

/** Who took longer than this to fail is not asked again: that is no fault that passes in a moment. */
const slowFailureMs = 10_000

/** One call on its way through its turns. */
interface Journey {
  readonly call: Call
  readonly turns: Turns
  readonly continuation: ReturnType<typeof createContinuation>
  readonly deadline: number
  /** Spent in waiting for backends until their first words, and between attempts. */
  waitedMs: number
  /** When the turn that runs began, and whether the time it took is counted yet. */
  askedAt: number
  isCounted: boolean
}

function startJourney(options: RouterOptions, call: Call, { wishes, principal }: Context): Journey {
  const { clock, timeouts, maxAttempts, sameTargetRetries = 0, random = systemRandom, candidates } = options
  const deadline = clock.monotonic() + timeouts.totalMs
  const models = [...new Set([call.body.model, ...(wishes?.models ?? [])])]
  const continues = wishes?.continues ?? candidates.rules?.(call.body.model)?.continues ?? false
  const turns = createTurns({
    choose: asked => choose(options, asked, wishes),
    calls: models.map(model => withModel(call, model)),
    asksAgain: principal.kind !== 'peer',
    ...{ maxAttempts, sameTargetRetries, deadline, clock, random },
  })
  const continuation = continues ? createContinuation(call) : undefined
  return { call, turns, continuation, deadline, waitedMs: 0, askedAt: 0, isCounted: true }
}

function withModel(call: Call, model: string | undefined): Call {
  if (model === undefined || model === call.body.model) return call
  return { ...call, body: { ...call.body, model } } as Call
}

async function pause(
  { wait = waitFor }: RouterOptions,
  journey: Journey,
  { waitMs }: Turn,
  { signal }: Context,
): Promise<void> {
  if (waitMs === 0) return
  try {
    await wait(waitMs, signal)
  } catch (cause) {
    throw ParleyError.from(cause, signal)
  }
  journey.waitedMs += waitMs
}

const waitFor = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal })

async function* tryOne(
  { ranking, timeouts, clock }: RouterOptions,
  journey: Journey,
  turn: Turn,
  context: Context,
  progress: Progress,
): Reply {
  const { candidate } = turn
  const { continuation, deadline } = journey
  const startedAt = clock.monotonic()
  journey.askedAt = startedAt
  journey.isCounted = false
  const bounds = { ...timeouts, totalMs: Math.max(1, deadline - startedAt) }
  const own = withModel(continuation?.callFor(turn.call) ?? turn.call, candidate.alias)
  const asked = attempt(candidate.backend, own, payable(context, continuation?.cost), bounds, clock.monotonic, progress)
  const reply = continuation?.following(asked, candidate) ?? asked
  const end = ranking.started(candidate.name)
  try {
    for (;;) {
      const step = await reply.next()
      if (!journey.isCounted) show(journey, turn, context, clock)
      if (step.done === true) {
        const endedAt = clock.monotonic()
        const spokeAt = progress.spokeAt ?? endedAt
        if (isTokenCall(turn.call)) {
          ranking.succeeded(candidate.name, spokeAt - startedAt, tokensPerSecond(step.value, spokeAt, endedAt))
        } else ranking.succeeded(candidate.name)
        return { ...step.value, route: routeOf(journey, turn) }
      }
      yield step.value
    }
  } finally {
    end()
    await reply.return(undefined as never)
  }
}

/** The caller's limit is one for the whole answer, however many told it. */
function payable(context: Context, spent = 0n): Context {
  const { maxPrice } = context
  return maxPrice === undefined ? context : { ...context, maxPrice: maxPrice > spent ? maxPrice - spent : 0n }
}

/** Counts what was waited for this turn, and tells how the call got here. */
function show(journey: Journey, turn: Turn, { onRoute }: Context, clock: Clock): void {
  if (!journey.isCounted) journey.waitedMs += clock.monotonic() - journey.askedAt
  journey.isCounted = true
  onRoute?.(routeOf(journey, turn))
}

function routeOf({ call: { body }, waitedMs }: Journey, { candidate, call, attempt: attempts }: Turn): Route {
  const { name: servedBy, priceIn, priceOut } = candidate
  const prices = { ...(priceIn !== undefined && { priceIn }), ...(priceOut !== undefined && { priceOut }) }
  const { model } = call.body
  return { servedBy, model, isFallback: model !== body.model, attempts, waitedMs, ...prices }
}

function told(
  { ranking, log, clock }: RouterOptions,
  journey: Journey,
  turn: Turn,
  context: Context,
  error: ParleyError,
): void {
  show(journey, turn, context, clock)
  if (context.signal.aborted) return
  const { name } = turn.candidate
  const { code, message, retryAfterSeconds = 0 } = error
  if (code === 'payment_mismatch' || code === 'receipt_invalid') ranking.distrust(name, code)
  else if (isOfFarSide(error) && !isLack(turn.call, error))
    ranking.failed(name, { code, retryAfterMs: retryAfterSeconds * 1_000 })
  const { attempt: number, call } = turn
  const ms = clock.monotonic() - journey.askedAt
  log.emit({
    type: 'call.attempted',
    ...{ id: context.id, backend: name, model: call.body.model, attempt: number, ms, code, message },
  })
}

/** Who has no route for pictures or sound may well answer a chat. */
function isLack(call: Call, { code }: ParleyError): boolean {
  return code === 'unsupported' && !isTokenCall(call)
}

function tokensPerSecond({ usage }: Outcome, from: number, to: number): number | undefined {
  return usage.completion_tokens > 1 && to > from ? (usage.completion_tokens * 1_000) / (to - from) : undefined
}
