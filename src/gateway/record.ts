import type {
  CallRecord,
  CallTask,
  Clock,
  Context,
  EventLog,
  Filter,
  Outcome,
  ParleyError as ParleyErrorType,
  Principal,
  TokenCall,
} from '../core/index.ts'
import { filter, isTokenCall, ParleyError, principalName } from '../core/index.ts'
import { type Chunk, noUsage, type Usage } from '../openai/index.ts'
import type { Admission } from './admit.ts'
import { textBytesOf } from './needs.ts'

/** Tells the event log, and the caller's record, how every call went, whatever its end. It watches: not a byte changes. */
export function record(log: EventLog, clock: Clock): Filter {
  return filter(async function* (inner, call, context) {
    const { id, principal } = context
    const about = { id, task: call.task, model: call.body.model, principal: principalName(principal) }
    const note = context.record
    if (note !== undefined) note.call = call
    const watch = startWatch(log, clock, about, {
      call: isTokenCall(call) ? call : undefined,
      traceparent: context.headers.traceparent,
      note,
    })
    const reply = inner.run(call, note === undefined ? context : noting(note, context))
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

const bytesPerToken = 4

/** Who answered what was kept: not the provider that once did, whose numbers it is not. */
const cacheName = 'cache'

interface About {
  readonly id: string
  readonly task: CallTask
  readonly model: string
  readonly principal: string
}

function noting(note: CallRecord, context: Context): Context {
  const { onRoute } = context
  return {
    ...context,
    onRoute: route => {
      note.route = route
      onRoute?.(route)
    },
  }
}

interface Watching {
  /** Undefined for what is not counted in tokens. */
  readonly call: TokenCall | undefined
  readonly traceparent?: string | undefined
  readonly note?: CallRecord | undefined
}

function startWatch(log: EventLog, clock: Clock, about: About, { call, traceparent, note }: Watching) {
  const startedAt = clock.monotonic()
  let firstChunkMs: number | undefined
  let chunks = 0
  let tokensIn = 0
  let tokensOut = 0
  let isOver = false
  let newest: Chunk | undefined
  log.emit({ type: 'call.started', ...about, ...(traceparent !== undefined && { traceparent }) })
  const end = () => ({ ...about, totalMs: clock.monotonic() - startedAt, firstChunkMs, chunks, tokensIn, tokensOut })
  /** Of an answer that broke off: what nobody has counted is told by what was sent and what had come. */
  const guessed = () => {
    if (call === undefined || chunks === 0 || (tokensIn > 0 && tokensOut > 0)) return {}
    const prompt = tokensIn || Math.ceil(textBytesOf(call) / bytesPerToken)
    return { tokensIn: prompt, tokensOut: tokensOut || chunks, isEstimated: true }
  }
  const counted = (usage: Usage | undefined) => {
    tokensIn = usage?.prompt_tokens ?? tokensIn
    tokensOut = usage?.completion_tokens ?? tokensOut
  }
  const failed = (error: ParleyErrorType) => {
    if (isOver) return
    isOver = true
    const { code, message } = error
    counted(usageOf(newest))
    const count = { ...end(), ...guessed() }
    if (note !== undefined) Object.assign(note, { count, errorCode: note.errorCode ?? code })
    log.emit({ type: 'call.failed', ...count, code, message })
  }
  return {
    saw: (chunk: Chunk) => {
      firstChunkMs ??= clock.monotonic() - startedAt
      chunks += chunk.count
      tokensIn = chunk.meta.promptTokens ?? tokensIn
      tokensOut += chunk.meta.outputTokens ?? 0
      newest = chunk
    },
    ended: (outcome: Outcome) => {
      const { usage, servedBy, finishReason = null, cost, units, route } = outcome
      isOver = true
      counted(usage)
      const overheadMs = route && firstChunkMs && Math.max(0, firstChunkMs - route.waitedMs)
      const way = { servedModel: route?.model, attempts: route?.attempts, overtook: route?.overtook, overheadMs }
      const count = end()
      if (note !== undefined) Object.assign(note, { outcome, count: { ...count, overheadMs } })
      const told = route?.isCached === true ? cacheName : servedBy
      log.emit({ type: 'call.ended', ...count, servedBy: told, finishReason, cost, units, ...way })
    },
    failed,
    left: () => {
      if (!isOver) failed(new ParleyError('cancelled', 'the reader left'))
    },
  }
}

/** What a service had counted by then, if it counts as it goes. */
function usageOf(chunk: Chunk | undefined): Usage | undefined {
  try {
    return chunk?.usage()
  } catch {
    return undefined
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
    const watch = startWatch(
      log,
      clock,
      { id, task, model: '', principal: principalName(principal) },
      { call: undefined },
    )
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
