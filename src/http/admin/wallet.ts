import { z } from 'zod'
import { chainAndToken, Exit, HashText } from './money-schemas.ts'
import { declareIn } from './route.ts'
import { Units } from './schemas.ts'

const declare = declareIn('wallet')

const Balances = z.object({
  wallet: Units,
  gas: Units.describe("For transactions: smallest units of the chain's own coin."),
  escrow: Units.describe('Free in the escrow.'),
  reserved: Units.describe('In the escrow for single providers.'),
})

const Caps = z.object({
  perRequest: Units,
  perHour: Units,
  perDay: Units,
  spentToday: Units.describe('In the last 24 hours.'),
})

const state = z.enum(['none', 'locked', 'open'])

const Wallet = z
  .object({
    state,
    name: z.string().nullable().describe('Null where a private key of the configuration is used.'),
    address: z.string().nullable(),
    ...chainAndToken,
    balances: Balances.nullable(),
    exit: Exit.nullable(),
    caps: Caps.nullable(),
    faucet: z.boolean().describe('Whether this chain gives tokens away.'),
    others: z.array(z.object({ name: z.string(), address: z.string().nullable() })).readonly(),
  })
  .meta({ id: 'Wallet' })

const WalletMove = z.object({ transaction: HashText, state, balances: Balances.nullable() }).meta({ id: 'WalletMove' })

const passwordMaxLength = 1_024
const keystoreMaxLength = 65_536
const password = z.string().min(1).max(passwordMaxLength)
const newPassword = z
  .string()
  .min(8)
  .max(passwordMaxLength)
  .describe('Without it and the file the money is lost: nobody can give it back.')

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    error: 'is no name of a wallet: letters, digits, dot, dash, underscore',
  })
  .optional()
  .describe('The configured wallet when missing; one of another name is made and not used.')

const NewWallet = z.strictObject({ name, password: newPassword })

const Import = z
  .strictObject({
    name,
    password: newPassword,
    privateKey: z
      .string()
      .trim()
      .regex(/^(?:0x)?[0-9a-fA-F]{64}$/, { error: 'is no private key: 64 hex digits' })
      .optional(),
    keystore: z.string().min(2).max(keystoreMaxLength).optional().describe('The text of a keystore file.'),
    keystorePassword: z.string().max(passwordMaxLength).default('').describe('What the keystore file has now.'),
  })
  .refine(({ privateKey, keystore }) => (privateKey === undefined) !== (keystore === undefined), {
    error: 'has neither privateKey nor keystore, or both; send one of them',
  })

export const walletRoutes = [
  declare(
    'GET /wallet',
    { access: 'viewer', summary: 'The account that pays and is paid, and what it holds.', answer: Wallet },
    async ({ signal }, { treasury }) => await treasury.wallet.get(signal),
  ),
  declare(
    'POST /wallet',
    {
      access: 'admin',
      summary: 'Makes a wallet; the node uses it at once.',
      body: NewWallet,
      answer: Wallet,
      status: 201,
    },
    async ({ body }, { treasury }) => await treasury.wallet.create(body.name, body.password),
  ),
  declare(
    'POST /wallet/import',
    {
      access: 'admin',
      summary: 'Takes in an account by its private key or keystore file.',
      body: Import,
      answer: Wallet,
      status: 201,
    },
    async ({ body }, { treasury }) => {
      const { keystore, keystorePassword, privateKey = '' } = body
      const source = keystore === undefined ? { privateKey } : { keystore, keystorePassword }
      return await treasury.wallet.import(body.name, source, body.password)
    },
  ),
  declare(
    'POST /wallet/unlock',
    {
      access: 'admin',
      summary: 'Opens the wallet until the node stops.',
      body: z.strictObject({ password }),
      answer: Wallet,
    },
    async ({ body }, { treasury }) => await treasury.wallet.unlock(body.password),
  ),
  declare(
    'POST /wallet/faucet',
    {
      access: 'admin',
      summary: 'Takes tokens of a test network, and gas of a development chain.',
      body: z.strictObject({}),
      answer: WalletMove,
    },
    async (_, { treasury }) => await treasury.wallet.faucet(),
  ),
]
