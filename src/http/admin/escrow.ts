import { z } from 'zod'
import { chainAndToken, Exit, HashText, WhereIsMyMoney, WholeTokens } from './money-schemas.ts'
import { declareIn } from './route.ts'
import { Time, Units } from './schemas.ts'

const declare = declareIn('escrow')

const state = z
  .enum(['closed', 'open', 'exiting', 'withdrawable'])
  .describe('`exiting` until the delay is over, then `withdrawable`.')

const Row = z.object({
  provider: z.string(),
  peerId: z.string().nullable(),
  epoch: Units,
  authorized: Units.describe('Signed, as a running total.'),
  charged: Units.describe('Of it used, by receipts.'),
  claimed: Units.describe('Of it paid out by the chain.'),
  reserved: Units,
  models: z.array(z.string()).readonly().describe('What the provider sells now.'),
  lastReceiptAt: Time.nullable(),
})

const Escrow = z
  .object({
    ...chainAndToken,
    state: state.nullable(),
    epoch: Units.nullable(),
    isOurs: z.boolean().nullable().describe('Whether this node has the key by which the account pays.'),
    exit: Exit.nullable(),
    exitDelaySeconds: z.number().nullable().describe('Between the request to close the account and the withdrawal.'),
    providers: z.array(Row).readonly(),
    whereIsMyMoney: WhereIsMyMoney.nullable(),
  })
  .meta({ id: 'Escrow' })

const EscrowMove = z
  .object({
    transaction: HashText,
    state,
    readyAt: Time.nullable(),
    whereIsMyMoney: WhereIsMyMoney.nullable(),
  })
  .meta({ id: 'EscrowMove' })

export const escrowRoutes = [
  declare(
    'GET /escrow',
    {
      access: 'viewer',
      summary: 'The account calls are paid from, what was signed to whom, and where the money is.',
      answer: Escrow,
    },
    async ({ signal }, { treasury }) => await treasury.escrow.get(signal),
  ),
  declare(
    'POST /escrow/deposit',
    {
      access: 'admin',
      summary: 'Moves tokens of the wallet into the escrow.',
      body: z.strictObject({ amount: WholeTokens }),
      answer: EscrowMove,
    },
    async ({ body }, { treasury }) => await treasury.escrow.deposit(body.amount),
  ),
  declare(
    'POST /escrow/exit',
    {
      access: 'admin',
      summary: 'Begins to close the account: providers can claim what is owed until the delay is over.',
      body: z.strictObject({}),
      answer: EscrowMove,
    },
    async (_, { treasury }) => await treasury.escrow.exit(),
  ),
  declare(
    'POST /escrow/withdraw',
    {
      access: 'admin',
      summary: 'After an exit and its delay: takes home what is left.',
      body: z.strictObject({}),
      answer: EscrowMove,
    },
    async (_, { treasury }) => await treasury.escrow.withdraw(),
  ),
]
