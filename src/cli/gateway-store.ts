import { createDirectories, storePlace } from '../config/index.ts'
import type { Sealer } from '../core/index.ts'
import type { SqlStore } from '../store/index.ts'
import type { CommandContext } from './context.ts'

/** Opens the store of this node for the time of `use`, whether it runs or not. What opens secrets has their sealer. */
export async function withStore<T>(
  { load, clock, random }: CommandContext,
  use: (store: SqlStore) => Promise<T>,
  sealer?: Sealer,
): Promise<T> {
  const { config } = load()
  createDirectories(config.paths)
  const { openStore } = await import('../store/index.ts')
  const store = await openStore(storePlace(config), { clock, random, ...(sealer !== undefined && { sealer }) })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}
