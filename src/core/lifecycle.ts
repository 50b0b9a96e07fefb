import { ParleyError } from './errors.ts'

/** A part that lives: started in order, stopped in reverse. */
export interface Service {
  readonly name: string
  start: (signal: AbortSignal) => Promise<void>
  stop: () => Promise<void>
}

/** Starts services in order; when one fails, those before it are stopped and its error is thrown. */
export async function startServices(services: readonly Service[], signal: AbortSignal): Promise<void> {
  const started: Service[] = []
  for (const service of services) {
    try {
      signal.throwIfAborted()
      await service.start(signal)
      started.push(service)
    } catch (cause) {
      await stopServices(started, 5_000)
      throw ParleyError.from(cause, signal)
    }
  }
}

/** Stops services in reverse, each within `timeoutMs`; returns what went wrong and never throws. */
export async function stopServices(services: readonly Service[], timeoutMs: number): Promise<ParleyError[]> {
  const errors: ParleyError[] = []
  for (const service of [...services].reverse()) {
    try {
      await within(service.stop(), timeoutMs, `stopping ${service.name}`)
    } catch (cause) {
      errors.push(ParleyError.from(cause))
    }
  }
  return errors
}

/** The promise, or `timeout` when it takes longer. The work itself is not cancelled: pass it a signal for that. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ParleyError('timeout', `${what} took longer than ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, bound])
  } finally {
    clearTimeout(timer)
  }
}

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

/** Waits, or throws what the signal stands for as soon as it is aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const leave = () => reject(ParleyError.from(signal?.reason, signal))
  if (signal?.aborted) leave()
  const timer = setTimeout(resolve, ms)
  signal?.addEventListener('abort', leave, { once: true })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
  }
}
