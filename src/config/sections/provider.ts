import { z } from 'zod'
import type { Unit } from '../../core/index.ts'
import { amount, count, shortName } from './values.ts'

const texts = {
  in: 'Per million prompt tokens, in whole tokens of the escrow.',
  cachedIn: 'Per million prompt tokens that were cached.',
  out: 'Per million tokens of the answer.',
  minimum: 'The least one call costs.',
}

const units = ['tokens', 'images', 'seconds', 'characters'] as const satisfies readonly Unit[]

const ownPrices = z
  .strictObject({
    unit: z
      .enum(units)
      .default('tokens')
      .describe(
        'What is paid: `tokens` (chats, completions, embeddings, moderation, ranking), `images` made, `seconds` of sound heard, or `characters` spoken.',
      ),
    in: amount().optional().describe('Per million tokens of the prompt, seconds or characters.'),
    cachedIn: amount().optional().describe(texts.cachedIn),
    out: amount().optional().describe('Per million tokens of the answer, or images.'),
    minimum: amount().optional().describe(texts.minimum),
  })
  .superRefine((price, context) => {
    for (const [key, message] of unfitting(price)) context.addIssue({ code: 'custom', path: [key], message })
  })

type OwnPrice = { readonly unit: Unit } & { readonly [side in 'in' | 'cachedIn' | 'out']?: string | undefined }

/** The common prices are for tokens: whatever is counted otherwise has a price of its own, or would go for nearly nothing. */
function unfitting({ unit, ...price }: OwnPrice): [key: string, message: string][] {
  if (unit === 'tokens') return []
  const paid = unit === 'images' ? 'out' : 'in'
  const problems: [string, string][] = []
  if (price[paid] === undefined) problems.push([paid, `is missing: ${unit} have no common price`])
  for (const side of ['in', 'cachedIn', 'out'] as const) {
    if (side !== paid && price[side] !== undefined) problems.push([side, `is for tokens: ${unit} are paid by ${paid}`])
  }
  return problems
}

const claim = z.strictObject({
  minimum: amount()
    .default('1')
    .describe(
      'Vouchers are claimed once all together are worth this much, in whole tokens. One whose payer leaves or runs low is claimed at once.',
    ),
  everySeconds: z
    .int()
    .min(0)
    .max(30 * 86_400)
    .default(3_600)
    .describe(
      'How often to look whether a claim is worth it, and at least every minute whether a payer leaves; 0 leaves claiming to `parley provider claim`.',
    ),
})

export const providerSection = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Whether this node sells answers; `parley provide` turns it on.'),
    rail: z
      .enum(['vouchers', 'free'])
      .default('vouchers')
      .describe('How peers pay: with vouchers through the escrow, or not at all.'),
    models: z
      .array(shortName())
      .max(1_000)
      .default([])
      .describe('Names of the models for sale; empty sells every local and upstream model.'),
    prices: z
      .strictObject({
        in: amount().default('0.20').describe(texts.in),
        cachedIn: amount().default('0.05').describe(texts.cachedIn),
        out: amount().default('0.60').describe(texts.out),
        minimum: amount().default('0.00001').describe(texts.minimum),
      })
      .prefault({})
      .describe('The price of every model that has none of its own.'),
    modelPrices: z
      .record(shortName(), ownPrices)
      .default({})
      .describe(
        'Prices by model name; what is left out comes from `provider.prices`. Models that make images or sound, or write sound down, need one with a `unit`, and are not sold without.',
      ),
    windowTokens: z
      .int()
      .min(16)
      .max(65_536)
      .default(256)
      .describe('Tokens delivered before they are paid: the most a provider can lose to one caller.'),
    softCredit: amount()
      .default('1')
      .describe(
        "How much of a payer's free balance is trusted, in whole tokens: what is not reserved can go to others, or be withdrawn.",
      ),
    concurrency: count(10_000).default(8).describe('Calls of one session answered at once.'),
    quoteSeconds: z.int().min(30).max(600).default(300).describe('How long a signed price holds.'),
    claim: claim.prefault({}).describe('When earned money is fetched from the escrow.'),
  })
  .describe('Selling the answers of your own models.')
