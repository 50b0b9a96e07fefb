import type { Holder, KeyRing, SignedIn } from '../auth/index.ts'
import { type Account, type ApiKeyStore, ParleyError, type Principal } from '../core/index.ts'

/** Whom a key or an access token stands for, what one of its calls may cost, and whose its calls are. */
export interface KnownCaller {
  readonly principal: Principal
  readonly maxPrice?: bigint
  /** Undefined for the machine, whose calls are the node's own. */
  readonly account: Account | undefined
}

/** Who calls this node's own endpoint, and what each may spend. */
export interface Callers {
  /**
   * Whose API key or access token it is; undefined for one that is unknown or may not be used. A promise only where the store
   * has to be asked. Throws `unauthorized` for a token of a session that is over.
   */
  readonly callerOf: (secret: string) => KnownCaller | undefined | Promise<KnownCaller | undefined>
  /** The most a principal may spend in a day; undefined without a cap of its own. */
  readonly dailyCap: (principal: Principal) => bigint | undefined
  /** The caller that a key of this name or id stands for. Rejects with `not_found`. */
  readonly named: (nameOrId: string) => Promise<{ readonly principal: Principal; readonly keyName: string }>
  /** What the operator calls the key of a caller. */
  readonly keyName: (principal: Principal) => string | undefined
}

export interface CallersParts {
  readonly ring: Pick<KeyRing, 'verify'>
  readonly keys: Pick<ApiKeyStore, 'get' | 'list'>
  /** Whose access token it is. Throws `unauthorized`. */
  readonly checkToken: (accessToken: string) => Promise<SignedIn>
  /** Whether the texts of calls are kept whose key does not say. */
  readonly keepsTexts: boolean
}

/** As many as there may be keys. */
const knownMax = 100_000
const pageRows = 1_000

/** Caps and names are remembered when a key is shown, which is before it can spend: asked for often, they must not cost a read. */
export function createCallers({ ring, keys, checkToken, keepsTexts }: CallersParts): Callers {
  const known = new Map<string, Holder['key']>()
  const callers = new WeakMap<Holder, KnownCaller>()
  const toCaller = (holder: Holder | undefined): KnownCaller | undefined => {
    if (holder === undefined) return undefined
    const caller = callers.get(holder)
    if (caller !== undefined) return caller
    if (known.size >= knownMax) known.clear()
    known.set(holder.key.id, holder.key)
    const made = callerFor(holder, keepsTexts)
    callers.set(holder, made)
    return made
  }
  const ofKey = (secret: string) => {
    const holder = ring.verify(secret)
    return holder instanceof Promise ? holder.then(toCaller) : toCaller(holder)
  }
  /** A key that was brought along from elsewhere may look like a token. */
  const ofToken = async (secret: string) => {
    try {
      return personOf(await checkToken(secret), keepsTexts)
    } catch (cause) {
      const caller = isUnauthorized(cause) ? await ofKey(secret) : undefined
      if (caller === undefined) throw cause
      return caller
    }
  }
  return {
    callerOf: secret => (isTokenLike.test(secret) ? ofToken(secret) : ofKey(secret)),
    named: async nameOrId => {
      const key = await findKey(keys, nameOrId)
      return { principal: { kind: 'key', id: key.id }, keyName: key.name }
    },
    keyName: ({ kind, id }) => (kind === 'key' ? known.get(id)?.name : undefined),
    dailyCap: ({ kind, id }) => (kind === 'key' ? (known.get(id)?.maxPerDay ?? undefined) : undefined),
  }
}

/** A signed token begins with the JSON of its header; our own keys never do. */
const isTokenLike = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/

function isUnauthorized(cause: unknown): boolean {
  return cause instanceof ParleyError && cause.code === 'unauthorized'
}

/** The machine calls as whoever holds the token of the run directory does. */
function personOf({ user }: SignedIn, keepsTexts: boolean): KnownCaller {
  if (user === undefined) return { principal: { kind: 'self', id: 'admin' }, account: undefined }
  const { id, priceMultiplier } = user
  const account = { keyId: null, userId: id, project: null, keepsTexts, redact: null, priceMultiplier }
  return { principal: { kind: 'user', id }, account }
}

function callerFor({ key, user }: Holder, keepsTexts: boolean): KnownCaller {
  return {
    principal: { kind: 'key', id: key.id },
    ...(key.maxPrice !== null && { maxPrice: key.maxPrice }),
    account: {
      keyId: key.id,
      userId: key.userId,
      project: key.project,
      keepsTexts: key.archive === 'default' ? keepsTexts : key.archive === 'on',
      redact: key.redact,
      priceMultiplier: user?.priceMultiplier ?? 1_000,
    },
  }
}

async function findKey(keys: CallersParts['keys'], nameOrId: string): Promise<Holder['key']> {
  const own = await keys.get(nameOrId)
  if (own?.revokedAt === null) return own
  for (let page = 1; page <= knownMax / pageRows; page++) {
    const { rows } = await keys.list({ isRevoked: false }, { page, limit: pageRows })
    const named = rows.findLast(({ name }) => name === nameOrId)
    if (named !== undefined) return named
    if (rows.length < pageRows) break
  }
  throw new ParleyError('not_found', `there is no key ${JSON.stringify(nameOrId)}; see parley key list`)
}
