import { z } from 'zod'
import { type Actor, ParleyError, type Pass, type Welcome } from '../../core/index.ts'
import type { Exchange } from '../exchange.ts'
import { dropRefreshCookie, refreshCookie, setRefreshCookie } from './cookie.ts'
import { declareIn, known } from './route.ts'
import { Name, RoleName } from './schemas.ts'
import { Email, Password, shownUser, User } from './users.ts'

const declare = declareIn('auth')

const PassAnswer = z
  .object({
    accessToken: z.string().describe('Send it as `authorization: Bearer …`.'),
    expiresInSeconds: z.int(),
    refreshToken: z.string().nullable().describe('Gets the next pair, once; null where it is in a cookie.'),
    cookieKey: z
      .string()
      .nullable()
      .describe('Where there is a cookie: what makes it worth something, the same for the whole session.'),
    refreshExpiresInSeconds: z.int(),
  })
  .meta({ id: 'Pass' })

const WelcomeAnswer = z
  .object({
    state: z.enum(['confirm', 'done']).describe('`confirm`: a code was sent to the address.'),
    pass: PassAnswer.nullable(),
    secret: z.string().nullable().describe('Of a first API key, shown this once.'),
  })
  .meta({ id: 'Welcome' })

const Me = z
  .object({
    kind: z.enum(['user', 'key', 'machine']),
    role: RoleName,
    user: User.nullable(),
    key: z.object({ id: z.string(), name: z.string(), tail: z.string(), project: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'Me' })

const cookie = z
  .boolean()
  .default(false)
  .describe('Whether the refresh token goes into a cookie that no script can read, instead of the answer.')
const person = { email: Email, name: Name, password: Password }
const code = z.string().trim().min(1).max(32)
const token = z.string().min(1).max(2_000)

const Renewal = z.strictObject({
  refreshToken: token.optional(),
  cookieKey: z
    .string()
    .regex(/^[\w-]{1,100}$/)
    .optional()
    .describe('Of the pass that came with the cookie.'),
})

/** What every way to log in ends with. */
function passed({ response, request }: Exchange, pass: Pass, isCookie: boolean): z.input<typeof PassAnswer> {
  const cookieKey = isCookie ? setRefreshCookie(request, response, pass) : null
  return {
    accessToken: pass.accessToken,
    expiresInSeconds: Math.floor(pass.accessLifeMs / 1_000),
    refreshToken: isCookie ? null : pass.refreshToken,
    cookieKey,
    refreshExpiresInSeconds: Math.floor(pass.refreshLifeMs / 1_000),
  }
}

function welcomed(exchange: Exchange, welcome: Welcome | undefined, isCookie: boolean): z.input<typeof WelcomeAnswer> {
  if (welcome === undefined) return { state: 'confirm', pass: null, secret: null }
  return { state: 'done', pass: passed(exchange, welcome.pass, isCookie), secret: welcome.secret }
}

/** Whoever holds the token of the run directory now: who came in on the page may not let others in. */
function isOwner(actor: Actor | undefined): boolean {
  return actor?.kind === 'machine' && actor.sessionId === undefined
}

export const authRoutes = [
  declare(
    'GET /auth/state',
    {
      access: 'public',
      summary: 'By what ways one comes in here.',
      answer: z.object({
        users: z.boolean().describe('Whether anybody has an account.'),
        signUp: z.boolean().describe('Whether people may make accounts by themselves.'),
        mail: z.boolean().describe('Whether codes are sent by mail.'),
      }),
    },
    async (_asked, { account }) => await account.state(),
  ),
  declare(
    'POST /auth/link',
    {
      access: 'admin',
      summary: 'Makes a code that opens the page of the node, for the token of the run directory alone.',
      body: z.strictObject({}),
      answer: z.object({ code: z.string().describe('Good once and for ten minutes.') }),
    },
    async ({ actor }, { account }) => {
      if (isOwner(actor)) return { code: await account.makePageCode() }
      throw new ParleyError(
        'forbidden',
        'this takes the token of this machine’s run directory; run `parley open` there',
      )
    },
  ),
  declare(
    'POST /auth/link/redeem',
    {
      access: 'public',
      summary: 'Comes in as whoever runs the node, by a code that is shown there.',
      body: z.strictObject({ code, cookie }),
      answer: PassAnswer,
    },
    async ({ body, visitor, exchange }, { account }) =>
      passed(exchange, await account.redeemPageCode(body.code, visitor), body.cookie),
  ),
  declare(
    'POST /auth/setup',
    {
      access: 'public',
      summary: 'Makes the first admin, by the token that is shown where the node runs.',
      body: z.strictObject({ token, ...person, cookie }),
      answer: PassAnswer,
      status: 201,
    },
    async ({ body: { token, cookie, ...person }, visitor, exchange }, { account }) =>
      passed(exchange, await account.setUp(token, person, visitor), cookie),
  ),
  declare(
    'POST /auth/login',
    {
      access: 'public',
      summary: 'Logs in; `details.needs` of the error says which code is missing.',
      body: z.strictObject({ email: Email, password: Password, code: code.optional(), cookie }),
      answer: PassAnswer,
    },
    async ({ body: { cookie, ...credentials }, visitor, exchange }, { account }) =>
      passed(exchange, await account.logIn(credentials, visitor), cookie),
  ),
  declare(
    'POST /auth/refresh',
    {
      access: 'public',
      summary: 'A new pair of tokens for the refresh token of the body or the cookie, which is good once.',
      isTold: false,
      body: Renewal,
      answer: PassAnswer,
    },
    async ({ body, exchange }, { account }) => {
      const given = body.refreshToken ?? refreshCookie(exchange.request, body.cookieKey)
      if (given === undefined) throw new ParleyError('unauthorized', 'no refresh token was sent; log in')
      return passed(exchange, await account.refresh(given), body.refreshToken === undefined)
    },
  ),
  declare(
    'POST /auth/logout',
    {
      access: 'public',
      summary: 'Ends the session of the refresh token of the body or the cookie.',
      body: Renewal,
    },
    async ({ body, exchange }, { account }) => {
      const given = body.refreshToken ?? refreshCookie(exchange.request, body.cookieKey)
      if (given !== undefined) await account.logOut(given)
      dropRefreshCookie(exchange.request, exchange.response)
    },
  ),
  declare(
    'POST /auth/signup',
    {
      access: 'public',
      summary: 'Makes an account of the role `user`, where that is allowed.',
      body: z.strictObject({ ...person, cookie }),
      answer: WelcomeAnswer,
    },
    async ({ body: { cookie, ...person }, visitor, exchange }, { account }) =>
      welcomed(exchange, await account.signUp(person, visitor), cookie),
  ),
  declare(
    'POST /auth/signup/confirm',
    {
      access: 'public',
      summary: 'Confirms the address of a new account by the code that was sent there.',
      body: z.strictObject({ email: Email, password: Password, code, cookie }),
      answer: WelcomeAnswer,
    },
    async ({ body: { cookie, ...credentials }, visitor, exchange }, { account }) =>
      welcomed(exchange, await account.confirmSignUp(credentials, visitor), cookie),
  ),
  declare(
    'POST /auth/invitation',
    {
      access: 'public',
      summary: 'Accepts an invitation with a password of one’s own.',
      body: z.strictObject({ token, password: Password, cookie }),
      answer: PassAnswer,
    },
    async ({ body, visitor, exchange }, { account }) =>
      passed(exchange, await account.acceptInvitation(body.token, body.password, visitor), body.cookie),
  ),
  declare(
    'POST /auth/password/forgot',
    {
      access: 'public',
      summary: 'Sends a code to the address if it has an account.',
      body: z.strictObject({ email: Email }),
      status: 202,
    },
    async ({ body, visitor }, { account }) => await account.forgotPassword(body.email, visitor),
  ),
  declare(
    'POST /auth/password/reset',
    {
      access: 'public',
      summary: 'Sets a new password by that code; all sessions end.',
      body: z.strictObject({ email: Email, code, password: Password }),
    },
    async ({ body, visitor }, { account }) => await account.resetPassword(body, visitor),
  ),
  declare(
    'POST /auth/password',
    {
      access: 'user',
      summary: 'Changes one’s own password; all other sessions end.',
      body: z.strictObject({ current: Password, next: Password, cookie }),
      answer: PassAnswer,
    },
    async ({ body: { cookie, ...change }, actor, visitor, exchange }, { account }) =>
      passed(exchange, await account.changePassword(known(actor), change, visitor), cookie),
  ),
  declare(
    'POST /auth/totp',
    {
      access: 'user',
      summary: 'Begins with codes of an authenticator app: what to enter there.',
      answer: z.object({ secret: z.string(), uri: z.string() }),
    },
    async ({ actor }, { account }) => await account.enrolCode(known(actor)),
  ),
  declare(
    'POST /auth/totp/confirm',
    {
      access: 'user',
      summary: 'Asks for codes from now on, by the first of them.',
      body: z.strictObject({ code }),
    },
    async ({ body, actor }, { account }) => await account.confirmCode(known(actor), body.code),
  ),
  declare(
    'POST /auth/totp/remove',
    { access: 'user', summary: 'Asks for no more codes, by one of them.', body: z.strictObject({ code }) },
    async ({ body, actor }, { account }) => await account.removeCode(known(actor), body.code),
  ),
  declare(
    'GET /auth/me',
    { access: 'user', takesKeys: true, summary: 'Who one is.', answer: Me },
    async ({ actor }, { account }) => {
      const self = await account.self(known(actor))
      const { kind, role } = self.actor
      return { kind, role, user: self.user === undefined ? null : shownUser(self.user), key: self.key ?? null }
    },
  ),
]
