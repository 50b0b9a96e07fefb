import { z } from 'zod'
import { shortName } from './values.ts'

export const nodeSection = z
  .strictObject({
    name: shortName().default('parley').describe('What this node calls itself in logs and in `owned_by`.'),
  })
  .describe('The process itself.')

export const logSection = z
  .strictObject({
    level: z
      .enum(['silent', 'error', 'warn', 'info', 'debug'])
      .default('info')
      .describe('How much the node says on stderr. Prompts are never logged, at no level.'),
  })
  .describe('What the node says while it runs.')
