import type { Revisions } from '../../auth/index.ts'
import {
  type BudgetDesk,
  ParleyError,
  type RequestDesk,
  type RequestFilter,
  type SessionDesk,
  type SessionRow,
  type SessionView,
  type Store,
} from '../../core/index.ts'
import { clear, knownOr } from './common.ts'

const oneEach = 'there is a budget of this window for it already; change that one'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function createRequestDesk({
  requests,
  archive,
  providers,
}: Pick<Store, 'requests' | 'archive' | 'providers'>): RequestDesk {
  /** Requests are kept under the names that providers had. */
  const named = async <T extends Pick<RequestFilter, 'provider'>>(filter: T): Promise<T> => {
    const { provider } = filter
    if (provider === undefined || !uuid.test(provider)) return filter
    return { ...filter, provider: (await providers.get(provider))?.name ?? provider }
  }
  return {
    list: async (filter, page) => await requests.list(await named(filter), page),
    stats: async query => await requests.stats(await named(query)),
    shares: async (filter, of, limit) => await requests.shares(await named(filter), of, limit),
    get: async (id, withTexts) => {
      const request = knownOr(await requests.get(id), 'request', id)
      return { request, archive: withTexts ? await archive.get(id) : undefined }
    },
  }
}

export function createSessionDesk({ sessions }: Pick<Store, 'sessions'>): SessionDesk {
  const get = async (id: string) => knownOr(await sessions.get(id), 'session', id)
  return {
    list: async (userId, page) => {
      const listing = await sessions.list({ userId }, page)
      return { ...listing, rows: listing.rows.map(sessionView) }
    },
    get: async id => sessionView(await get(id)),
    revoke: async id => void (await sessions.revokeFamily((await get(id)).family)),
    revokeAll: userId => sessions.revokeUser(userId),
  }
}

function sessionView({ refreshHash: _, ...session }: SessionRow): SessionView {
  return session
}

export function createBudgetDesk(
  { budgets, keys, users }: Pick<Store, 'budgets' | 'keys' | 'users'>,
  revisions: Pick<Revisions, 'changed'>,
): BudgetDesk {
  /** Projects are there as soon as a key names them; of keys and users it is known. */
  const refuseNobody = async ({ scope, scopeId }: Parameters<BudgetDesk['create']>[0]) => {
    const people = { key: keys, user: users }
    if (scope !== 'key' && scope !== 'user') return
    if ((await people[scope].get(scopeId)) !== undefined) return
    throw new ParleyError('invalid_request', `scopeId: there is no such ${scope}; list them`, { param: 'scopeId' })
  }
  const told = async <T>(change: Promise<T>): Promise<T> => {
    const result = await change
    revisions.changed()
    return result
  }
  return {
    list: (filter, page) => budgets.list(filter, page),
    get: async id => knownOr(await budgets.get(id), 'budget', id),
    create: async budget => {
      await refuseNobody(budget)
      return await told(clear(budgets.create(budget), 'scopeId', oneEach))
    },
    update: (id, change) => told(budgets.update(id, change)),
    remove: id => told(budgets.remove(id)),
  }
}
