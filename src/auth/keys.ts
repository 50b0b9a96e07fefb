import { hash } from 'node:crypto'
import type { ApiKeyStore, BudgetStore, Clock, KeyRow, NewKey, Random } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { Revisions } from './revisions.ts'

export interface KeysParts {
  readonly keys: Pick<ApiKeyStore, 'get' | 'create' | 'update' | 'revoke'>
  readonly budgets: Pick<BudgetStore, 'list'>
  readonly revisions: Pick<Revisions, 'changed'>
  readonly clock: Clock
  readonly random: Random
}

/** What a key is made of; its secret is made here. */
export type KeyWish = Omit<NewKey, 'id' | 'hash' | 'tail' | 'replacedBy' | 'revokedAt' | 'lastUsedAt'>

export interface NewSecret {
  readonly key: KeyRow
  /** Shown once and kept nowhere. */
  readonly secret: string
}

/** Makes keys and takes them back. Every change is effective here at once, and on other nodes within seconds. */
export interface Keys {
  readonly create: (wish: KeyWish) => Promise<NewSecret>
  /** A key like this one in its place; the old secret works for `graceMs` more. */
  readonly rotate: (id: string, graceMs: number) => Promise<NewSecret>
  readonly revoke: (id: string) => Promise<KeyRow>
}

export const secretPrefix = 'sk-parley-'
const secretBytes = 32
const nameMaxLength = 100
const graceMaxMs = 30 * 86_400_000

export function createKeys(parts: KeysParts): Keys {
  const { keys, revisions, clock } = parts
  return {
    create: async wish => {
      const made = await create(parts, wish)
      revisions.changed()
      return made
    },
    rotate: async (id, graceMs) => {
      const old = await rotatable(parts, id, graceMs)
      const made = await create(parts, { ...(await heirOf(parts, old)) })
      const until = clock.now() + graceMs
      const expiresAt = old.expiresAt === null ? until : Math.min(old.expiresAt, until)
      await keys.update(id, { replacedBy: made.key.id, expiresAt })
      revisions.changed()
      return made
    },
    revoke: async id => {
      const revoked = await keys.revoke(id)
      revisions.changed()
      return revoked
    },
  }
}

async function create({ keys, random, clock }: KeysParts, wish: KeyWish): Promise<NewSecret> {
  const name = wish.name.trim()
  if (name.length === 0 || name.length > nameMaxLength) {
    const message = `a key needs a name of 1 to ${nameMaxLength} characters; this one has ${name.length}`
    throw new ParleyError('invalid_request', message, { param: 'name' })
  }
  if (wish.expiresAt != null && wish.expiresAt <= clock.now()) {
    throw new ParleyError('invalid_request', 'the key would have expired already; give a later time', {
      param: 'expiresAt',
    })
  }
  const secret = secretPrefix + Buffer.from(random.bytes(secretBytes)).toString('base64url')
  const key = await keys.create({ ...wish, name, hash: hash('sha256', secret, 'hex'), tail: secret.slice(-4) })
  return { key, secret }
}

async function rotatable({ keys, clock }: KeysParts, id: string, graceMs: number): Promise<KeyRow> {
  if (!(graceMs >= 0 && graceMs <= graceMaxMs)) {
    throw new ParleyError('invalid_request', `the old key can stay valid for 0 to ${graceMaxMs} ms`, { param: 'grace' })
  }
  const key = await keys.get(id)
  if (key === undefined) throw new ParleyError('not_found', `there is no key ${id}; see the list of keys`)
  const isOver = key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= clock.now())
  if (isOver || key.replacedBy !== null) {
    const message = `the key ${id} is revoked, expired or replaced already; make a new one`
    throw new ParleyError('conflict', message)
  }
  return key
}

/** The same rights and limits. A budget that is for the old key alone goes with them. */
async function heirOf({ budgets }: KeysParts, old: KeyRow): Promise<KeyWish> {
  const { id, hash: _hash, tail: _tail, replacedBy: _by, createdAt: _at, revokedAt: _revoked, ...kept } = old
  const { lastUsedAt: _used, ...wish } = kept
  if (wish.budgetId !== null) return wish
  const own = await budgets.list({ scope: 'key', scopeId: id }, { page: 1, limit: 1 })
  return { ...wish, budgetId: own.rows[0]?.id ?? null }
}
