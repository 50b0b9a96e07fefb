import type { Chain, TokenDescription, TokenReader } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import { ParleyError } from '../core/index.ts'
import type { CommandContext } from './context.ts'

/** The configured chain and the token everything is paid in. */
export interface ChainAccess {
  readonly chain: Chain
  readonly token: TokenReader
  readonly description: TokenDescription
  /** Whole tokens as people write them, into the smallest unit. */
  readonly parse: (text: string) => bigint
  readonly format: (amount: bigint) => string
}

export async function openChain({ clock, signal }: CommandContext, config: Config): Promise<ChainAccess> {
  const { createChain, createTokenReader, formatAmount, parseAmount, readEscrowTerms } = await import(
    '../chain/index.ts'
  )
  const chain = createChain(chainSettings(config), { clock })
  const address = config.chain.token ?? (await readEscrowTerms(chain, signal)).token
  const token = createTokenReader(chain, address)
  const description = await token.describe(signal)
  return {
    chain,
    token,
    description,
    parse: text => parseAmount(text, description.decimals),
    format: amount => `${formatAmount(amount, description.decimals)} ${description.symbol}`,
  }
}

/** The time of the newest block in Unix seconds: the clock by which contracts decide. */
export async function chainTime({ clock, signal }: CommandContext, chain: Chain): Promise<bigint> {
  const { behindSeconds } = await chain.check(signal)
  return BigInt(Math.round(clock.now() / 1_000) - behindSeconds)
}

/** The configured chain, or `config_invalid` with what is missing. */
function chainSettings({ chain, paths }: Config) {
  const { id, rpcUrls, registry, escrow, confirmations } = chain
  const missing = Object.entries({ id, registry, escrow }).filter(([, value]) => value === undefined)
  const names = [...(rpcUrls.length === 0 ? ['rpcUrls'] : []), ...missing.map(([name]) => name)]
  if (id === undefined || registry === undefined || escrow === undefined || rpcUrls.length === 0) {
    const what = `no chain is configured: chain.${names.join(', chain.')} missing`
    throw new ParleyError('config_invalid', `${what}; set chain.rpcUrls and chain.deployment in ${paths.configFile}`)
  }
  return { chainId: BigInt(id), rpcUrls, registry, escrow, confirmations }
}
