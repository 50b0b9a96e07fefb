import { createHmac, hash, hkdfSync } from 'node:crypto'
import type { Clock, Random, SessionRow, SessionStore, UserRow, UserStore } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { accessLifeMs, type Tokens } from './tokens.ts'

export interface SessionsParts {
  /** Of the installation: all its nodes make the same token of the same. */
  readonly masterKey: Uint8Array
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
  /**
   * Throws `unauthorized`. A token that was used just now gives the same pair again, as the answer may never have come to the
   * browser; later, or once what came of it was used, it ends its whole family.
   */
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
/** Pages that are loaded twice, and tabs that do not know of each other, come again within this. */
const graceMs = 30_000
/** The oldest goes when somebody logs in once more. */
const perUserMax = 100
/** No user has this id. */
const machineSubject = ''
const userAgentMaxLength = 300
const refreshMaxLength = 200

export function createSessions(given: SessionsParts): Sessions {
  const { sessions, random, clock, idleMs = defaultIdleMs } = given
  const parts = { ...given, successorOf: successors(given.masterKey) }
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

interface Refreshing extends SessionsParts {
  readonly successorOf: (token: string) => string
}

async function refresh(parts: Refreshing, token: string): Promise<TokenPair> {
  const { sessions, users, clock, idleMs = defaultIdleMs } = parts
  const row = await found(sessions, token)
  if (row === undefined || row.revokedAt !== null || row.expiresAt <= clock.now()) throw over()
  if (row.userId !== null && (await users.get(row.userId))?.status !== 'active') throw over()
  const refreshToken = parts.successorOf(token)
  const next = { refreshHash: hashOf(refreshToken), expiresAt: clock.now() + idleMs }
  const rotated = await sessions.rotate(row.id, next)
  if (rotated !== undefined) return await pairOf(parts, rotated, refreshToken)
  const unused = await sessions.find(next.refreshHash)
  if (unused !== undefined && isFresh(unused, clock.now())) return await pairOf(parts, unused, refreshToken)
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

/** Whether it was made just now and nobody has shown it yet. */
function isFresh({ createdAt, rotatedAt, revokedAt }: SessionRow, now: number): boolean {
  return rotatedAt === null && revokedAt === null && Math.abs(now - createdAt) < graceMs
}

/**
 * Which token comes of which: the same each time, so that of two answers either may come last. Nobody can tell it from the
 * token without the key. The part behind the point stays for the whole session: whoever keeps the parts in two places
 * changes one of them.
 */
function successors(masterKey: Uint8Array): Refreshing['successorOf'] {
  const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'parley refresh tokens', 32))
  const made = (what: string, token: string) => createHmac('sha256', key).update(`${what} ${token}`).digest('base64url')
  return token => {
    const [, lasting = made('lasting', token)] = token.split('.')
    return `${made('changing', token)}.${lasting}`
  }
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
