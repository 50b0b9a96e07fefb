import { z } from 'zod'
import { declareIn } from './route.ts'

const declare = declareIn('doctor')

const Finding = z
  .object({
    name: z.string(),
    state: z.enum(['ok', 'warning', 'failed']),
    found: z.string(),
    next: z.string().nullable().describe('What to do about it.'),
  })
  .meta({ id: 'Finding' })

export const doctorRoutes = [
  declare(
    'GET /doctor',
    {
      access: 'viewer',
      summary: 'Looks for what is wrong: configuration, wallet, chain, models, disk.',
      answer: z.object({ data: z.array(Finding).readonly() }),
    },
    async ({ signal }, { treasury }) => ({ data: await treasury.doctor.examine(signal) }),
  ),
]
