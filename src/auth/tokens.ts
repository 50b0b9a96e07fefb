import { hkdfSync } from 'node:crypto'
import type { Clock } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'

/** What a token may be used for; one for the one thing is worth nothing for another. */
export type TokenUse = 'access' | 'setup' | 'invitation'

export interface TokensOptions {
  /** The master key of the installation: all its nodes have the same. */
  readonly masterKey: Uint8Array
  readonly clock: Clock
}

export interface TokenClaims {
  /** Id of the user; empty where there is none, or none yet. */
  readonly subject: string
  /** Id of the session; empty for what is no session. */
  readonly session: string
}

export interface Tokens {
  readonly sign: (use: TokenUse, claims: TokenClaims, lifeMs: number) => Promise<string>
  /** Throws `unauthorized` for whatever is not a token of this installation, for this use, good now. */
  readonly verify: (use: TokenUse, token: string) => Promise<TokenClaims>
}

/** A clock of another node may be off by the tolerance: in all it stays below a quarter of an hour. */
export const accessLifeMs = 14 * 60_000
const toleranceSeconds = 5
const hourMs = 3_600_000
const lifeMaxMs: Readonly<Record<TokenUse, number>> = {
  access: accessLifeMs,
  setup: hourMs,
  invitation: 7 * 24 * hourMs,
}
const algorithm = 'HS256'
const issuer = 'parley'
const keyBytes = 32
const tokenMaxLength = 2_000

/**
 * Signed tokens. The algorithm, the issuer and the audience are ours to say, never the token's. What signs them is loaded
 * with the first one: a node that nobody logs in to does without.
 */
export function createTokens({ masterKey, clock }: TokensOptions): Tokens {
  const key = new Uint8Array(hkdfSync('sha256', masterKey, '', 'parley signed tokens', keyBytes))
  return {
    sign: async (use, { subject, session }, lifeMs) => {
      const { SignJWT } = await import('jose')
      const now = Math.floor(clock.now() / 1_000)
      return await new SignJWT({ sid: session })
        .setProtectedHeader({ alg: algorithm, typ: typeOf(use) })
        .setIssuer(issuer)
        .setAudience(audienceOf(use))
        .setSubject(subject)
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + Math.floor(Math.min(lifeMs, lifeMaxMs[use]) / 1_000))
        .sign(key)
    },
    verify: async (use, token) => {
      if (token.length > tokenMaxLength) throw refused()
      try {
        const { jwtVerify } = await import('jose')
        const { payload } = await jwtVerify(token, key, {
          algorithms: [algorithm],
          issuer,
          audience: audienceOf(use),
          typ: typeOf(use),
          requiredClaims: ['exp', 'iat', 'nbf', 'sub', 'sid'],
          maxTokenAge: lifeMaxMs[use] / 1_000,
          clockTolerance: toleranceSeconds,
          currentDate: new Date(clock.now()),
        })
        const { sub, sid } = payload
        if (typeof sub !== 'string' || typeof sid !== 'string') throw refused()
        return { subject: sub, session: sid }
      } catch (cause) {
        throw cause instanceof ParleyError ? cause : refused(cause)
      }
    },
  }
}

function audienceOf(use: TokenUse): string {
  return `parley:${use}`
}

function typeOf(use: TokenUse): string {
  return use === 'access' ? 'at+jwt' : `${use}+jwt`
}

/** One answer for all that is wrong with it. */
function refused(cause?: unknown): ParleyError {
  return new ParleyError('unauthorized', 'this token is not valid, or not any more; log in again', { cause })
}
