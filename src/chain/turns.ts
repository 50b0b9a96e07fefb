import { abortError, ParleyError } from '../core/index.ts'

/**
 * Runs tasks one after the other, in the order they came; a signal ends the wait for a turn. Throws `overloaded` when
 * `waitingMax` wait already.
 */
export function createTurns(waitingMax: number): <T>(signal: AbortSignal, task: () => Promise<T>) => Promise<T> {
  let last: Promise<void> = Promise.resolve()
  let waiting = 0
  return async (signal, task) => {
    if (waiting >= waitingMax) {
      throw new ParleyError('overloaded', `${waiting} tasks wait for the chain already; try again later`)
    }
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    waiting++
    try {
      await turn(before, signal)
      return await task()
    } finally {
      waiting--
      // Whoever leaves the queue early does not let the next one overtake.
      void before.then(resolve)
    }
  }
}

async function turn(before: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: left, reject } = Promise.withResolvers<never>()
  const leave = () => reject(abortError(signal))
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    await Promise.race([before, left])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
