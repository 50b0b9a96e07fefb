import type { Call, Clock, Random } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Candidate } from './candidate.ts'
import { type Failure, lateRemedyFor, type Remedy, remedyFor } from './failures.ts'

export interface TurnOptions {
  /** Who may answer a call with its model, in the order of asking. */
  readonly choose: (call: Call) => readonly Candidate[]
  /** The call with the model that was asked for, then with its fallback models. */
  readonly calls: readonly Call[]
  /** How often backends are asked for one call, over all candidates and models. */
  readonly maxAttempts: number
  /** How often the same target is asked again before the next one; what is left of the attempts comes after them. */
  readonly sameTargetRetries: number
  /** Whether a target may be asked again at all: between nodes only the one next to the app does that. */
  readonly asksAgain: boolean
  /** `clock.monotonic()` of the end of the call's time. */
  readonly deadline: number
  readonly clock: Clock
  readonly random: Random
}

/** One attempt: whom to ask, for what, and how long to wait before. */
export interface Turn {
  readonly candidate: Candidate
  readonly call: Call
  readonly waitMs: number
  readonly attempt: number
}

/** The one retry loop of the node, as a list of turns: the next is decided by how the last one failed. */
export interface Turns {
  readonly attempts: number
  readonly failures: readonly Failure[]
  /** Undefined when nobody is left to ask. Throws what no other candidate can mend. */
  next: () => Turn | undefined
  /** Words of this model are out: no other may say the rest, and the request itself is not at fault. */
  spoken: () => void
  /** Who may be asked beside the one whose turn it is: the first that suits. Nobody once the attempts are used up. */
  spare: (suits: (candidate: Candidate) => boolean) => Candidate | undefined
  /** The turn of a spare, which counts as an attempt; undefined when its chance has passed. */
  take: (spare: Candidate) => Turn | undefined
  /** One of two that were asked at once failed: what becomes of the call is for the other to say. */
  alsoFailed: (turn: Turn, error: ParleyError) => void
  /** One of two that were asked at once was too late: it may be asked again after the others. */
  overtaken: (turn: Turn) => void
  /** False when nobody can answer this call, nor any fallback model. */
  failed: (turn: Turn, error: ParleyError, isSlow: boolean) => boolean
}

const firstBackoffMs = 400
const maxBackoffMs = 5_000
/** Who asks for a longer break is not waited for. */
const maxToldWaitMs = 10_000
/** By chance up to this much longer, so that those who failed together do not come back together. */
const jitter = 0.25

interface Tried {
  readonly candidate: Candidate
  readonly times: number
  readonly notBefore: number
}

export function createTurns(options: TurnOptions): Turns {
  const { choose, calls, maxAttempts, sameTargetRetries, clock, deadline } = options
  const failures: Failure[] = []
  const untried: Candidate[] = []
  const tried: Tried[] = []
  let [current, ...fallbacks] = calls
  let isLoaded = false
  let attempts = 0
  let attemptsOfModel = 0
  let isSpoken = false

  const load = (call: Call) => {
    isLoaded = true
    try {
      untried.push(...choose(call))
    } catch (cause) {
      const error = ParleyError.from(cause)
      if (!error.mayRetry) throw error
      failures.push({ name: undefined, error })
    }
  }
  const nextModel = (): boolean => {
    untried.length = 0
    tried.length = 0
    attemptsOfModel = 0
    isLoaded = false
    const [next, ...rest] = fallbacks
    if (next === undefined) return false
    current = next
    fallbacks = rest
    return true
  }
  /** Each fallback model keeps one attempt for itself. */
  const hasBudget = () => attempts < maxAttempts && (attemptsOfModel === 0 || attempts + fallbacks.length < maxAttempts)
  const pick = (): { candidate: Candidate; waitMs: number } | undefined => {
    const again = nextAgain(tried, sameTargetRetries, untried.length > 0)
    if (again === undefined) {
      const candidate = untried.shift()
      return candidate && { candidate, waitMs: 0 }
    }
    const waitMs = Math.max(0, again.notBefore - clock.monotonic())
    if (clock.monotonic() + waitMs >= deadline) return undefined
    return { candidate: again.candidate, waitMs }
  }
  const fail = ({ candidate }: Turn, error: ParleyError, remedy: Remedy) => {
    failures.push({ name: candidate.name, error })
    const before = tried.findIndex(known => known.candidate === candidate)
    const times = 1 + (before === -1 ? 0 : tried.splice(before, 1)[0]!.times)
    const waitMs = againAfterMs(error, remedy, times, options)
    if (waitMs !== undefined) tried.push({ candidate, times, notBefore: clock.monotonic() + waitMs })
  }
  return {
    get attempts() {
      return attempts
    },
    failures,
    spoken: () => {
      fallbacks = []
      isSpoken = true
    },
    next: () => {
      for (let hasModel = true; hasModel; hasModel = nextModel()) {
        if (!isLoaded) load(current!)
        const picked = hasBudget() ? pick() : undefined
        if (picked !== undefined) {
          attemptsOfModel++
          return { ...picked, call: current!, attempt: ++attempts }
        }
      }
      return undefined
    },
    spare: suits => (hasBudget() ? untried.find(suits) : undefined),
    take: candidate => {
      const place = untried.indexOf(candidate)
      if (place === -1 || !hasBudget()) return undefined
      untried.splice(place, 1)
      attemptsOfModel++
      return { candidate, waitMs: 0, call: current!, attempt: ++attempts }
    },
    alsoFailed: (turn, error) => fail(turn, error, remedyFor(error, failures, false)),
    overtaken: ({ candidate }) => void untried.push(candidate),
    failed: (turn, error, isSlow) => {
      const remedy = isSpoken ? lateRemedyFor(error, isSlow) : remedyFor(error, failures, isSlow)
      fail(turn, error, remedy)
      return remedy !== 'end' || (isOfModel(error) && turn.call === current && nextModel())
    },
  }
}

export function withModel(call: Call, model: string | undefined): Call {
  if (model === undefined || model === call.body.model) return call
  return { ...call, body: { ...call.body, model } } as Call
}

/** Who may be asked again now: the last one a few times, if so configured; else whoever is ready first, when all were asked. */
function nextAgain(tried: readonly Tried[], sameTargetRetries: number, hasUntried: boolean): Tried | undefined {
  const last = tried.at(-1)
  if (hasUntried) return last !== undefined && last.times <= sameTargetRetries ? last : undefined
  return tried.toSorted((a, b) => a.notBefore - b.notBefore)[0]
}

/** Undefined for a target that is not asked again. */
function againAfterMs(
  { retryAfterSeconds }: ParleyError,
  remedy: Remedy,
  times: number,
  { asksAgain, random }: TurnOptions,
): number | undefined {
  const toldMs = (retryAfterSeconds ?? 0) * 1_000
  if (remedy !== 'again' || !asksAgain || toldMs > maxToldWaitMs) return undefined
  const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** (times - 1))
  return Math.max(toldMs, backoffMs) + backoffMs * jitter * random.fraction()
}

/** The request does not suit this model; it may suit another. */
function isOfModel({ httpStatus }: ParleyError): boolean {
  return httpStatus === 400 || httpStatus === 404 || httpStatus === 413
}
