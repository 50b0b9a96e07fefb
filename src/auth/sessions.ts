import { hash } from 'node:crypto'
import type { Clock, Random, SessionRow, SessionStore, UserRow, UserStore } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { accessLifeMs, type Tokens } from './tokens.ts'

export interface SessionsParts {
  readonly sessions: SessionStore
  readonly users: Pick<UserStore, 'get'>
  readonly tokens: Tokens
  readonly clock: Clock
  readonly random: Random
  /** How long a session lasts unused; 30 days when missing. */
  readonly idleMs?: number
  /** Told of a refresh token that came a second time: somebody else has it. */
  readonly onReuse?: (userId: SessionRow['userId']) => void
}

/** What a browser or a command keeps: one to show with each request, one to get the next pair with. */
export interface TokenPair {
  readonly accessToken: string
  readonly accessLifeMs: number
  /** Two parts with a point between them, of which the second is the same for the whole session. */
  readonly refreshToken: string
  readonly refreshLifeMs: number
}

export interface SignedIn {
  /** Undefined for the machine: whoever runs the node, who is nobody's account. */
  readonly user: UserRow | undefined
  /** Id of the row; of the family while it was rotated. */
  readonly sessionId: string
}

/** Who is logged in. The store is asked each time: what is ended or taken away is so with the next request, on all nodes. */
export interface Sessions {
  /** For somebody, or for the machine. */
  readonly open: (user: UserRow | undefined, userAgent: string) => Promise<TokenPair>
  /** Throws `unauthorized`; a token that was used before ends its whole family. */
  readonly refresh: (refreshToken: string) => Promise<TokenPair>
  /** Whose access token it is, with the role the user has now. Throws `unauthorized`. */
  readonly check: (accessToken: string) => Promise<SignedIn>
  /** Ends the session of a refresh token; one that is unknown is over already. */
  readonly close: (refreshToken: string) => Promise<void>
  /** Ends all sessions of a user; how many. */
  readonly closeAll: (userId: string) => Promise<number>
}

const dayMs = 86_400_000
const defaultIdleMs = 30 * dayMs
const refreshBytes = 32
/** The oldest goes when somebody logs in once more. */
const perUserMax = 100
/** No user has this id. */
const machineSubject = ''
const userAgentMaxLength = 300
const refreshMaxLength = 200

export function createSessions(parts: SessionsParts): Sessions {
  const { sessions, random, clock, idleMs = defaultIdleMs } = parts
  return {
    open: async (user, userAgent) => {
      const refreshToken = `${newSecret(random)}.${newSecret(random)}`
      const row = await sessions.create({
        userId: user?.id ?? null,
        family: random.uuid(),
        refreshHash: hashOf(refreshToken),
        expiresAt: clock.now() + idleMs,
        userAgent: plain(userAgent),
      })
      await endOldest(sessions, row.userId)
      return await pairOf(parts, row, refreshToken)
    },
    refresh: token => refresh(parts, token),
    check: token => check(parts, token),
    close: async token => {
      const row = await found(sessions, token)
      if (row !== undefined) await sessions.revokeFamily(row.family)
    },
    closeAll: userId => sessions.revokeUser(userId),
  }
}

async function refresh(parts: SessionsParts, token: string): Promise<TokenPair> {
  const { sessions, users, random, clock, idleMs = defaultIdleMs } = parts
  const row = await found(sessions, token)
  if (row === undefined || row.revokedAt !== null || row.expiresAt <= clock.now()) throw over()
  if (row.userId !== null && (await users.get(row.userId))?.status !== 'active') throw over()
  const refreshToken = successorOf(token, random)
  const next = { refreshHash: hashOf(refreshToken), expiresAt: clock.now() + idleMs }
  const rotated = await sessions.rotate(row.id, next)
  if (rotated !== undefined) return await pairOf(parts, rotated, refreshToken)
  await sessions.revokeFamily(row.family)
  parts.onReuse?.(row.userId)
  throw over()
}

async function check({ sessions, users, tokens, clock }: SessionsParts, token: string): Promise<SignedIn> {
  const { subject, session } = await tokens.verify('access', token)
  const [row, user] = await Promise.all([
    sessions.get(session),
    subject === machineSubject ? undefined : users.get(subject),
  ])
  if (row === undefined || (row.userId ?? machineSubject) !== subject) throw over()
  if (row.userId !== null && user?.status !== 'active') throw over()
  const isOver = row.revokedAt !== null || row.expiresAt <= clock.now()
  if (isOver || (row.rotatedAt !== null && !(await livesOn(sessions, row)))) throw over()
  return { user, sessionId: row.id }
}

/** A token of before the last refresh is good as long as what came of it. */
async function livesOn(sessions: SessionStore, { userId, family }: SessionRow): Promise<boolean> {
  const { rows } = await sessions.list({ userId }, { page: 1, limit: perUserMax })
  return rows.some(row => row.family === family)
}

async function pairOf({ tokens, clock }: SessionsParts, row: SessionRow, refreshToken: string): Promise<TokenPair> {
  const accessToken = await tokens.sign(
    'access',
    { subject: row.userId ?? machineSubject, session: row.id },
    accessLifeMs,
  )
  return { accessToken, accessLifeMs, refreshToken, refreshLifeMs: row.expiresAt - clock.now() }
}

async function endOldest(sessions: SessionStore, userId: SessionRow['userId']): Promise<void> {
  const { rows } = await sessions.list({ userId }, { page: perUserMax + 1, limit: 1 })
  for (const { family } of rows) await sessions.revokeFamily(family)
}

async function found(sessions: SessionStore, token: string): Promise<SessionRow | undefined> {
  return token.length > refreshMaxLength ? undefined : await sessions.find(hashOf(token))
}

/** The part behind the point stays for the whole session: whoever keeps the parts in two places changes one of them. */
function successorOf(token: string, random: Random): string {
  const [, lasting = newSecret(random)] = token.split('.')
  return `${newSecret(random)}.${lasting}`
}

function newSecret(random: Random): string {
  return Buffer.from(random.bytes(refreshBytes)).toString('base64url')
}

function hashOf(token: string): string {
  return hash('sha256', token, 'hex')
}

/** Shown in a list of sessions, so nothing that is more than text. */
function plain(userAgent: string): string {
  return userAgent.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, userAgentMaxLength)
}

function over(): ParleyError {
  return new ParleyError('unauthorized', 'the session is over; log in again')
}
