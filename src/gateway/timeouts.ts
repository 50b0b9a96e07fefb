import type { Backend, Call, Context, Reply } from '../core/index.ts'
import { isTokenCall, ParleyError, systemClock } from '../core/index.ts'
import { comesWhole } from '../openai/index.ts'
import { createOpening } from './opening.ts'

/**
 * Milliseconds. Two more bounds belong to those who open connections and read heads, as neither can be seen from here: the
 * backends keep `timeouts.connectMs` and `timeouts.headersMs`.
 */
export interface Timeouts {
  /** From the call to its first word; an opening that says nothing does not count. */
  firstChunkMs: number
  /** Between two chunks, from the first word on. */
  idleMs: number
  /** For the whole call, all attempts and the waiting between them together. */
  totalMs: number
}

/** What became of an attempt while it ran. */
export interface Progress {
  /** `clock.monotonic()` of the first word. */
  spokeAt: number | undefined
  /** Whether one of our own bounds ended it. */
  isTimedOut: boolean
}

/**
 * One attempt at a backend under its bounds. What says nothing yet is held back, so that whoever fails before the first
 * word can be replaced. Only waiting for the backend counts: a slow reader never times out the far end. A bound that is
 * reached aborts the far end like any other cancel and throws `timeout`.
 */
export async function* attempt(
  backend: Backend,
  call: Call,
  context: Context,
  timeouts: Timeouts,
  now: () => number,
  progress: Progress,
): Reply {
  const bounds = startBounds(backend.name, boundsOf(call, timeouts), progress)
  const { signal } = bounds
  const leave = () => bounds.abort(context.signal.reason)
  if (context.signal.aborted) leave()
  else context.signal.addEventListener('abort', leave)
  const opening = createOpening(call)
  const reply = backend.run(call, { ...context, signal })
  try {
    for (;;) {
      bounds.waits()
      const step = await reply.next()
      bounds.hears()
      if (step.done === true) {
        yield* opening.held()
        return step.value
      }
      if (progress.spokeAt === undefined) {
        if (opening.holds(step.value)) continue
        progress.spokeAt = now()
        bounds.speaks()
        yield* opening.held()
      }
      yield step.value
    }
  } catch (cause) {
    throw ParleyError.from(cause, signal)
  } finally {
    bounds.end()
    context.signal.removeEventListener('abort', leave)
    await reply.return(undefined as never)
  }
}

/** Pictures, transcripts and the best of several answers come as one body: nothing is heard of them before they are done. */
function boundsOf(call: Call, timeouts: Timeouts): Timeouts {
  const isOneBody = call.task === 'completion' && comesWhole(call.body)
  const comesAtOnce = isOneBody || (!isTokenCall(call) && call.task !== 'speech')
  return comesAtOnce ? { ...timeouts, firstChunkMs: timeouts.totalMs } : timeouts
}

/** The bounds of one attempt, with one timer between them. */
function startBounds(name: string, { firstChunkMs, idleMs, totalMs }: Timeouts, progress: Progress) {
  const now = systemClock.monotonic
  const bound = new AbortController()
  const startedAt = now()
  let heardAt: number | undefined
  let isSpoken = false
  const tooLong = (what: string) => {
    progress.isTimedOut = true
    bound.abort(new ParleyError('timeout', `${name} ${what}; try another provider`))
  }
  /** When the next bound is reached, if nothing is heard until then. Who is not waited for may be silent. */
  const check = () => {
    const at = now()
    const leftMs = startedAt + totalMs - at
    const silentMs = heardAt === undefined ? 0 : at - heardAt
    const quietMs = isSpoken ? idleMs - silentMs : startedAt + firstChunkMs - at
    if (leftMs <= 0) tooLong('did not finish in time')
    else if (quietMs <= 0) tooLong(isSpoken ? `was silent for ${idleMs} ms` : `said nothing within ${firstChunkMs} ms`)
    else timer = setTimeout(check, Math.ceil(Math.min(leftMs, quietMs)))
  }
  let timer = setTimeout(check, Math.min(firstChunkMs, totalMs))
  return {
    signal: bound.signal,
    abort: (reason: unknown) => bound.abort(reason),
    waits: () => {
      heardAt = now()
    },
    hears: () => {
      heardAt = undefined
    },
    speaks: () => {
      isSpoken = true
      clearTimeout(timer)
      check()
    },
    end: () => clearTimeout(timer),
  }
}
