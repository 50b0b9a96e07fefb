import type { Secret, TOTP } from 'otpauth'
import type { Clock, Counters, Random, Sealer, UserRow, UserStore } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

export interface SecondFactorParts {
  readonly users: Pick<UserStore, 'update'>
  readonly sealer: Pick<Sealer, 'seal' | 'open'>
  /** Remembers which codes were used, for all nodes. */
  readonly counters: Counters
  readonly clock: Clock
  readonly random: Random
}

export interface Enrolment {
  /** In base32, to be typed. */
  readonly secret: string
  /** `otpauth://totp/…`, to be shown as a picture. */
  readonly uri: string
}

/** One-time codes of an authenticator app. */
export interface SecondFactor {
  /** Makes a secret, which counts once a code of it was given. Throws `conflict` where one counts already. */
  readonly enrol: (user: UserRow) => Promise<Enrolment>
  /** Throws `unauthorized` for a wrong code. */
  readonly confirm: (user: UserRow, code: string) => Promise<void>
  /** Whether it is a code of now, or of half a minute before or after, that was not used yet. */
  readonly check: (user: UserRow, code: string) => Promise<boolean>
  readonly remove: (user: UserRow) => Promise<void>
}

const secretBytes = 20
const periodSeconds = 30
const digits = 6
const window = 1
const issuer = 'Parley'

export function createSecondFactor(parts: SecondFactorParts): SecondFactor {
  const { users, sealer, random } = parts
  return {
    enrol: async user => {
      if (user.isTotpConfirmed) {
        throw new ParleyError('conflict', 'one-time codes are asked for already; remove them first')
      }
      const { Secret } = await import('otpauth')
      const secret = new Secret({ buffer: new Uint8Array(random.bytes(secretBytes)).buffer })
      const totpSecret = sealer.seal(secret.base32, `totp:${user.id}`)
      await users.update(user.id, { totpSecret, isTotpConfirmed: false })
      return { secret: secret.base32, uri: (await totpOf(secret, user.email)).toString() }
    },
    confirm: async (user, code) => {
      if (!(await check(parts, user, code))) {
        throw new ParleyError('unauthorized', 'this one-time code is wrong or was used; give the next one')
      }
      await users.update(user.id, { isTotpConfirmed: true })
    },
    check: (user, code) => check(parts, user, code),
    remove: async user => {
      await users.update(user.id, { totpSecret: null, isTotpConfirmed: false })
    },
  }
}

async function check({ sealer, counters, clock }: SecondFactorParts, user: UserRow, code: string): Promise<boolean> {
  if (user.totpSecret === null || !/^\d{6}$/.test(code)) return false
  const { Secret } = await import('otpauth')
  const secret = Secret.fromBase32(sealer.open(user.totpSecret, `totp:${user.id}`))
  const now = clock.now()
  const delta = (await totpOf(secret, user.email)).validate({ token: code, timestamp: now, window })
  if (delta === null) return false
  const step = Math.floor(now / 1_000 / periodSeconds) + delta
  return await isFirstUse(counters, `${user.id}:${step}`)
}

/** As long as the code could still be given. */
async function isFirstUse(counters: Counters, use: string): Promise<boolean> {
  const windowMs = (2 * window + 2) * periodSeconds * 1_000
  return (await counters.take([{ key: `totp:${use}`, cost: 1, limit: 1, windowMs }])).ok
}

async function totpOf(secret: Secret, label: string): Promise<TOTP> {
  const { TOTP } = await import('otpauth')
  return new TOTP({ issuer, label, secret, digits, period: periodSeconds })
}
