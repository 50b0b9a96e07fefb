import type { Clock, KeyRow, UserRow, UserStore } from '../core/index.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Holder, KeyRing } from './key-ring.ts'
import type { Revisions } from './revisions.ts'

export interface PeopleParts {
  readonly users: Pick<UserStore, 'get'>
  readonly revisions: Pick<Revisions, 'current'>
  readonly clock: Clock
}

const peopleMax = 100_000
/** However quiet the store: who was looked up once is looked up again. */
const freshMs = 300_000

interface Known {
  readonly holder: Holder | undefined
  readonly revision: number
  readonly readAt: number
}

/** A ring that also knows people who call as themselves: they have their budgets and their price, and the limits of no key. */
export function withPeople(ring: KeyRing, { users, revisions, clock }: PeopleParts): KeyRing {
  const known = new BoundedMap<string, Known>(peopleMax)
  const personOf = async (userId: string): Promise<Holder | undefined> => {
    const [revision, readAt] = [revisions.current(), clock.monotonic()]
    const found = known.get(userId)
    if (found?.revision === revision && readAt - found.readAt < freshMs) return found.holder
    const user = await users.get(userId)
    const holder = user?.status === 'active' ? { key: keyless(user), user } : undefined
    known.set(userId, { holder, revision, readAt })
    return holder
  }
  return {
    ...ring,
    holderOf: async principal => (principal.kind === 'user' ? await personOf(principal.id) : ring.holderOf(principal)),
  }
}

/** Stands where a key would; it opens nothing, as no text has this hash. */
function keyless({ id, name }: UserRow): KeyRow {
  return { ...unlimitedKey, id, name, userId: id }
}

/** A key without limits of its own that is kept in no store. */
export const unlimitedKey: KeyRow = {
  ...{ id: '', hash: '', name: '', tail: '', project: null, userId: null },
  ...{ models: null, rpm: null, tpm: null, parallel: null, maxPrice: null, maxPerDay: null, budgetId: null },
  ...{ preset: null, archive: 'default', redact: null, cache: 'default' },
  ...{ expiresAt: null, replacedBy: null, createdAt: 0, revokedAt: null, lastUsedAt: null },
}
