import { abortable, type Clock, ParleyError } from '../../core/index.ts'

/** What is read from afar and kept for a moment, however many ask. */
export interface Cached<T> {
  /** Read now unless it is fresh. A reading that failed is not tried again before its time. */
  readonly now: (signal: AbortSignal) => Promise<T>
  /** What was read last; one that is not fresh is read anew in the background. */
  readonly last: () => T | undefined
  /** Why the last reading failed. */
  readonly failure: () => ParleyError | undefined
  /** What was read is not so any more: the next one reads. */
  readonly forget: () => void
}

export interface CachedOptions {
  readonly clock: Clock
  readonly lifeMs: number
  /** Of one reading. */
  readonly boundMs: number
}

const failureLifeMs = 5_000

export function createCached<T>(
  read: (signal: AbortSignal) => Promise<T>,
  { clock, lifeMs, boundMs }: CachedOptions,
): Cached<T> {
  let known: { readonly value: T } | undefined
  let failure: ParleyError | undefined
  let freshUntil = Number.NEGATIVE_INFINITY
  let reading: Promise<T> | undefined
  const begin = (): Promise<T> => {
    const bound = AbortSignal.timeout(boundMs)
    const mine: Promise<T> = read(bound).then(
      value => {
        if (reading === mine) settle({ value }, undefined)
        return value
      },
      cause => {
        const error = ParleyError.from(cause, bound)
        if (reading === mine) settle(known, error)
        throw error
      },
    )
    return mine
  }
  const settle = (value: typeof known, error: ParleyError | undefined) => {
    known = value
    failure = error
    freshUntil = clock.monotonic() + (error === undefined ? lifeMs : Math.min(lifeMs, failureLifeMs))
    reading = undefined
  }
  const isFresh = () => clock.monotonic() < freshUntil
  return {
    now: async signal => {
      if (isFresh() && failure !== undefined) throw failure
      if (isFresh() && known !== undefined) return known.value
      return await abortable((reading ??= begin()), signal)
    },
    last: () => {
      if (!isFresh()) (reading ??= begin()).catch(kept)
      return known?.value
    },
    failure: () => failure,
    forget: () => {
      freshUntil = Number.NEGATIVE_INFINITY
      failure = undefined
      reading = undefined
    },
  }
}

/** The failure is told by whoever asks next. */
function kept(): void {}
