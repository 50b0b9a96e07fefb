import { z } from 'zod'
import { routingPolicies } from '../../core/index.ts'
import { count, shortName } from './values.ts'

const target = z.strictObject({
  provider: shortName()
    .optional()
    .describe(
      'Who answers: an upstream, this node’s name, or a provider’s address; whoever serves the model when missing.',
    ),
  model: shortName().describe('The name the model has there.'),
  weight: z.number().min(0).max(1_000_000).default(1).describe('Its share among targets of its priority.'),
  priority: count(100).default(1).describe('A lower one is asked first.'),
})

const endpoint = z.strictObject({
  name: shortName().describe('The model name apps use.'),
  active: z.boolean().default(true).describe('Whether it answers.'),
  policy: z
    .enum(routingPolicies)
    .optional()
    .describe('How targets of one priority are ordered; `routing.policy` when missing.'),
  continues: z
    .boolean()
    .optional()
    .describe('Whether an answer that breaks off is continued by another target instead of ending with an error.'),
  targets: z.array(target).min(1).max(64).describe('Who answers, and under which name.'),
})

export const endpointsSection = z
  .array(endpoint)
  .max(1_000)
  .refine(list => new Set(list.map(({ name }) => name)).size === list.length, 'has two entries of the same name')
  .default([])
  .describe(
    'Model names of your own: `name`, `targets` (`provider`, `model`, `weight`, `priority`), and optionally `policy`, `continues`, `active`.',
  )
