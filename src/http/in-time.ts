import { abortable, ParleyError, within } from '../core/index.ts'

/**
 * What a caller sends, while it stays and within its time; throws `too_slow` after that. The timer ends with the wait: `AbortSignal.timeout` would live on,
 * with all it holds, for as long as the slowest caller may take.
 */
export async function inTime<T>(sent: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> {
  try {
    return await within(abortable(sent, signal), timeoutMs, 'the request')
  } catch (cause) {
    if (!(cause instanceof ParleyError) || cause.code !== 'timeout') throw cause
    throw new ParleyError('too_slow', `the request took longer than ${timeoutMs} ms to arrive; send it faster`)
  }
}
