import type { Role, UserRow, UserStore } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { emailOf, nameOf } from './email.ts'
import type { Passwords } from './passwords.ts'
import type { Tokens } from './tokens.ts'

export interface InvitationsParts {
  readonly users: Pick<UserStore, 'create' | 'get' | 'update'>
  readonly passwords: Passwords
  readonly tokens: Tokens
}

export interface Invitation {
  readonly user: UserRow
  /** For the invited one alone; good for seven days and until it was used. */
  readonly token: string
}

export interface Guest {
  readonly email: string
  readonly name: string
  readonly role: Role
}

export interface Invitations {
  readonly invite: (guest: Guest) => Promise<Invitation>
  /** A new token for somebody who has not come yet. */
  readonly renew: (userId: string) => Promise<Invitation>
  readonly accept: (token: string, password: string) => Promise<UserRow>
}

const lifeMs = 7 * 86_400_000

export function createInvitations({ users, passwords, tokens }: InvitationsParts): Invitations {
  const invitationOf = async (user: UserRow): Promise<Invitation> => {
    return { user, token: await tokens.sign('invitation', { subject: user.id, session: '' }, lifeMs) }
  }
  const invited = async (userId: string): Promise<UserRow> => {
    const user = await users.get(userId)
    if (isInvited(user)) return user
    throw new ParleyError('conflict', 'this invitation was accepted or taken back; log in, or ask for another')
  }
  return {
    invite: async ({ email, name, role }) => {
      const guest = { email: emailOf(email), name: nameOf(name), role, status: 'invited' as const }
      return await invitationOf(await users.create(guest))
    },
    renew: async userId => await invitationOf(await invited(userId)),
    accept: async (token, password) => {
      const { subject } = await tokens.verify('invitation', token)
      const user = await invited(subject)
      const passwordHash = await passwords.hash(password)
      return await users.update(user.id, { passwordHash, status: 'active' })
    },
  }
}

/** One who signed up and has not confirmed it has a password already. */
function isInvited(user: UserRow | undefined): user is UserRow {
  return user?.status === 'invited' && user.passwordHash === null
}
