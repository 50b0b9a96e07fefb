import type {
  CallTask,
  Clock,
  EventLog,
  Filter,
  Outcome,
  ParleyError as ParleyErrorType,
  Principal,
} from '../core/index.ts'
import { filter, isTokenCall, ParleyError, principalName } from '../core/index.ts'
import { type Chunk, noUsage } from '../openai/index.ts'
import type { Admission } from './admit.ts'

/** Tells the event log how every call went, whatever its end. It watches: not a byte changes. */
export function record(log: EventLog, clock: Clock): Filter {
  return filter(async function* (inner, call, context) {
    const { id, principal } = context
    const about = { id, task: call.task, model: call.body.model, principal: principalName(principal) }
    const watch = startWatch(log, clock, about, isTokenCall(call), context.headers.traceparent)
    const reply = inner.run(call, context)
    try {
      for (;;) {
        const step = await reply.next()
        if (step.done === true) {
          watch.ended(step.value)
          return step.value
        }
        watch.saw(step.value)
        yield step.value
      }
    } catch (cause) {
      const error = ParleyError.from(cause, context.signal)
      watch.failed(error)
      throw error
    } finally {
      watch.left()
      await reply.return(undefined as never)
    }
  })
}

interface About {
  readonly id: string
  readonly task: CallTask
  readonly model: string
  readonly principal: string
}

function startWatch(log: EventLog, clock: Clock, about: About, hasTokens: boolean, traceparent?: string) {
  const startedAt = clock.monotonic()
  let firstChunkMs: number | undefined
  let chunks = 0
  let tokensIn = 0
  let tokensOut = 0
  let isOver = false
  log.emit({ type: 'call.started', ...about, ...(traceparent !== undefined && { traceparent }) })
  const end = () => ({ ...about, totalMs: clock.monotonic() - startedAt, firstChunkMs, chunks, tokensIn, tokensOut })
  const guessed = () => (tokensOut === 0 && chunks > 0 && hasTokens ? { tokensOut: chunks, isEstimated: true } : {})
  const failed = (error: ParleyErrorType) => {
    if (isOver) return
    isOver = true
    log.emit({ type: 'call.failed', ...end(), ...guessed(), code: error.code, message: error.message })
  }
  return {
    saw: (chunk: Chunk) => {
      firstChunkMs ??= clock.monotonic() - startedAt
      chunks += chunk.count
      tokensIn = chunk.meta.promptTokens ?? tokensIn
      tokensOut += chunk.meta.outputTokens ?? 0
    },
    ended: ({ usage, servedBy, finishReason = null, cost, units, route }: Outcome) => {
      isOver = true
      tokensIn = usage.prompt_tokens
      tokensOut = usage.completion_tokens
      const overheadMs = route && firstChunkMs && Math.max(0, firstChunkMs - route.waitedMs)
      const way = { servedModel: route?.model, attempts: route?.attempts, overtook: route?.overtook, overheadMs }
      log.emit({ type: 'call.ended', ...end(), servedBy, finishReason, cost, units, ...way })
    },
    failed,
    left: () => {
      if (!isOver) failed(new ParleyError('cancelled', 'the reader left'))
    },
  }
}

/** What is done for a caller beside calls to models. */
export interface Errand {
  readonly id: string
  readonly task: CallTask
  readonly principal: Principal
  readonly signal: AbortSignal
}

export interface ErrandParts {
  readonly log: EventLog
  readonly clock: Clock
  readonly admission: Admission
}

/** Does it, counted and told like a call. What it returns is the name of who served it. */
export type Errands = (errand: Errand, work: () => Promise<string>) => Promise<void>

export function createErrands({ log, clock, admission }: ErrandParts): Errands {
  return async ({ id, task, principal, signal }, work) => {
    const watch = startWatch(log, clock, { id, task, model: '', principal: principalName(principal) }, false)
    try {
      const leave = admission.enter(principal)
      try {
        watch.ended({ usage: noUsage, servedBy: await work() })
      } finally {
        leave()
      }
    } catch (cause) {
      const error = ParleyError.from(cause, signal)
      watch.failed(error)
      throw error
    }
  }
}
