import type { Call, Clock, Context, Outcome, Reply } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'
import { createOpening } from './opening.ts'
import type { Ranking } from './ranking.ts'
import { type Turn, withModel } from './turns.ts'

/** What all lanes of a race are asked, and for whom. */
export interface Course {
  readonly call: Call
  readonly context: Context
  readonly ranking: Ranking
  readonly clock: Clock
}

/** The first that was heard of a lane: a word, the end of its answer, or its failure. */
export interface Heard {
  readonly lane: Lane
  readonly step?: IteratorResult<Chunk, Outcome>
  readonly error?: ParleyError
}

/** One of the targets that are asked at the same time, and what came of it so far. */
export interface Lane {
  readonly turn: Turn
  /** `clock.monotonic()` of the asking and of what was heard first. */
  readonly askedAt: number
  readonly heardAt: number
  /** Nothing was heard of it yet. */
  readonly isSilent: boolean
  /** Never rejects. */
  readonly heard: Promise<Heard>
  /** All of its answer, from its opening on; throws its failure. */
  answer: (heard: Heard) => Reply
  /** Ends the work at the far end at once, unless it is over. */
  leave: () => void
}

export function startLane({ call, context, ranking, clock }: Course, turn: Turn, maxPrice: bigint | undefined): Lane {
  const { name, backend, alias } = turn.candidate
  const stopping = new AbortController()
  const signal = AbortSignal.any([context.signal, stopping.signal])
  const own = withModel(call, alias ?? turn.call.body.model)
  const reply = backend.run(own, { ...context, signal, ...(maxPrice !== undefined && { maxPrice }) })
  const opening = createOpening(call)
  const end = ranking.started(name)
  let heardAt: number | undefined
  const listen = async (): Promise<Heard> => {
    try {
      for (;;) {
        const step = await reply.next()
        if (step.done === true || !opening.holds(step.value)) return { lane, step }
      }
    } catch (cause) {
      end()
      return { lane, error: ParleyError.from(cause, signal) }
    } finally {
      heardAt = clock.monotonic()
    }
  }
  let isOver = false
  const lane: Lane = {
    turn,
    askedAt: clock.monotonic(),
    get heardAt() {
      return heardAt ?? clock.monotonic()
    },
    get isSilent() {
      return heardAt === undefined
    },
    answer: async function* ({ step, error }) {
      if (error !== undefined) throw error
      yield* opening.held()
      if (step?.done === false) yield step.value
      const outcome = step?.done === true ? step.value : yield* reply
      isOver = true
      return outcome
    },
    leave: () => {
      end()
      if (!isOver) stopping.abort(new ParleyError('cancelled', 'another provider was faster'))
      isOver = true
      reply.return(undefined as never).catch(ignored)
    },
    get heard() {
      return heard
    },
  }
  const heard = listen()
  return lane
}

/** A reply that was left throws what it likes. */
function ignored(): void {}
