import { z } from 'zod'
import { shortName } from './values.ts'

export const nodeSection = z
  .strictObject({
    name: shortName().default('parley').describe('What this node calls itself in logs and in `owned_by`.'),
  })
  .describe('The process itself.')
