import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Chain,
  createChain,
  createEscrowReader,
  createNotary,
  createProviderDirectory,
  createTokenReader,
  type TokenDescription,
} from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
  type Address,
  type Clock,
  type EscrowReader,
  type EventLog,
  type Notary,
  ParleyError,
  type ProviderDirectory,
  type Service,
} from '../core/index.ts'

/** The configured chain, as the parts of a node need it. */
export interface ChainAccess {
  readonly chain: Chain
  readonly notary: Notary
  readonly directory: ProviderDirectory & Service
  readonly escrow: EscrowReader
  /** The escrow's token. Kept on disk: a node must know its own prices while the chain is away. */
  readonly token: (signal: AbortSignal) => Promise<TokenDescription>
}

/** Undefined for a node without a chain: it serves its own models and upstreams. Throws `config_invalid` for half a chain. */
export function openChain(config: Config, { clock, log }: { clock: Clock; log: EventLog }): ChainAccess | undefined {
  const { id, rpcUrls, registry, escrow, confirmations, refreshSeconds } = config.chain
  if (rpcUrls.length === 0) return undefined
  if (id === undefined || registry === undefined || escrow === undefined) {
    throw new ParleyError(
      'config_invalid',
      'a chain needs chain.id, chain.registry and chain.escrow; or chain.deployment',
    )
  }
  const chain = createChain({ chainId: BigInt(id), rpcUrls, registry, escrow, confirmations }, { clock })
  const cacheDirectory = config.paths.cacheDirectory
  mkdirSync(cacheDirectory, { recursive: true, mode: 0o700 })
  return {
    chain,
    notary: createNotary({ chainId: BigInt(id), escrow }),
    directory: createProviderDirectory({
      chain,
      log,
      cachePath: join(cacheDirectory, `registry-${id}-${registry.toLowerCase()}.json`),
      pollMs: refreshSeconds * 1_000,
    }),
    escrow: createEscrowReader(chain),
    token: keptToken(chain, config.chain.token, join(cacheDirectory, `token-${id}-${escrow.toLowerCase()}.json`)),
  }
}

function keptToken(chain: Chain, configured: Address | undefined, path: string): ChainAccess['token'] {
  let known: TokenDescription | undefined = readKept(path)
  return async signal => {
    if (known !== undefined) return known
    const address = configured ?? (await chain.check(signal)).token
    known = await createTokenReader(chain, address).describe(signal)
    writeFileSync(path, JSON.stringify(known), { mode: 0o600 })
    return known
  }
}

function readKept(path: string): TokenDescription | undefined {
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Partial<TokenDescription>
    const isWhole =
      typeof kept.address === 'string' && typeof kept.symbol === 'string' && Number.isInteger(kept.decimals)
    return isWhole ? (kept as TokenDescription) : undefined
  } catch {
    // Absent or torn: the chain is asked instead.
    return undefined
  }
}
