import type { Backend, Call, Context, Reply } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

export interface Timeouts {
  /** From the call to its first chunk, between two chunks, and in all; milliseconds. */
  firstChunkMs: number
  idleMs: number
  totalMs: number
}

/**
 * One attempt at a backend under its bounds. Only waiting for the backend counts: a slow reader never times out the
 * far end. A bound that is reached aborts the far end like any other cancel and throws `timeout`.
 */
export async function* attempt(backend: Backend, call: Call, context: Context, timeouts: Timeouts): Reply {
  const bound = new AbortController()
  const tooLong = (what: string) =>
    bound.abort(new ParleyError('timeout', `${backend.name} ${what}; try another provider`))
  const signal = AbortSignal.any([context.signal, bound.signal])
  const total = setTimeout(() => tooLong(`did not finish within ${timeouts.totalMs} ms`), timeouts.totalMs)
  const first = setTimeout(() => tooLong(`said nothing within ${timeouts.firstChunkMs} ms`), timeouts.firstChunkMs)
  let isWaiting = true
  const idle = setInterval(
    () => isWaiting && !isFirst && tooLong(`was silent for ${timeouts.idleMs} ms`),
    timeouts.idleMs,
  )
  let isFirst = true
  const reply = backend.run(call, { ...context, signal })
  try {
    for (;;) {
      isWaiting = true
      const step = await reply.next()
      isWaiting = false
      if (step.done === true) return step.value
      if (isFirst) {
        isFirst = false
        clearTimeout(first)
      }
      idle.refresh()
      yield step.value
    }
  } catch (cause) {
    throw ParleyError.from(cause, signal)
  } finally {
    clearTimeout(total)
    clearTimeout(first)
    clearInterval(idle)
    await reply.return(undefined as never)
  }
}
