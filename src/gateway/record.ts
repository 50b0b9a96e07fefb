import type { Call, Clock, Context, EventLog, Filter, Outcome, ParleyError as ParleyErrorType } from '../core/index.ts'
import { filter, isTokenCall, ParleyError } from '../core/index.ts'
import type { Chunk } from '../openai/index.ts'

/** Tells the event log how every call went, whatever its end. It watches: not a byte changes. */
export function record(log: EventLog, clock: Clock): Filter {
  return filter(async function* (inner, call, context) {
    const watch = startWatch(log, clock, call, context)
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

function startWatch(log: EventLog, clock: Clock, call: Call, context: Context) {
  const startedAt = clock.monotonic()
  const about = { id: context.id, task: call.task, model: call.body.model, principal: principalName(context) }
  let firstChunkMs: number | undefined
  let chunks = 0
  let tokensIn = 0
  let tokensOut = 0
  let isOver = false
  log.emit({ type: 'call.started', ...about })
  const end = () => ({ ...about, totalMs: clock.monotonic() - startedAt, firstChunkMs, chunks, tokensIn, tokensOut })
  const guessed = () =>
    tokensOut === 0 && chunks > 0 && isTokenCall(call) ? { tokensOut: chunks, isEstimated: true } : {}
  const failed = (error: ParleyErrorType) => {
    if (isOver) return
    isOver = true
    log.emit({ type: 'call.failed', ...end(), ...guessed(), code: error.code, message: error.message })
  }
  return {
    saw: (chunk: Chunk) => {
      firstChunkMs ??= clock.monotonic() - startedAt
      chunks++
      tokensIn = chunk.meta.promptTokens ?? tokensIn
      tokensOut += chunk.meta.outputTokens ?? 0
    },
    ended: ({ usage, servedBy, finishReason = null, cost, units, route }: Outcome) => {
      isOver = true
      tokensIn = usage.prompt_tokens
      tokensOut = usage.completion_tokens
      const overheadMs = route && firstChunkMs && Math.max(0, firstChunkMs - route.waitedMs)
      const way = { servedModel: route?.model, attempts: route?.attempts, overheadMs }
      log.emit({ type: 'call.ended', ...end(), servedBy, finishReason, cost, units, ...way })
    },
    failed,
    left: () => {
      if (!isOver) failed(new ParleyError('cancelled', 'the reader left'))
    },
  }
}

/** How a principal is named in events: its kind and its public id, never a key. */
function principalName({ principal }: Context): string {
  return `${principal.kind}:${principal.id}`
}
