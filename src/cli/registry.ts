import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { createEventLog, type ProviderDirectory } from '../core/index.ts'
import type { ChainAccess } from './chain-access.ts'
import type { CommandContext } from './context.ts'

/** The registry, read now. */
export async function readProviders(
  { clock, signal }: CommandContext,
  config: Config,
  { chain }: Pick<ChainAccess, 'chain'>,
): Promise<ProviderDirectory> {
  const { createProviderDirectory } = await import('../chain/index.ts')
  const cachePath = join(config.paths.cacheDirectory, 'registry.json')
  const directory = createProviderDirectory({ chain, cachePath, log: createEventLog(clock.now, 1) })
  await directory.refresh(signal)
  return directory
}
