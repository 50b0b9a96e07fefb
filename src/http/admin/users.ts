import { z } from 'zod'
import { type Actor, ParleyError, type UserView } from '../../core/index.ts'
import { declareIn } from './route.ts'
import { given, Id, listOf, Name, pageFields, pageOf, RoleName, Time } from './schemas.ts'

const declare = declareIn('users')

export const User = z
  .object({
    id: Id,
    email: z.string(),
    name: z.string(),
    role: RoleName,
    status: z.enum(['active', 'disabled', 'invited']),
    totp: z.boolean().describe('Whether codes of an authenticator app are asked for.'),
    priceMultiplier: z.int().describe('Thousandths: 1000 pays what is listed.'),
    createdAt: Time,
    lastLoginAt: Time.nullable(),
  })
  .meta({ id: 'User' })

const Invited = z
  .object({
    user: User,
    invitation: z.string().nullable().describe('Opens the account to whoever has it, once, within seven days.'),
  })
  .meta({ id: 'Invited' })

/** Length and quality are checked where it is hashed. */
export const Password = z.string().min(1).max(1_000)
export const Email = z.string().trim().min(3).max(254)

const priceMultiplier = z.int().min(0).max(1_000_000)

export function shownUser({ isTotpConfirmed, ...user }: UserView) {
  return { ...user, totp: isTotpConfirmed }
}

export const userRoutes = [
  declare(
    'GET /users',
    {
      access: 'admin',
      summary: 'Lists the users.',
      query: z.strictObject({
        role: RoleName.optional(),
        status: z.enum(['active', 'disabled', 'invited']).optional(),
        ...pageFields,
      }),
      answer: listOf(User),
    },
    async ({ query: { page, limit, ...filter } }, { users }) => {
      const listing = await users.list(given(filter), { page, limit })
      return pageOf({ ...listing, rows: listing.rows.map(shownUser) }, { page, limit })
    },
  ),
  declare(
    'POST /users',
    {
      access: 'admin',
      summary: 'Makes an account with a password, or invites somebody to choose one.',
      body: z.strictObject({ email: Email, name: Name, role: RoleName, password: Password.optional() }),
      answer: Invited,
      status: 201,
    },
    async ({ body }, { users }) => {
      const { user, invitation } = await users.create(body)
      return { user: shownUser(user), invitation }
    },
  ),
  declare(
    'GET /users/:id',
    { access: 'admin', summary: 'Shows a user.', answer: User },
    async ({ params }, { users }) => shownUser(await users.get(params.id!)),
  ),
  declare(
    'PUT /users/:id',
    {
      access: 'admin',
      summary: 'Changes what is given of a user. Who is disabled or gets a new password is logged out.',
      body: z.strictObject({
        name: Name.optional(),
        role: RoleName.optional(),
        status: z.enum(['active', 'disabled']).optional(),
        priceMultiplier: priceMultiplier.optional(),
        password: Password.optional(),
      }),
      answer: User,
    },
    async ({ params, body }, { users }) => shownUser(await users.update(params.id!, body)),
  ),
  declare(
    'POST /users/:id/invite',
    { access: 'admin', summary: 'Makes a new invitation for somebody who has not come yet.', answer: Invited },
    async ({ params }, { users }) => {
      const { user, invitation } = await users.invite(params.id!)
      return { user: shownUser(user), invitation }
    },
  ),
  declare(
    'DELETE /users/:id',
    { access: 'admin', summary: 'Removes a user with all sessions, and revokes the keys.' },
    async ({ params, actor }, { users }) => {
      refuseSelf(actor, params.id!)
      await users.remove(params.id!)
    },
  ),
]

function refuseSelf(actor: Actor | undefined, id: string): void {
  if (actor?.id !== id) return
  throw new ParleyError('conflict', 'this is your own account; ask another admin')
}
