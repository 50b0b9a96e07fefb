import { z } from 'zod'
import { address, amount, count, httpUrl, shortName } from './values.ts'

export const chainSection = z
  .strictObject({
    id: z
      .int()
      .min(1)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Chain id; an RPC endpoint of another chain is refused.'),
    rpcUrls: z
      .array(httpUrl())
      .max(16)
      .default([])
      .describe('JSON-RPC endpoints, tried in order. Without one the node serves only its own models and upstreams.'),
    deployment: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Deployment record (`deployments/<chain id>.json`) to take `id`, `registry`, `escrow` and `token` from where they are not set.',
      ),
    registry: address().optional().describe('Address of the ProviderRegistry contract.'),
    escrow: address().optional().describe('Address of the Escrow contract.'),
    token: address().optional().describe('Address of the ERC-20 the escrow holds; read from the escrow when missing.'),
    confirmations: z.int().min(0).max(1_000).default(1).describe('Blocks to wait for after a transaction.'),
    refreshSeconds: count(86_400).default(4).describe('How often the chain is asked what changed in the registry.'),
  })
  .describe('The chain with the registry of providers and the escrow that pays them.')

export const walletSection = z
  .strictObject({
    name: shortName().default('default').describe('The wallet to use, by its file name in the wallets directory.'),
    password: z.string().min(1).optional().describe('Password of the wallet.').meta({ secret: true }),
    passwordFile: z.string().min(1).optional().describe('File that holds the password of the wallet.'),
    privateKey: z
      .string()
      .regex(/^0x[0-9a-fA-F]{64}$/, 'is a private key: 0x and 64 hexadecimal digits')
      .optional()
      .describe('Private key to use instead of a wallet file, for machines without a disk that lasts.')
      .meta({ secret: true }),
    privateKeyFile: z.string().min(1).optional().describe('File that holds such a private key.'),
  })
  .describe('The account that pays and is paid.')

export const spendingSection = z
  .strictObject({
    perRequest: amount().default('0.10').describe('The most one call may cost, in whole tokens.'),
    perHour: amount().default('1').describe('The most all calls of an hour may cost, in whole tokens.'),
    perDay: amount().default('5').describe('The most all calls of a day may cost, in whole tokens.'),
  })
  .describe('Caps on what this node spends. A call that would pass one is refused before any money moves.')
