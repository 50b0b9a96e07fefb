import { createHmac, hash, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Counters, Mail, Mailer, Random, SharedCache } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

/** What a code proves its reader may do; one for the one thing is worth nothing for another. */
export type CodeUse = 'login' | 'sign-up' | 'reset'

export interface MailCodesParts {
  readonly masterKey: Uint8Array
  readonly cache: SharedCache
  readonly counters: Counters
  readonly mailer: Mailer
  readonly random: Random
  /** Told of mail that could not be sent. */
  readonly onError: (cause: unknown) => void
}

/** Six digits by mail, good once and for ten minutes. */
export interface MailCodes {
  /** Returns before the mail is sent, so that nobody can tell whether one is. Throws `rate_limited` after a few in an hour. */
  readonly send: (use: CodeUse, email: string) => Promise<void>
  /** Does the same for an address that gets none. */
  readonly pretend: (use: CodeUse, email: string) => Promise<void>
  readonly check: (use: CodeUse, email: string, code: string) => Promise<boolean>
}

const lifeMs = 10 * 60_000
const hourMs = 3_600_000
const mailsPerHour = 5
const triesMax = 5
const digits = 6
const sendTimeoutMs = 30_000
const sendingMax = 100

const purposes: Readonly<Record<CodeUse, string>> = {
  login: 'log in',
  'sign-up': 'confirm your address',
  reset: 'choose a new password',
}

/** What is kept of a code; its number is guessed in no time by whoever has an unkeyed hash of it. */
interface Kept {
  readonly id: string
  readonly mac: string
}

export function createMailCodes(parts: MailCodesParts): MailCodes {
  const { cache, counters, random } = parts
  const key = Buffer.from(hkdfSync('sha256', parts.masterKey, '', 'parley mail codes', 32))
  const macOf = (id: string, code: string) => createHmac('sha256', key).update(`${id}:${code}`).digest('hex')
  const post = createPost(parts)
  const make = async (use: CodeUse, email: string) => {
    await countMail(counters, email)
    const id = random.uuid()
    const code = numberOf(random)
    const kept: Kept = { id, mac: macOf(id, code) }
    await cache.set(nameOf(use, email), Buffer.from(JSON.stringify(kept)), {
      ttlMs: lifeMs,
      tags: [nameOf(use, email)],
    })
    return code
  }
  return {
    send: async (use, email) => {
      const code = await make(use, email)
      post({ to: [email], subject: `${code} is your code`, text: textOf(use, code) })
    },
    pretend: async (use, email) => {
      await make(use, email)
    },
    check: async (use, email, code) => {
      const name = nameOf(use, email)
      const bytes = await cache.get(name)
      if (bytes === undefined) return false
      const { id, mac } = JSON.parse(Buffer.from(bytes).toString()) as Kept
      if (!(await isWithin(counters, `tries:${id}`, triesMax))) return false
      if (!timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(id, code)))) return false
      await cache.purge(name)
      return await isWithin(counters, `used:${id}`, 1)
    },
  }
}

async function isWithin(counters: Counters, key: string, limit: number): Promise<boolean> {
  return (await counters.take([{ key: `mail-code:${key}`, cost: 1, limit, windowMs: lifeMs + 60_000 }])).ok
}

/** Nobody's mailbox is to be filled from here. */
async function countMail(counters: Counters, email: string): Promise<void> {
  const key = `mails:${hash('sha256', email, 'hex')}`
  const { ok, retryMs } = await counters.take([{ key, cost: 1, limit: mailsPerHour, windowMs: hourMs }])
  if (ok) return
  throw new ParleyError('rate_limited', `${mailsPerHour} codes were asked for in this hour; use the last one or wait`, {
    retryAfterSeconds: Math.ceil(retryMs / 1_000),
  })
}

function createPost({ mailer, onError }: MailCodesParts): (mail: Mail) => void {
  let sending = 0
  const send = async (mail: Mail) => {
    sending++
    try {
      await mailer.send(mail, AbortSignal.timeout(sendTimeoutMs))
    } catch (cause) {
      onError(cause)
    } finally {
      sending--
    }
  }
  return mail => {
    if (sending < sendingMax) void send(mail)
    else onError(new ParleyError('overloaded', `${sendingMax} mails are being sent; check the mail server`))
  }
}

function textOf(use: CodeUse, code: string): string {
  return `${code} is your code to ${purposes[use]}. It is good once and for ten minutes.\n\nIf you did not ask for it, ignore this mail.\n`
}

/** Evenly spread: what does not divide evenly is drawn again. */
function numberOf(random: Random): string {
  const count = 10 ** digits
  const most = Math.floor(2 ** 32 / count) * count
  for (;;) {
    const drawn = Buffer.from(random.bytes(4)).readUInt32BE()
    if (drawn < most) return String(drawn % count).padStart(digits, '0')
  }
}

function nameOf(use: CodeUse, email: string): string {
  return `mail-code:${use}:${hash('sha256', email, 'hex')}`
}

export function wrongCode(): ParleyError {
  return new ParleyError('unauthorized', 'this code is wrong, was used or is too old; ask for a new one')
}
