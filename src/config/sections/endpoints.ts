import { z } from 'zod'
import { routingPolicies } from '../../core/index.ts'
import { count, shortName } from './values.ts'

const targetFields = {
  provider: shortName()
    .optional()
    .describe(
      'Who answers: an upstream, this node’s name, or a provider’s address; whoever serves the model when missing.',
    ),
  weight: z
    .number()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('Its share among targets of its priority; that of the upstream when missing.'),
  priority: count(100).optional().describe('A lower one is asked first; that of the upstream when missing.'),
}

const target = z.strictObject({ ...targetFields, model: shortName().describe('The name the model has there.') })

const rules = {
  policy: z
    .enum(routingPolicies)
    .optional()
    .describe(
      'How targets of one priority are ordered; `routing.policy` when missing, `weighted` where that is `balanced` and their weights differ.',
    ),
  continues: z
    .boolean()
    .optional()
    .describe('Whether an answer that breaks off is continued by another target instead of ending with an error.'),
}

const endpoint = z.strictObject({
  name: shortName().describe('The model name apps use.'),
  active: z.boolean().default(true).describe('Whether it answers.'),
  ...rules,
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

/** The mapping of an API path as it is stored: by the name apps use, which is also the model's where a target names none. */
export const storedMapping = z.record(
  shortName(),
  z.strictObject({
    ...rules,
    targets: z
      .array(z.strictObject({ ...targetFields, model: shortName().optional() }))
      .min(1)
      .max(64),
    aliases: z.array(shortName()).max(100).default([]),
  }),
)
