import type { Invitations, Passwords, Revisions, Sessions } from '../../auth/index.ts'
import {
  ParleyError,
  type Store,
  type UserDesk,
  type UserRow,
  type UserUpdate,
  type UserView,
} from '../../core/index.ts'
import { clear, defined, inTurn, knownOr } from './common.ts'

export interface UserParts {
  readonly store: Pick<Store, 'users'>
  readonly invitations: Invitations
  readonly passwords: Passwords
  readonly sessions: Pick<Sessions, 'closeAll'>
  readonly revisions: Pick<Revisions, 'changed'>
}

const taken = 'somebody has an account with this address already; change that one'

export function createUserDesk(parts: UserParts): UserDesk {
  const { store, invitations, passwords, sessions, revisions } = parts
  const turn = inTurn()
  return {
    list: async (filter, page) => {
      const listing = await store.users.list(filter, page)
      return { ...listing, rows: listing.rows.map(userView) }
    },
    get: async id => userView(knownOr(await store.users.get(id), 'user', id)),
    create: async ({ email, name, role, password }) => {
      const { user, token } = await clear(invitations.invite({ email, name, role }), 'email', taken)
      if (password === undefined) return { user: userView(user), invitation: token }
      return { user: userView(await accepted(parts, user, token, password)), invitation: null }
    },
    invite: async id => {
      const { user, token } = await invitations.renew(id)
      return { user: userView(user), invitation: token }
    },
    update: (id, { password, ...update }) =>
      turn(async () => {
        const old = knownOr(await store.users.get(id), 'user', id)
        if (takesAdmin(old, update)) await refuseLast(parts, id)
        const passwordHash = password === undefined ? undefined : await passwords.hash(password)
        const user = await store.users.update(id, defined({ ...update, passwordHash }))
        if (password !== undefined || update.status === 'disabled') await sessions.closeAll(id)
        revisions.changed()
        return userView(user)
      }),
    remove: id =>
      turn(async () => {
        const old = knownOr(await store.users.get(id), 'user', id)
        if (isAdmin(old)) await refuseLast(parts, id)
        await store.users.remove(id)
        revisions.changed()
      }),
  }
}

/** An account whose password is refused is not left behind. */
async function accepted({ store, invitations }: UserParts, user: UserRow, token: string, password: string) {
  try {
    return await invitations.accept(token, password)
  } catch (cause) {
    await store.users.remove(user.id)
    throw cause
  }
}

function isAdmin({ role, status }: UserRow): boolean {
  return role === 'admin' && status === 'active'
}

function takesAdmin(old: UserRow, { role = 'admin', status = 'active' }: UserUpdate): boolean {
  return isAdmin(old) && (role !== 'admin' || status !== 'active')
}

async function refuseLast({ store }: UserParts, id: string): Promise<void> {
  const admins = await store.users.list({ role: 'admin', status: 'active' }, { page: 1, limit: 2 })
  if (admins.rows.some(other => other.id !== id)) return
  throw new ParleyError('conflict', 'this is the last active admin; make another one first')
}

export function userView({ passwordHash: _hash, totpSecret: _secret, ...user }: UserRow): UserView {
  return user
}
