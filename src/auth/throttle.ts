import { hash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Counters, Take, Taken } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

/** One try to prove who one is. */
export interface Attempt {
  /** To be called when it succeeded: only failures count. */
  readonly succeeded: () => Promise<void>
}

/** Bounds the guesses at one account, and those from one address. */
export interface Throttle {
  /** Throws `rate_limited` for an account that does not exist just like for one that does. */
  readonly attempt: (account: string, address: string) => Promise<Attempt>
}

const minuteMs = 60_000
/** Ten failures, then one has to wait for a minute; five more, and it is ten; and so on. */
const windows: readonly { readonly limit: number; readonly windowMs: number }[] = [
  { limit: 10, windowMs: minuteMs },
  { limit: 15, windowMs: 10 * minuteMs },
  { limit: 20, windowMs: 60 * minuteMs },
  { limit: 50, windowMs: 1_440 * minuteMs },
]

/** Counted before it is known how the attempt ends, so that many at once are as few as many in turn. */
export function createThrottle(counters: Counters): Throttle {
  return {
    attempt: async (account, address) => {
      const accountKey = hash('sha256', account.trim().toLowerCase(), 'hex')
      const takes = [...takesOf(`account:${accountKey}`), ...takesOf(`address:${networkOf(address)}`)]
      const taken = await counters.take(takes)
      if (!taken.ok) throw tooMany(taken)
      return {
        succeeded: async () => {
          await Promise.all(takes.map(take => counters.settle(take, taken.at, 0)))
        },
      }
    },
  }
}

function takesOf(who: string): Take[] {
  return windows.map(({ limit, windowMs }) => ({ key: `login:${windowMs}:${who}`, cost: 1, limit, windowMs }))
}

/** Whoever has one IPv6 address has 2^64 of them. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, 4).join(':')
}

function tooMany({ retryMs }: Taken): ParleyError {
  const seconds = Math.max(1, Math.ceil(retryMs / 1_000))
  return new ParleyError('rate_limited', `too many failed attempts; try again in ${seconds} s`, {
    retryAfterSeconds: seconds,
  })
}
