import type { UserRow, UserStore } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { emailOf, nameOf } from './email.ts'
import type { Passwords } from './passwords.ts'
import type { Tokens } from './tokens.ts'

export interface NewAccount {
  readonly email: string
  readonly name: string
  readonly password: string
}

export interface FirstRunParts {
  readonly users: Pick<UserStore, 'list' | 'createFirst'>
  readonly passwords: Passwords
  readonly tokens: Tokens
}

/** The first admin makes his own account: there is no password that everybody knows. */
export interface FirstRun {
  /** To be shown to whoever runs the node, good for an hour; undefined where there is a user already. */
  readonly token: () => Promise<string | undefined>
  /** Works once: `conflict` as soon as there is a user. */
  readonly claim: (token: string, account: NewAccount) => Promise<UserRow>
}

const lifeMs = 3_600_000

export function createFirstRun({ users, passwords, tokens }: FirstRunParts): FirstRun {
  const isOpen = async () => (await users.list({}, { page: 1, limit: 1 })).total === 0
  return {
    token: async () =>
      (await isOpen()) ? await tokens.sign('setup', { subject: '', session: '' }, lifeMs) : undefined,
    claim: async (token, account) => {
      await tokens.verify('setup', token)
      const [email, name] = [emailOf(account.email), nameOf(account.name)]
      if (!(await isOpen())) throw taken()
      const passwordHash = await passwords.hash(account.password)
      const user = await users.createFirst({ email, name, role: 'admin', passwordHash, status: 'active' })
      if (user === undefined) throw taken()
      return user
    },
  }
}

function taken(): ParleyError {
  return new ParleyError('conflict', 'this node has an admin already; log in, or ask for an invitation')
}
