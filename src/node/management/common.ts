import { type Live, ParleyError } from '../../core/index.ts'

/** What was found, or `not_found`. */
export function knownOr<T>(found: T | undefined, what: string, id: string): T {
  if (found !== undefined) return found
  throw new ParleyError('not_found', `there is no ${what} ${id.slice(0, 64)}; list them`)
}

/** A store knows that something is taken, and not what that means here. */
export async function clear<T>(work: Promise<T>, param: string, message: string): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof ParleyError && cause.code === 'conflict')) throw cause
    throw new ParleyError('conflict', message, { param, cause })
  }
}

/** The fields that are given: what is missing is not there at all. */
export function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

/** Writes something down that counts at once. Where something else is wrong it is written all the same, or nobody could put that right. */
export async function changeLive<T>(live: Pick<Live, 'change'>, work: () => Promise<T>): Promise<T> {
  let isWritten = false
  try {
    return await live.change(async () => {
      const result = await work()
      isWritten = true
      return result
    })
  } catch (cause) {
    if (!(isWritten && cause instanceof ParleyError && cause.code === 'config_invalid')) throw cause
    const message = `it is written down, and counts once something else is put right: ${cause.message}`
    throw new ParleyError('conflict', message, { cause })
  }
}

/** Does one thing after the other: of two who look first and change then, the second sees what the first has done. */
export function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const next = last.then(work, work)
    last = next.catch(() => {})
    return next
  }
}

/** The same value with the names of its objects in one order, so that two that are the same are equal as text. */
export function sorted<T>(value: T): T {
  if (Array.isArray(value)) return value.map(sorted) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)])) as T
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}
