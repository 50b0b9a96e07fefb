import { z } from 'zod'

export const uiSection = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether the endpoint for your apps also serves the page of the node.'),
  })
  .describe('The page of the node, for browsers.')
