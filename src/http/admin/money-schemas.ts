import { z } from 'zod'
import { Time, Units } from './schemas.ts'

/** What the routes of money and network have in common. Amounts are smallest units of the escrow's token, as texts. */

export const AddressText = z.string().regex(/^0x[0-9a-fA-F]{40}$/, { error: 'is no address: 0x and 40 hex digits' })
export const HashText = z.string()

export const ChainFacts = z
  .object({
    id: z.string(),
    name: z.string(),
    blockNumber: Units.nullable(),
    readAt: Time.nullable().describe('When the chain was read last.'),
    isStale: z.boolean().describe('Whether that is longer ago than it should be.'),
    error: z.string().nullable(),
  })
  .meta({ id: 'Chain' })

export const TokenFacts = z
  .object({ symbol: z.string(), decimals: z.int(), address: z.string() })
  .meta({ id: 'Token', description: 'What everything is paid in.' })

export const Failure = z.object({ code: z.string(), message: z.string() })
export const Exit = z.object({ readyAt: Time.describe('From then on the money can be taken out.') })

export const WhereIsMyMoney = z
  .object({
    wallet: Units,
    escrow: Units.describe('free + reserved.'),
    free: Units,
    reserved: Units.describe('Kept in the escrow for single providers.'),
    owed: Units.describe('Signed to providers and not claimed by them yet.'),
    refundable: Units.describe('escrow - owed: what a withdrawal brings back.'),
    total: Units.describe('wallet + owed + refundable.'),
    claimed: Units.describe('Paid out to providers ever.'),
    uncovered: Units.describe('Signed for beyond what the escrow holds.'),
  })
  .meta({ id: 'WhereIsMyMoney' })

/** Whole tokens as people write them; how many places they may have the token knows. */
export const WholeTokens = z
  .string()
  .trim()
  .regex(/^\d{1,30}(?:\.\d{1,30})?$/, { error: 'is no amount of whole tokens, like "2.50"' })
  .describe('Whole tokens, like `2.50`.')

export const chainAndToken = { chain: ChainFacts.nullable(), token: TokenFacts.nullable() }
