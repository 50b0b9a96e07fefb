import { z } from 'zod'
import { AddressText, chainAndToken, Failure } from './money-schemas.ts'
import { declareIn } from './route.ts'
import { Time, Units } from './schemas.ts'

const declare = declareIn('network')

const Row = z.object({
  provider: z.string(),
  peerId: z.string(),
  endpoint: z.string(),
  stake: Units,
  exitAt: Time.nullable().describe('From then on its stake is free; null while it stays.'),
  offers: z.int().describe('How many list prices it has in the registry.'),
  models: z
    .array(
      z.object({
        id: z.string(),
        pricing: z.object({ prompt: z.string(), completion: z.string(), unit: z.string() }).nullable(),
      }),
    )
    .readonly()
    .describe('By its signed prices; per million units, in the smallest unit of the token.'),
  state: z
    .enum(['up', 'failing', 'unknown', 'leaving', 'unwanted', 'self'])
    .describe('`unknown` was not asked yet; `unwanted` is not bought from.'),
  error: Failure.nullable(),
  learnedAt: Time.nullable(),
  self: z.boolean(),
})

const Network = z
  .object({
    ...chainAndToken,
    rpc: z
      .array(
        z.object({
          host: z.string(),
          blockNumber: Units.nullable(),
          ms: z.number(),
          error: z.string().nullable(),
        }),
      )
      .readonly()
      .describe('Each RPC endpoint, asked by itself.'),
    peer: z
      .object({ peerId: z.string(), addresses: z.array(z.string()).readonly(), connected: z.int() })
      .nullable()
      .describe('This node among peers; null while its network is not up.'),
    total: z.int().describe('How many there are in the registry.'),
    providers: z.array(Row).readonly().describe('Those with the most at stake first; at most 1,000.'),
  })
  .meta({ id: 'Network' })

const Reach = z.object({ ok: z.boolean(), ms: z.number(), error: Failure.nullable() }).meta({ id: 'Reach' })

export const networkRoutes = [
  declare(
    'GET /network',
    { access: 'viewer', summary: 'The chain, its registry of providers, and this node among peers.', answer: Network },
    async ({ signal }, { treasury }) => await treasury.network.get(signal),
  ),
  declare(
    'POST /network/:provider/reach',
    {
      access: 'operator',
      summary: 'Dials a provider now.',
      params: { provider: AddressText },
      body: z.strictObject({}),
      answer: Reach,
      isTold: false,
    },
    async ({ params, signal }, { treasury }) => await treasury.network.reach(params.provider!, signal),
  ),
]
