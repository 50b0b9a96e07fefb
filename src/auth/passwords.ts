import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Random } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

export interface PasswordsOptions {
  readonly random: Random
  /** N is 2 to this power; 17 when missing, which takes 128 MiB and a good part of a second. */
  readonly logN?: number
}

export interface Passwords {
  /** The text to keep: the parameters, a salt and the hash. Throws `invalid_request` for one that is too short or too long. */
  readonly hash: (password: string) => Promise<string>
  /** Takes as long for an account that is not there (undefined) as for one that is. */
  readonly verify: (password: string, kept: string | null | undefined) => Promise<boolean>
  /** Whether it was made with less than is asked for today. */
  readonly isOutdated: (kept: string) => boolean
}

const defaultLogN = 17
const blockSize = 8
const parallelism = 1
const saltBytes = 16
const hashBytes = 32
const minLength = 10
/** Longer ones are no safer, and somebody would have to hash them. */
const maxLength = 256
/** What is kept may come from elsewhere; it is not to decide over all memory. */
const logNMax = 20
/** Two at once take 256 MiB. */
const runningMax = 2
const waitingMax = 64

/** scrypt, a few at a time: `scrypt$17$8$1$<salt>$<hash>`, both in base64url. */
export function createPasswords({ random, logN = defaultLogN }: PasswordsOptions): Passwords {
  const inTurn = createTurns()
  const nobodys: Kept = {
    logN,
    r: blockSize,
    p: parallelism,
    salt: Buffer.from(random.bytes(saltBytes)),
    hash: Buffer.alloc(hashBytes),
  }
  return {
    hash: async password => {
      checkLength(password)
      const salt = Buffer.from(random.bytes(saltBytes))
      const parameters = { logN, r: blockSize, p: parallelism }
      const hash = await inTurn(() => hashOf(password, salt, parameters))
      return ['scrypt', logN, blockSize, parallelism, salt.toString('base64url'), hash.toString('base64url')].join('$')
    },
    verify: async (password, kept) => {
      if (password.length > maxLength) return false
      const parsed = kept == null ? undefined : parse(kept)
      const known = parsed ?? nobodys
      const hash = await inTurn(() => hashOf(password, known.salt, known))
      return timingSafeEqual(hash, known.hash) && parsed !== undefined
    },
    isOutdated: kept => (parse(kept)?.logN ?? 0) < logN,
  }
}

interface Parameters {
  readonly logN: number
  readonly r: number
  readonly p: number
}

interface Kept extends Parameters {
  readonly salt: Buffer
  readonly hash: Buffer
}

/** One password has one form, however a keyboard composes its letters. */
function hashOf(password: string, salt: Buffer, { logN, r, p }: Parameters): Promise<Buffer> {
  const N = 2 ** logN
  return derive(password.normalize('NFKC'), salt, hashBytes, { N, r, p, maxmem: 2 * 128 * N * r })
}

function checkLength(password: string): void {
  if (password.length >= minLength && password.length <= maxLength) return
  const message = `a password has ${minLength} to ${maxLength} characters; choose another`
  throw new ParleyError('invalid_request', message, { param: 'password' })
}

const form = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,88})\$([\w-]{43})$/

function parse(kept: string): Kept | undefined {
  const match = form.exec(kept)
  if (match === null) return undefined
  const [logN = 0, r = 0, p = 0] = match.slice(1, 4).map(Number)
  if (logN < 10 || logN > logNMax || r !== blockSize || p !== parallelism) return undefined
  return { logN, r, p, salt: Buffer.from(match[4]!, 'base64url'), hash: Buffer.from(match[5]!, 'base64url') }
}

/** The threads of the process are few and others need them: those who come too many are turned away. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  const enter = async () => {
    if (running < runningMax) {
      running++
      return
    }
    if (waiting.length >= waitingMax) {
      throw new ParleyError('overloaded', 'too many passwords are being checked; try again soon', {
        retryAfterSeconds: 5,
      })
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.push(resolve)
    await promise
  }
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
  return async work => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
