import { z } from 'zod'
import { budgetWindows } from '../../core/index.ts'
import { count, dollars, shortName } from './values.ts'

const domain = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'is a domain in lower case, like "example.com"')

const signUp = z.strictObject({
  enabled: z.boolean().default(false).describe('Whether people may make accounts by themselves.'),
  domains: z.array(domain).max(1_000).default([]).describe('Domains their addresses may have; empty for all.'),
  budget: dollars().optional().describe('Dollars each of them may spend in a window; no bound when missing.'),
  window: z.enum(budgetWindows).default('month').describe('The window of that budget.'),
  priceMultiplier: z
    .number()
    .min(0)
    .max(1_000)
    .default(1)
    .describe('What their calls cost them, of what they cost the node: 1.2 is a fifth more.'),
  rpm: count(10_000_000).default(60).describe('Requests per minute of their keys.'),
  tpm: count(1_000_000_000).optional().describe('Tokens per minute of their keys.'),
  parallel: count(100_000).default(8).describe('Calls at once of their keys.'),
  models: z.array(shortName()).max(1_000).default([]).describe('Models they may use; empty for all.'),
})

export const managementSection = z
  .strictObject({
    allowPrivateUpstreams: z
      .boolean()
      .default(false)
      .describe(
        'Whether providers set up by the API may be on this machine or in its own network; those of the file always may.',
      ),
    signUp: signUp.prefault({}).describe('Accounts that people make by themselves.'),
  })
  .describe('The API below `/api`, by which people manage the node; see docs/admin-api.md.')
