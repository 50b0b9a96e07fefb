import type { Holder, KeyRing } from '../auth/index.ts'
import { type Account, type ApiKeyStore, ParleyError, type Principal } from '../core/index.ts'

/** Whom a key stands for, what one of its calls may cost, and whose its calls are. */
export interface KeyCaller {
  readonly principal: Principal
  readonly maxPrice?: bigint
  readonly account: Account
}

/** Who calls this node's own endpoint, and what each may spend. */
export interface Callers {
  /** Undefined for a key that is unknown or may not be used. A promise only where the store has to be asked. */
  readonly callerOf: (secret: string) => KeyCaller | undefined | Promise<KeyCaller | undefined>
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
  /** Whether the texts of calls are kept whose key does not say. */
  readonly keepsTexts: boolean
}

/** As many as there may be keys. */
const knownMax = 100_000
const pageRows = 1_000

/** Caps and names are remembered when a key is shown, which is before it can spend: asked for often, they must not cost a read. */
export function createCallers({ ring, keys, keepsTexts }: CallersParts): Callers {
  const known = new Map<string, Holder['key']>()
  const callers = new WeakMap<Holder, KeyCaller>()
  const toCaller = (holder: Holder | undefined): KeyCaller | undefined => {
    if (holder === undefined) return undefined
    const caller = callers.get(holder)
    if (caller !== undefined) return caller
    if (known.size >= knownMax) known.clear()
    known.set(holder.key.id, holder.key)
    const made = callerFor(holder, keepsTexts)
    callers.set(holder, made)
    return made
  }
  return {
    callerOf: secret => {
      const holder = ring.verify(secret)
      return holder instanceof Promise ? holder.then(toCaller) : toCaller(holder)
    },
    named: async nameOrId => {
      const key = await findKey(keys, nameOrId)
      return { principal: { kind: 'key', id: key.id }, keyName: key.name }
    },
    keyName: ({ kind, id }) => (kind === 'key' ? known.get(id)?.name : undefined),
    dailyCap: ({ kind, id }) => (kind === 'key' ? (known.get(id)?.maxPerDay ?? undefined) : undefined),
  }
}

function callerFor({ key, user }: Holder, keepsTexts: boolean): KeyCaller {
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
