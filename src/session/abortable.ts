import { ParleyError } from '../core/index.ts'

/** Work that others wait for too: whoever is aborted stops waiting, and the work goes on. */
export async function abortable<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: left, reject } = Promise.withResolvers<never>()
  const leave = () => reject(ParleyError.from(signal.reason, signal))
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  try {
    return await Promise.race([shared, left])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
