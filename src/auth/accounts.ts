import type { Clock, UserRow, UserStore } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { emailOf } from './email.ts'
import { type MailCodes, wrongCode } from './mail-codes.ts'
import type { Passwords } from './passwords.ts'
import type { Sessions, TokenPair } from './sessions.ts'
import type { Throttle } from './throttle.ts'
import type { SecondFactor } from './totp.ts'

export interface AccountsParts {
  readonly users: Pick<UserStore, 'find' | 'get' | 'update'>
  readonly passwords: Passwords
  readonly sessions: Sessions
  readonly throttle: Throttle
  readonly secondFactor: SecondFactor
  /** Absent where no mail can be sent. */
  readonly mailCodes?: MailCodes
  /** Whether those without an authenticator app give a code from their mail. */
  readonly asksForMailCode?: boolean
  readonly clock: Clock
}

/** From where somebody asks. */
export interface Asker {
  readonly address: string
  readonly userAgent: string
}

export interface Credentials {
  readonly email: string
  readonly password: string
  /** Of the authenticator app, or from the mail. */
  readonly code?: string
}

/** Who somebody is, proved by a password. */
export interface Accounts {
  /**
   * Throws `unauthorized` with the same words, after the same time, whether the account exists or not; with
   * `details.needs` (`totp` or `mail_code`) where the password is right and a code is missing.
   */
  readonly logIn: (credentials: Credentials, asker: Asker) => Promise<TokenPair & { readonly user: UserRow }>
  /** Ends all other sessions: the new pair is the only one. */
  readonly changePassword: (user: UserRow, change: PasswordChange, asker: Asker) => Promise<TokenPair>
  /** Sends a code to an address that has an account, and says nothing about it. */
  readonly forgotPassword: (email: string, asker: Asker) => Promise<void>
  readonly resetPassword: (reset: PasswordReset, asker: Asker) => Promise<void>
}

export interface PasswordChange {
  readonly current: string
  readonly next: string
}

export interface PasswordReset {
  readonly email: string
  readonly code: string
  readonly password: string
}

export function createAccounts(parts: AccountsParts): Accounts {
  return {
    logIn: (credentials, asker) => logIn(parts, credentials, asker),
    changePassword: async (user, { current, next }, asker) => {
      const attempt = await parts.throttle.attempt(user.email, asker.address)
      if (!(await parts.passwords.verify(current, user.passwordHash))) throw wrong()
      await attempt.succeeded()
      await setPassword(parts, user.id, next)
      return await parts.sessions.open(user, asker.userAgent)
    },
    forgotPassword: (email, asker) => forgotPassword(parts, email, asker),
    resetPassword: (reset, asker) => resetPassword(parts, reset, asker),
  }
}

async function logIn(parts: AccountsParts, credentials: Credentials, { address, userAgent }: Asker) {
  const { users, passwords, throttle, sessions, clock } = parts
  const attempt = await throttle.attempt(credentials.email, address)
  const found = await users.find(credentials.email)
  const isRight = await passwords.verify(credentials.password, found?.passwordHash)
  if (found === undefined || !isRight || found.status !== 'active') throw wrong()
  const needs = neededCode(parts, found)
  if (needs !== undefined && credentials.code === undefined) {
    await attempt.succeeded()
    if (needs === 'mail_code') await parts.mailCodes?.send('login', found.email)
    throw codeNeeded(needs)
  }
  if (needs !== undefined && !(await isCode(parts, found, needs, credentials.code ?? ''))) throw wrong()
  await attempt.succeeded()
  const outdated = passwords.isOutdated(found.passwordHash ?? '')
  const passwordHash = outdated ? await passwords.hash(credentials.password) : found.passwordHash
  const user = await users.update(found.id, { lastLoginAt: clock.now(), passwordHash })
  return { ...(await sessions.open(user, userAgent)), user }
}

type NeededCode = 'totp' | 'mail_code'

function neededCode({ mailCodes, asksForMailCode = false }: AccountsParts, user: UserRow): NeededCode | undefined {
  if (user.isTotpConfirmed) return 'totp'
  return asksForMailCode && mailCodes !== undefined ? 'mail_code' : undefined
}

async function isCode(parts: AccountsParts, user: UserRow, needs: NeededCode, code: string): Promise<boolean> {
  if (needs === 'totp') return await parts.secondFactor.check(user, code)
  return (await parts.mailCodes?.check('login', user.email, code)) === true
}

/** Whoever knew the old one is logged out. */
async function setPassword({ users, passwords, sessions }: AccountsParts, userId: string, next: string): Promise<void> {
  const passwordHash = await passwords.hash(next)
  await users.update(userId, { passwordHash })
  await sessions.closeAll(userId)
}

async function forgotPassword(
  { users, mailCodes, throttle }: AccountsParts,
  given: string,
  asker: Asker,
): Promise<void> {
  if (mailCodes === undefined) throw noMail()
  const email = emailOf(given)
  await throttle.attempt(`reset of ${email}`, asker.address)
  const user = await users.find(email)
  if (user?.status === 'active') await mailCodes.send('reset', email)
  else await mailCodes.pretend('reset', email)
}

async function resetPassword(
  parts: AccountsParts,
  { email, code, password }: PasswordReset,
  asker: Asker,
): Promise<void> {
  if (parts.mailCodes === undefined) throw noMail()
  const attempt = await parts.throttle.attempt(`reset of ${email}`, asker.address)
  const user = await parts.users.find(email)
  const isRight = await parts.mailCodes.check('reset', emailOf(email), code)
  if (!isRight || user?.status !== 'active') throw wrongCode()
  await attempt.succeeded()
  await setPassword(parts, user.id, password)
}

function wrong(): ParleyError {
  return new ParleyError('unauthorized', 'the address, the password or the code is wrong; try again')
}

function codeNeeded(needs: NeededCode): ParleyError {
  const where = needs === 'totp' ? 'your authenticator app' : 'the mail you were sent'
  return new ParleyError('unauthorized', `a one-time code is needed; send the one from ${where}`, {
    details: { needs },
  })
}

function noMail(): ParleyError {
  return new ParleyError('unsupported', 'this node sends no mail, so it cannot send codes; ask an admin for help')
}
