import type { Keys, Revisions } from '../../auth/index.ts'
import { type KeyDesk, type KeyRow, type KeyUpdate, type KeyView, ParleyError, type Store } from '../../core/index.ts'
import { toRedaction } from '../redaction.ts'
import { defined, knownOr } from './common.ts'

export interface KeyParts {
  readonly store: Pick<Store, 'keys' | 'users' | 'budgets'>
  readonly keys: Keys
  readonly revisions: Pick<Revisions, 'changed'>
}

export function createKeyDesk(parts: KeyParts): KeyDesk {
  const { store, keys, revisions } = parts
  return {
    list: async (filter, page) => {
      const listing = await store.keys.list(filter, page)
      return { ...listing, rows: listing.rows.map(keyView) }
    },
    get: async id => keyView(knownOr(await store.keys.get(id), 'key', id)),
    create: async wish => {
      await check(parts, wish)
      const { key, secret } = await keys.create(wish)
      return { key: keyView(key), secret }
    },
    update: async (id, update) => {
      await check(parts, update)
      const row = await store.keys.update(id, defined(update))
      revisions.changed()
      return keyView(row)
    },
    rotate: async (id, graceMs) => {
      const { key, secret } = await keys.rotate(id, graceMs)
      return { key: keyView(key), secret }
    },
    revoke: async id => keyView(await keys.revoke(id)),
  }
}

/** A key of nobody, or with a budget that is not there, would have other limits than meant; of odd words nobody knows what to take out. */
async function check({ store }: KeyParts, { userId, budgetId, redact }: KeyUpdate): Promise<void> {
  if (redact != null) toRedaction(redact)
  if (userId != null && (await store.users.get(userId)) === undefined) throw absent('userId', 'user')
  if (budgetId != null && (await store.budgets.get(budgetId)) === undefined) throw absent('budgetId', 'budget')
}

function absent(param: string, what: string): ParleyError {
  return new ParleyError('invalid_request', `${param}: there is no such ${what}; list them`, { param })
}

export function keyView({ hash: _, ...key }: KeyRow): KeyView {
  return key
}
