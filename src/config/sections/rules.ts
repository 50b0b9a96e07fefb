import { z } from 'zod'
import { callNeeds, routingPolicies, tasks } from '../../core/index.ts'
import { shortName } from './values.ts'

const names = () => z.array(z.string().min(1).max(200)).min(1).max(100)
const textBytes = () => z.int().min(0).max(1_000_000_000)

const when = z
  .strictObject({
    models: names().optional().describe('Models asked for; `*` stands for any letters, `?` for one.'),
    keys: names().optional().describe('API keys, by name or id.'),
    tasks: z.array(z.enum(tasks)).min(1).max(tasks.length).optional().describe('What is asked.'),
    minBytes: textBytes().optional().describe('Least size of the text.'),
    maxBytes: textBytes().optional().describe('Largest size of the text.'),
    needs: z
      .array(z.enum(callNeeds))
      .min(1)
      .max(callNeeds.length)
      .optional()
      .describe('What the request uses, all of it.'),
  })
  .refine(({ minBytes = 0, maxBytes = Number.POSITIVE_INFINITY }) => minBytes <= maxBytes, {
    path: ['maxBytes'],
    message: 'is less than minBytes, so that nothing could match',
  })

const use = z
  .strictObject({
    policy: z.enum(routingPolicies).optional().describe('How providers of one priority are ordered.'),
    only: names().optional().describe('Nobody else is asked.'),
    ignore: names().optional().describe('Who is not asked.'),
    model: shortName().optional().describe('The model that answers in place of the one asked for.'),
  })
  .refine(entry => Object.values(entry).some(value => value !== undefined), 'is empty: name what the rule changes')

export const routingRules = () =>
  z
    .array(z.strictObject({ when: when.prefault({}), use }))
    .max(100)
    .default([])
    .describe(
      'What holds for some calls: `when` (`models`, `keys`, `tasks`, `minBytes`, `maxBytes`, `needs`; all that are given must hold) and `use` (`policy`, `only`, `ignore`, `model`). The first that matches applies; see docs/routing.md.',
    )
