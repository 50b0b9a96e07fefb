import { z } from 'zod'
import { declareIn } from './route.ts'

const declare = declareIn('models')

const Price = z.string().nullable().describe('Per million units, in `currency`.')
const Count = z.number().nullable()

const Offer = z
  .object({
    provider: z.string(),
    kind: z.enum(['local', 'peer', 'api']),
    privacy: z
      .enum(['local', 'peer', 'upstream'])
      .describe('Who reads the prompt: this machine alone, a peer to whom it goes encrypted, a service.'),
    state: z.enum(['up', 'resting', 'down']).describe('`resting`: it failed lately and is asked last.'),
    running: z.int().describe('Calls of this node it works on.'),
    priceIn: Price,
    priceOut: Price,
    currency: z.string().nullable().describe('`USD`, or the symbol of the escrow’s token.'),
    unit: z.string().describe('What is paid for: `tokens`, `images`, `seconds`, `characters`.'),
    ttftP50Ms: Count.describe('To the first chunk, of the newest answers of this provider.'),
    ttftP95Ms: Count,
    tokensPerSecond: Count,
    uptime: Count.describe('The share of this node’s requests to it that it answered, since the node started: 0 to 1.'),
    contextLength: Count,
  })
  .meta({ id: 'ModelOffer' })

const OfferedModel = z
  .object({
    id: z.string(),
    contextLength: Count,
    maxOutputTokens: Count,
    capabilities: z.array(z.string()).readonly().nullable(),
    pricing: z
      .object({ prompt: z.string(), completion: z.string(), currency: z.string() })
      .nullable()
      .describe('As `/v1/models` lists it, in the smallest unit of the token.'),
    offers: z.array(Offer).readonly(),
  })
  .meta({ id: 'OfferedModel' })

export const modelsPath = '/models'

export const modelRoutes = [
  declare(
    `GET ${modelsPath}`,
    {
      access: 'user',
      takesKeys: true,
      summary: 'Lists the models the caller may ask for, who would answer, at what price and how fast.',
      answer: z.object({ data: z.array(OfferedModel).readonly() }),
    },
    async ({ exchange: { principal }, signal }, { models }) => ({ data: await models.list(principal, signal) }),
  ),
]
