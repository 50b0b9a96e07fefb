import { ParleyError, within } from '../core/index.ts'

/**
 * What a caller sends, while it stays and within its time. The timer ends with the wait: `AbortSignal.timeout` would live on,
 * with all it holds, for as long as the slowest caller may take.
 */
export async function inTime<T>(sent: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(ParleyError.from(signal.reason, signal))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await within(Promise.race([sent, stopped]), timeoutMs, 'sending the request')
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
