import { createKeys, type KeyWish } from '../../src/auth/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { openStore } from '../../src/store/index.ts'

/** Makes a key in the store of a node that may be running; its secret. */
export async function makeKey(storeFile: string, wish: KeyWish): Promise<string> {
  const parts = { clock: systemClock, random: systemRandom }
  const store = await openStore({ path: storeFile }, parts)
  try {
    const revisions = { changed: () => undefined }
    return (await createKeys({ ...parts, keys: store.keys, budgets: store.budgets, revisions }).create(wish)).secret
  } finally {
    await store.close()
  }
}
