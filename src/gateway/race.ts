import type { Backend, Clock, Outcome, Reply } from '../core/index.ts'
import type { CandidateFacts } from './candidate.ts'
import { remedyFor } from './failures.ts'
import { type Course, type Heard, type Lane, startLane } from './lane.ts'
import { textBytesOf } from './needs.ts'
import { costOf, dollarsOf, elsewhereOf } from './tally.ts'
import { type FailureListeners, tellFailure } from './tell-failure.ts'
import type { Turn, Turns } from './turns.ts'

export interface RaceOptions extends FailureListeners {
  readonly clock: Clock
  readonly turns: Turns
  readonly turn: Turn
  /** How long its target is waited for alone. */
  readonly afterMs: number
  /** The turn of the second target; undefined when it may not be asked after all. */
  readonly second: () => Turn | undefined
  /** The most each of them may cost. */
  readonly firstMax: bigint | undefined
  readonly secondMax: bigint | undefined
}

/** A target that is asked, and a second one if the first is late. */
export interface Race {
  /** Both as one: its words are those of the first that speaks. Each counts as running while it is asked. */
  readonly backend: Backend
  /** Whose answer it is; the first one's turn until somebody speaks. */
  readonly turn: Turn
  /** What is known of that target, also later. */
  readonly facts: CandidateFacts
  /** `clock.monotonic()` of when it was asked. */
  readonly askedAt: number
  /** Who was late, once the second has spoken. */
  readonly overtook: string | undefined
}

interface Speaker {
  readonly turn: Turn
  readonly askedAt: number
}

export function createRace(options: RaceOptions): Race {
  const { candidate } = options.turn
  const { name, kind, backend } = candidate
  let speaker: Speaker = { turn: options.turn, askedAt: options.clock.monotonic() }
  const speaks = (one: Speaker) => {
    speaker = one
  }
  return {
    get turn() {
      return speaker.turn
    },
    get askedAt() {
      return speaker.askedAt
    },
    get overtook() {
      return speaker.turn.candidate === candidate ? undefined : name
    },
    facts: {
      ...{ name, kind },
      get priceIn() {
        return speaker.turn.candidate.priceIn ?? 0n
      },
      get priceOut() {
        return speaker.turn.candidate.priceOut ?? 0n
      },
      get dollars() {
        return speaker.turn.candidate.dollars ?? {}
      },
    },
    backend: {
      name,
      models: signal => backend.models(signal),
      run: (call, context) => run(options, { ...options, call, context }, speaks),
    },
  }
}

async function* run(options: RaceOptions, course: Course, speaks: (speaker: Speaker) => void): Reply {
  const first = startLane(course, options.turn, options.firstMax)
  let second: Lane | undefined
  try {
    const early = await within(first.heard, options.afterMs)
    const turn = early === undefined ? options.second() : undefined
    if (turn === undefined) return yield* first.answer(early ?? (await first.heard))
    second = startLane(course, turn, options.secondMax)
    const heard = await decided(options, course, first, second)
    const spent = stopOther(options, course, [first, second], heard)
    const { lane, error } = heard
    if (error === undefined) speaks({ turn: { ...lane.turn, attempt: turn.attempt }, askedAt: lane.askedAt })
    const outcome = yield* lane.answer(heard)
    return withSpent(outcome, spent)
  } finally {
    first.leave()
    second?.leave()
  }
}

/** What the other may have cost. */
interface Spent {
  readonly cost: bigint
  readonly dollars: bigint
}

function withSpent(outcome: Outcome, { cost, dollars }: Spent): Outcome {
  const elsewhere = elsewhereOf(outcome.elsewhere, { tokensIn: 0, tokensOut: 0, dollars })
  return {
    ...outcome,
    ...(cost > 0n && { cost: (outcome.cost ?? 0n) + cost }),
    ...(elsewhere !== undefined && { elsewhere }),
  }
}

/** Undefined when it takes longer. */
async function within(heard: Promise<Heard>, ms: number): Promise<Heard | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ms)
  try {
    return await Promise.race([heard, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Who spoke first; of two that failed the first one's failure, which decides what is done about it. */
async function decided(options: RaceOptions, { context }: Course, first: Lane, second: Lane): Promise<Heard> {
  const { turns } = options
  const one = await Promise.race([first.heard, second.heard])
  if (one.error === undefined) return one
  const isOver = context.signal.aborted || remedyFor(one.error, turns.failures, false) === 'end'
  if (one.lane === first && isOver) return one
  const other = await (one.lane === first ? second : first).heard
  const [told, untold] = other.error !== undefined && other.lane === second ? [other, one] : [one, other]
  const { lane, error } = told
  if (error !== undefined && !context.signal.aborted) {
    turns.alsoFailed(lane.turn, error)
    tellFailure(options, lane.turn, error, context, lane.heardAt - lane.askedAt)
  }
  return untold
}

/** Ends who was too late, puts on record how it went, and returns what the other may have cost. */
function stopOther(
  { log, clock, ranking, turns }: RaceOptions,
  { context: { id } }: Course,
  [first, second]: readonly [Lane, Lane],
  { lane, error }: Heard,
): Spent {
  const other = lane === first ? second : first
  const isStopped = other.isSilent
  const ms = clock.monotonic() - other.askedAt
  if (isStopped) other.leave()
  const isOvertaken = isStopped && error === undefined
  if (isOvertaken) {
    turns.overtaken(other.turn)
    // Whoever was asked second and too late has not had its time yet.
    if (other === first) ranking.overtaken(other.turn.candidate.name, ms)
  }
  const { cost, dollars } = isStopped ? promptPrice(other) : { cost: 0n, dollars: 0n }
  log.emit({
    type: 'call.hedged',
    id,
    model: lane.turn.call.body.model,
    first: first.turn.candidate.name,
    second: second.turn.candidate.name,
    afterMs: second.askedAt - first.askedAt,
    servedBy: error === undefined ? lane.turn.candidate.name : undefined,
    stopped: isStopped ? { backend: other.turn.candidate.name, ms, tokensIn: promptTokens(other), cost } : undefined,
  })
  return { cost, dollars }
}

const bytesPerToken = 4

/** A guess: who is stopped before its first word tells no usage. */
function promptTokens({ turn: { call } }: Lane): number {
  return Math.ceil(textBytesOf(call) / bytesPerToken)
}

function promptPrice(lane: Lane): Spent {
  const { candidate } = lane.turn
  const tally = { prompt: promptTokens(lane), output: 0, isEstimated: true }
  return { cost: costOf(tally, candidate), dollars: dollarsOf(tally, candidate.dollars) }
}
