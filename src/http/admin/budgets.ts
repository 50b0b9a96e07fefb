import { z } from 'zod'
import { type BudgetRow, budgetWindows, ParleyError } from '../../core/index.ts'
import { declareIn } from './route.ts'
import { Dollars, DollarsIn, given, Id, listOf, pageFields, pageOf, Time } from './schemas.ts'

const declare = declareIn('budgets')

const scope = z.enum(['key', 'project', 'user', 'node'])

const Budget = z
  .object({
    id: Id,
    scope,
    scopeId: z.string().describe('The key, project or user; empty for the node.'),
    amount: Dollars,
    spent: Dollars.describe('In the window that is running.'),
    window: z.enum(budgetWindows),
    windowStart: Time,
    hard: z.boolean().describe('Whether calls are refused once it is spent.'),
    createdAt: Time,
  })
  .meta({ id: 'Budget' })

function shown({ isHard, ...row }: BudgetRow) {
  return { ...row, hard: isHard }
}

const scopeId = z.string().max(200)

export const budgetRoutes = [
  declare(
    'GET /budgets',
    {
      access: 'viewer',
      summary: 'Lists the budgets.',
      query: z.strictObject({ scope: scope.optional(), scopeId: scopeId.optional(), ...pageFields }),
      answer: listOf(Budget),
    },
    async ({ query: { page, limit, ...filter } }, { budgets }) => {
      const listing = await budgets.list(given(filter), { page, limit })
      return pageOf({ ...listing, rows: listing.rows.map(shown) }, { page, limit })
    },
  ),
  declare(
    'POST /budgets',
    {
      access: 'operator',
      summary: 'Sets a budget. One thing has one of each window.',
      body: z.strictObject({
        scope,
        scopeId: scopeId.default(''),
        amount: DollarsIn,
        window: z.enum(budgetWindows),
        hard: z.boolean().default(true),
      }),
      answer: Budget,
      status: 201,
    },
    async ({ body: { hard, ...budget } }, { budgets }) => {
      if ((budget.scope === 'node') !== (budget.scopeId === '')) {
        const message = 'scopeId names the key, project or user, and is empty for the node'
        throw new ParleyError('invalid_request', message, { param: 'scopeId' })
      }
      return shown(await budgets.create({ ...budget, isHard: hard }))
    },
  ),
  declare(
    'GET /budgets/:id',
    { access: 'viewer', summary: 'Shows a budget.', answer: Budget },
    async ({ params }, { budgets }) => shown(await budgets.get(params.id!)),
  ),
  declare(
    'PUT /budgets/:id',
    {
      access: 'operator',
      summary: 'Changes what is given of a budget.',
      body: z.strictObject({ amount: DollarsIn.optional(), hard: z.boolean().optional() }),
      answer: Budget,
    },
    async ({ params, body: { amount, hard } }, { budgets }) =>
      shown(await budgets.update(params.id!, given({ amount, isHard: hard }))),
  ),
  declare(
    'DELETE /budgets/:id',
    { access: 'operator', summary: 'Removes a budget.' },
    async ({ params }, { budgets }) => await budgets.remove(params.id!),
  ),
]
