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
import { type Budget, createBudget } from './budget.ts'
import type { CandidateSource } from './candidate.ts'
import { choose } from './choose.ts'
import { createContinuation } from './continuation.ts'
import { allFailed, lateFailure, wasWrong } from './failures.ts'
import type { Hedging } from './hedge.ts'
import type { Race } from './race.ts'
import type { Ranking } from './ranking.ts'
import { tellFailure } from './tell-failure.ts'
import { attempt, type Progress, type Timeouts } from './timeouts.ts'
import { createTurns, type Turn, type Turns, withModel } from './turns.ts'

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
  /** Asks a second target where the first is late; nobody when missing. */
  readonly hedging?: Hedging | undefined
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
        if (name !== undefined && wasWrong(error)) options.ranking.failed(name, { code: error.code })
      }
      return outcome
    } catch (cause) {
      const { spokeAt, isTimedOut } = progress
      const said = ParleyError.from(cause, context.signal)
      const error = spokeAt === undefined ? said : lateFailure(said)
      const asked = journey.race?.turn ?? turn
      told(options, journey, asked, context, error)
      if (context.signal.aborted || (spokeAt !== undefined && continuation?.canGoOn(error) !== true)) throw error
      if (spokeAt !== undefined) turns.spoken()
      const isSlow = isTimedOut || options.clock.monotonic() - journey.askedAt > slowFailureMs
      // Who blames a request it had begun to answer is not asked for the rest.
      if (!turns.failed(asked, error, isSlow || error !== said)) throw continuation?.broken ?? error
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
  readonly budget: Budget
  /** Spent in waiting for backends until their first words, and between attempts. */
  waitedMs: number
  /** When the turn that runs began, and whether the time it took is counted yet. */
  askedAt: number
  isCounted: boolean
  /** Where the turn that runs may have a second target. */
  race: Race | undefined
}

function startJourney(options: RouterOptions, call: Call, context: Context): Journey {
  const { wishes, principal } = context
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
  const budget = createBudget(context)
  return { call, turns, continuation, deadline, budget, waitedMs: 0, askedAt: 0, isCounted: true, race: undefined }
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
  { ranking, timeouts, clock, hedging }: RouterOptions,
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
  journey.race = undefined
  const bounds = { ...timeouts, totalMs: Math.max(1, deadline - startedAt) }
  const call = continuation?.callFor(turn.call) ?? turn.call
  const paying = journey.budget(candidate, continuation?.cost)
  const race = hedging?.race({
    turn,
    turns: journey.turns,
    call,
    context: paying,
    isBegun: continuation?.broken !== undefined,
  })
  journey.race = race
  const backend = race?.backend ?? candidate.backend
  const own = withModel(call, candidate.alias)
  const asked = attempt(backend, own, paying, bounds, clock.monotonic, progress)
  const reply = continuation?.following(asked, race?.facts ?? candidate) ?? asked
  const end = race === undefined ? ranking.started(candidate.name) : undefined
  try {
    for (;;) {
      const step = await reply.next()
      if (!journey.isCounted) show(journey, race?.turn ?? turn, context, clock)
      if (step.done === true) {
        const endedAt = clock.monotonic()
        const spokeAt = progress.spokeAt ?? endedAt
        const { name } = race?.turn.candidate ?? candidate
        if (isTokenCall(turn.call)) {
          const firstChunkMs = spokeAt - (race?.askedAt ?? startedAt)
          ranking.succeeded(name, firstChunkMs, tokensPerSecond(step.value, spokeAt, endedAt))
          hedging?.answered(turn.call, name, firstChunkMs)
        } else ranking.succeeded(name)
        return { ...step.value, route: routeOf(journey, race?.turn ?? turn) }
      }
      yield step.value
    }
  } finally {
    end?.()
    await reply.return(undefined as never)
  }
}

/** Counts what was waited for this turn, and tells how the call got here. */
function show(journey: Journey, turn: Turn, { onRoute }: Context, clock: Clock): void {
  if (!journey.isCounted) journey.waitedMs += clock.monotonic() - journey.askedAt
  journey.isCounted = true
  onRoute?.(routeOf(journey, turn))
}

function routeOf({ call: { body }, waitedMs, race }: Journey, { candidate, call, attempt: attempts }: Turn): Route {
  const { name: servedBy, priceIn, priceOut, dollars } = candidate
  const prices = {
    ...(priceIn !== undefined && { priceIn }),
    ...(priceOut !== undefined && { priceOut }),
    ...(dollars !== undefined && { dollars }),
  }
  const { model } = call.body
  const overtook = race?.overtook
  const way = { attempts, waitedMs, ...prices, ...(overtook !== undefined && { overtook }) }
  return { servedBy, model, isFallback: model !== body.model, ...way }
}

function told(options: RouterOptions, journey: Journey, turn: Turn, context: Context, error: ParleyError): void {
  show(journey, turn, context, options.clock)
  if (context.signal.aborted) return
  tellFailure(options, turn, error, context, options.clock.monotonic() - journey.askedAt)
}

function tokensPerSecond({ usage }: Outcome, from: number, to: number): number | undefined {
  return usage.completion_tokens > 1 && to > from ? (usage.completion_tokens * 1_000) / (to - from) : undefined
}
