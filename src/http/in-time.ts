import { abortable, within } from '../core/index.ts'

/**
 * What a caller sends, while it stays and within its time. The timer ends with the wait: `AbortSignal.timeout` would live on,
 * with all it holds, for as long as the slowest caller may take.
 */
export async function inTime<T>(sent: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> {
  return await within(abortable(sent, signal), timeoutMs, 'sending the request')
}
