import type { BudgetStore, BudgetWindow, Clock, Counters, UserRow, UserStore } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Asker } from './accounts.ts'
import { emailOf, nameOf } from './email.ts'
import type { NewAccount } from './first-run.ts'
import type { Keys, KeyWish } from './keys.ts'
import { type MailCodes, wrongCode } from './mail-codes.ts'
import type { Passwords } from './passwords.ts'
import type { Sessions, TokenPair } from './sessions.ts'
import { networkOf } from './throttle.ts'

/** What an operator gives to those who sign up by themselves. */
export interface SignUpSettings {
  readonly isOpen: boolean
  /** Only addresses of these domains; empty for all. */
  readonly domains: readonly string[]
  /** Thousandths: 1000 pays what is listed. */
  readonly priceMultiplier: number
  /** Millionths of a dollar; absent for no budget. */
  readonly budget?: { readonly amount: bigint; readonly window: BudgetWindow }
  readonly key: Pick<KeyWish, 'project' | 'models' | 'rpm' | 'tpm' | 'parallel' | 'maxPrice' | 'maxPerDay'>
}

export interface SignUpParts {
  /** Asked each time, so that a change counts at once. */
  readonly settings: () => SignUpSettings
  readonly users: UserStore
  readonly budgets: Pick<BudgetStore, 'create'>
  readonly keys: Pick<Keys, 'create'>
  readonly passwords: Passwords
  readonly sessions: Pick<Sessions, 'open'>
  /** Without mail, addresses are not confirmed. */
  readonly mailCodes?: MailCodes
  readonly counters: Counters
  readonly clock: Clock
}

export interface Confirmation {
  readonly email: string
  /** Given again: whoever signed up somebody else's address has another one. */
  readonly password: string
  readonly code: string
}

export interface SignedUp {
  readonly user: UserRow
  /** Of an API key, shown once. */
  readonly secret: string
  readonly pair: TokenPair
}

export interface SignUp {
  /**
   * Undefined when a code was sent to the address, which is the answer also where that has an account. Without mail the
   * account is there at once, and an address that is taken is `conflict`.
   */
  readonly signUp: (account: NewAccount, asker: Asker) => Promise<SignedUp | undefined>
  readonly confirm: (confirmation: Confirmation, asker: Asker) => Promise<SignedUp>
  /** Forgets those who did not confirm within a day; how many. */
  readonly sweep: () => Promise<number>
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const perNetworkMax = 5
const inAllMax = 1_000
const sweepMax = 1_000

export function createSignUp(parts: SignUpParts): SignUp {
  return {
    signUp: (account, asker) => signUp(parts, account, asker),
    confirm: (confirmation, asker) => confirm(parts, confirmation, asker),
    sweep: () => sweep(parts),
  }
}

async function signUp(parts: SignUpParts, account: NewAccount, asker: Asker): Promise<SignedUp | undefined> {
  const { users, passwords, mailCodes } = parts
  const settings = parts.settings()
  const [email, name] = [emailOf(account.email), nameOf(account.name)]
  checkOpen(settings, email)
  await countSignUp(parts.counters, asker.address)
  const passwordHash = await passwords.hash(account.password)
  const known = await users.find(email)
  const isNew = known === undefined || isUnconfirmed(known)
  if (mailCodes !== undefined) {
    if (isNew) await keep(parts, known, { email, name, passwordHash })
    await (isNew ? mailCodes.send('sign-up', email) : mailCodes.pretend('sign-up', email))
    return undefined
  }
  if (!isNew) throw new ParleyError('conflict', 'this address has an account; log in')
  const user = await keep(parts, known, { email, name, passwordHash })
  return await welcome(parts, user, asker)
}

async function keep(
  { users, settings }: SignUpParts,
  known: UserRow | undefined,
  { email, name, passwordHash }: { email: string; name: string; passwordHash: string },
): Promise<UserRow> {
  if (known !== undefined) return await users.update(known.id, { name, passwordHash })
  const { priceMultiplier } = settings()
  return await users.create({ email, name, passwordHash, role: 'user', status: 'invited', priceMultiplier })
}

async function confirm(parts: SignUpParts, { email, password, code }: Confirmation, asker: Asker): Promise<SignedUp> {
  const { users, passwords, mailCodes } = parts
  const address = emailOf(email)
  checkOpen(parts.settings(), address)
  const isCode = (await mailCodes?.check('sign-up', address, code)) === true
  const user = await users.find(address)
  const isOwn = isCode && (await passwords.verify(password, user?.passwordHash))
  if (!isOwn || user === undefined || !isUnconfirmed(user)) throw wrongCode()
  return await welcome(parts, user, asker)
}

/** The account opens last: one that lacks its budget could spend without one. */
async function welcome(parts: SignUpParts, user: UserRow, { userAgent }: Asker): Promise<SignedUp> {
  const { budget, key: wish } = parts.settings()
  if (budget !== undefined) await parts.budgets.create({ ...budget, scope: 'user', scopeId: user.id, isHard: true })
  const { secret } = await parts.keys.create({ ...wish, name: 'first key', userId: user.id })
  const active = await parts.users.update(user.id, { status: 'active' })
  return { user: active, secret, pair: await parts.sessions.open(active, userAgent) }
}

/** One who was invited has no password yet; that account is not to be had by signing up. */
function isUnconfirmed({ status, passwordHash, role }: UserRow): boolean {
  return status === 'invited' && passwordHash !== null && role === 'user'
}

function checkOpen({ isOpen, domains }: SignUpSettings, email: string): void {
  if (!isOpen) throw new ParleyError('forbidden', 'one cannot sign up here; ask an admin for an invitation')
  const domain = email.slice(email.lastIndexOf('@') + 1)
  if (domains.length === 0 || domains.includes(domain)) return
  throw new ParleyError('forbidden', `addresses of ${domain} cannot sign up here; use another, or ask an admin`)
}

async function countSignUp(counters: Counters, address: string): Promise<void> {
  const { ok, retryMs } = await counters.take([
    { key: `sign-up:${networkOf(address)}`, cost: 1, limit: perNetworkMax, windowMs: hourMs },
    { key: 'sign-up', cost: 1, limit: inAllMax, windowMs: hourMs },
  ])
  if (ok) return
  const seconds = Math.ceil(retryMs / 1_000)
  throw new ParleyError('rate_limited', `too many signed up from there; try again in ${seconds} s`, {
    retryAfterSeconds: seconds,
  })
}

async function sweep({ users, clock }: SignUpParts): Promise<number> {
  const { rows } = await users.list({ status: 'invited', role: 'user' }, { page: 1, limit: sweepMax })
  const old = rows.filter(user => isUnconfirmed(user) && user.createdAt < clock.now() - dayMs)
  for (const { id } of old) await users.remove(id)
  return old.length
}
