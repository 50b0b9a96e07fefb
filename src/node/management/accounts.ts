import type {
  Accounts,
  FirstRun,
  Invitations,
  KeyRing,
  PageCodes,
  SecondFactor,
  Sessions,
  SignedUp,
  SignUp,
  Throttle,
  TokenPair,
} from '../../auth/index.ts'
import { secretPrefix, wrongPageCode } from '../../auth/index.ts'
import {
  type AccountDesk,
  type Actor,
  ParleyError,
  type Pass,
  type Self,
  type Store,
  type UserRow,
  type Welcome,
} from '../../core/index.ts'
import { keyView } from './keys.ts'
import { userView } from './users.ts'

/** How this node knows who is who. */
export interface AccountParts {
  readonly store: Pick<Store, 'users' | 'keys'>
  readonly accounts: Accounts
  readonly firstRun: FirstRun
  readonly invitations: Invitations
  readonly sessions: Sessions
  readonly secondFactor: SecondFactor
  readonly throttle: Throttle
  readonly pageCodes: PageCodes
  /** Absent where nobody signs up. */
  readonly signUp?: SignUp | undefined
  readonly isSignUpOpen: () => boolean
  readonly sendsMail: boolean
  readonly ring: Pick<KeyRing, 'verify'>
}

/** Whose token or API key it is. An API key has no rights but to look at its own things, whoever it belongs to. */
export async function identify({ ring, sessions }: AccountParts, token: string): Promise<Actor> {
  if (!token.startsWith(secretPrefix)) {
    const { user, sessionId } = await sessions.check(token)
    if (user === undefined) return { kind: 'machine', id: 'admin', role: 'admin', sessionId }
    return { kind: 'user', id: user.id, role: user.role, sessionId }
  }
  const holder = await ring.verify(token)
  if (holder !== undefined) return { kind: 'key', id: holder.key.id, role: 'user' }
  throw new ParleyError('unauthorized', 'this API key is unknown or revoked; create one with parley key new')
}

export function createAccountDesk(parts: AccountParts): AccountDesk {
  const { accounts, firstRun, invitations, sessions, secondFactor, throttle } = parts
  return {
    setUp: async (token, person, visitor) => {
      const attempt = await throttle.attempt('setup', visitor.address)
      const user = await firstRun.claim(token, person)
      await attempt.succeeded()
      return passOf(await sessions.open(user, visitor.userAgent))
    },
    signUp: async (person, visitor) => {
      const welcome = await openSignUp(parts).signUp(person, visitor)
      return welcome && welcomeOf(welcome)
    },
    confirmSignUp: async (confirmation, visitor) => {
      const attempt = await throttle.attempt(`sign-up of ${confirmation.email}`, visitor.address)
      const code = confirmation.code ?? ''
      const welcome = await openSignUp(parts).confirm({ ...confirmation, code }, visitor)
      await attempt.succeeded()
      return welcomeOf(welcome)
    },
    acceptInvitation: async (token, password, visitor) =>
      passOf(await sessions.open(await invitations.accept(token, password), visitor.userAgent)),
    logIn: async ({ email, password, code }, visitor) =>
      passOf(await accounts.logIn({ email, password, ...(code !== undefined && { code }) }, visitor)),
    makePageCode: () => parts.pageCodes.make(),
    redeemPageCode: async (code, visitor) => {
      const attempt = await throttle.attempt(`page code from ${visitor.address}`, visitor.address)
      if (!(await parts.pageCodes.redeem(code))) throw wrongPageCode()
      await attempt.succeeded()
      return passOf(await sessions.open(undefined, visitor.userAgent))
    },
    state: async () => {
      const { total } = await parts.store.users.list({}, { page: 1, limit: 1 })
      return { users: total > 0, signUp: parts.isSignUpOpen(), mail: parts.sendsMail }
    },
    refresh: async token => passOf(await sessions.refresh(token)),
    logOut: token => sessions.close(token),
    self: actor => selfOf(parts, actor),
    changePassword: async (actor, change, visitor) =>
      passOf(await accounts.changePassword(await userOf(parts, actor), change, visitor)),
    forgotPassword: (email, visitor) => accounts.forgotPassword(email, visitor),
    resetPassword: ({ email, password, code }, visitor) =>
      accounts.resetPassword({ email, password, code: code ?? '' }, visitor),
    enrolCode: async actor => await secondFactor.enrol(await userOf(parts, actor)),
    confirmCode: async (actor, code) => await secondFactor.confirm(await userOf(parts, actor), code),
    removeCode: async (actor, code) => {
      const user = await userOf(parts, actor)
      const attempt = await throttle.attempt(`codes of ${user.email}`, '')
      if (!(await secondFactor.check(user, code))) {
        throw new ParleyError('unauthorized', 'this one-time code is wrong or was used; give the next one')
      }
      await attempt.succeeded()
      await secondFactor.remove(user)
    },
  }
}

function openSignUp({ signUp }: AccountParts): SignUp {
  if (signUp !== undefined) return signUp
  throw new ParleyError('forbidden', 'one cannot sign up here; ask an admin for an invitation')
}

function welcomeOf({ pair, secret }: SignedUp): Welcome {
  return { pass: passOf(pair), secret }
}

function passOf({ accessToken, accessLifeMs, refreshToken, refreshLifeMs }: TokenPair): Pass {
  return { accessToken, accessLifeMs, refreshToken, refreshLifeMs }
}

async function selfOf(parts: AccountParts, actor: Actor): Promise<Self> {
  if (actor.kind === 'machine') return { actor }
  if (actor.kind === 'user') return { actor, user: userView(await userOf(parts, actor)) }
  const key = await parts.store.keys.get(actor.id)
  return { actor, ...(key && { key: keyView(key) }) }
}

async function userOf({ store }: AccountParts, actor: Actor): Promise<UserRow> {
  const user = actor.kind === 'user' ? await store.users.get(actor.id) : undefined
  if (user !== undefined) return user
  throw new ParleyError('forbidden', 'this is about an account of a person; log in as one')
}
