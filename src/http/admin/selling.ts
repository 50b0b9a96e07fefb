import { z } from 'zod'
import { earningGroups } from '../../core/index.ts'
import { chainAndToken, HashText, WholeTokens } from './money-schemas.ts'
import { declareIn } from './route.ts'
import { rangeFields, Time, Units } from './schemas.ts'

const declare = declareIn('selling')

const price = { priceIn: Units, priceOut: Units, contextTokens: z.int() }

const Offer = z.object({
  modelId: z.string(),
  model: z.string().nullable().describe('Null for one that is only in the registry.'),
  unit: z.string(),
  ...price,
  registry: z.object(price).nullable(),
  isListed: z.boolean().describe('Whether the registry says the same.'),
})

const Payer = z.object({
  payer: z.string(),
  epoch: Units,
  authorized: Units,
  charged: Units,
  claimed: Units,
  owed: Units.describe('authorized - claimed.'),
})

const Selling = z
  .object({
    ...chainAndToken,
    enabled: z.boolean().describe('Whether this node sells: `provider.enabled`.'),
    registered: z
      .object({
        stake: Units,
        exitAt: Time.nullable(),
        endpoint: z.string(),
        payout: z.string(),
        signer: z.string(),
      })
      .nullable(),
    terms: z.object({ minStake: Units, unbondingSeconds: z.number() }).nullable().describe('Of the registry.'),
    offers: z.array(Offer).readonly().describe('Prices per million units, in the smallest unit of the token.'),
    payers: z.array(Payer).readonly(),
    totals: z.object({ earned: Units, claimed: Units, owed: Units }),
    gasEstimate: Units.nullable().describe("What a claim would take, in smallest units of the chain's own coin."),
  })
  .meta({ id: 'Selling' })

const SellingMove = z
  .object({
    transaction: HashText.nullable().describe('Null where nothing was to be sent.'),
    state: z.enum(['unregistered', 'active', 'leaving']),
    stake: Units,
    readyAt: Time.nullable().describe('From then on the stake can be taken out.'),
  })
  .meta({ id: 'SellingMove' })

const ClaimMove = z
  .object({
    transaction: HashText.nullable(),
    transactions: z.array(HashText).readonly(),
    paid: Units,
    rows: z
      .array(z.object({ payer: z.string(), cumulative: Units, paid: Units, reason: z.string().nullable() }))
      .readonly(),
    failure: z.string().nullable().describe('Why some were not sent.'),
  })
  .meta({ id: 'ClaimMove' })

const Earnings = z
  .object({
    groupBy: z.enum(earningGroups),
    data: z
      .array(z.object({ start: Time.nullable(), payer: z.string().nullable(), earned: Units, calls: z.int() }))
      .readonly(),
    total: z.object({ earned: Units, calls: z.int() }),
  })
  .meta({ id: 'Earnings' })

const nothing = z.strictObject({})
const defaultRangeMs = 30 * 86_400_000

export const sellingRoutes = [
  declare(
    'GET /selling',
    {
      access: 'viewer',
      summary: 'What this node sells, where it stands in the registry, and who owes it.',
      answer: Selling,
    },
    async ({ signal }, { treasury }) => await treasury.selling.get(signal),
  ),
  declare(
    'GET /selling/earnings',
    {
      access: 'viewer',
      summary: 'What was earned, by hour, day or payer; the last 30 days unless told otherwise.',
      query: z.strictObject({ groupBy: z.enum(earningGroups).default('day'), ...rangeFields }),
      answer: Earnings,
    },
    async ({ query: { groupBy, to = Date.now() + 1, from = to - defaultRangeMs } }, { treasury }) => {
      const data = treasury.selling.earnings({ groupBy, from: Math.max(0, from), to })
      const earned = data.reduce((sum, row) => sum + row.earned, 0n)
      return { groupBy, data, total: { earned, calls: data.reduce((sum, row) => sum + row.calls, 0) } }
    },
  ),
  declare(
    'POST /selling/register',
    {
      access: 'admin',
      summary: 'Enters the registry with a stake.',
      body: z.strictObject({
        stake: WholeTokens.optional().describe('Whole tokens; the least the registry asks when missing.'),
        endpoint: z
          .string()
          .trim()
          .min(1)
          .max(255)
          .optional()
          .describe('The multiaddr by which peers reach this node; the first of `p2p.announce` when missing.'),
      }),
      answer: SellingMove,
    },
    async ({ body }, { treasury }) => await treasury.selling.register(body),
  ),
  declare(
    'POST /selling/stake',
    {
      access: 'admin',
      summary: 'Adds to the stake.',
      body: z.strictObject({ amount: WholeTokens }),
      answer: SellingMove,
    },
    async ({ body }, { treasury }) => await treasury.selling.stake(body.amount),
  ),
  declare(
    'POST /selling/offers',
    { access: 'admin', summary: 'Makes the registry say what is sold now.', body: nothing, answer: SellingMove },
    async (_, { treasury }) => await treasury.selling.offers(),
  ),
  declare(
    'POST /selling/exit',
    {
      access: 'admin',
      summary: 'Asks to leave the registry; after the unbonding time it takes the stake home.',
      body: nothing,
      answer: SellingMove,
    },
    async (_, { treasury }) => await treasury.selling.exit(),
  ),
  declare(
    'POST /selling/claim',
    {
      access: 'admin',
      summary: 'Turns the newest voucher of every payer into money.',
      body: nothing,
      answer: ClaimMove,
    },
    async (_, { treasury }) => await treasury.selling.claim(),
  ),
]
