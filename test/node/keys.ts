import { createKeys, type KeyWish } from '../../src/auth/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { openStore, type StorePlace } from '../../src/store/index.ts'

/** Makes a key in the store of a node that may be running; its secret. */
export async function makeKey(place: string | StorePlace, wish: KeyWish): Promise<string> {
  const parts = { clock: systemClock, random: systemRandom }
  const store = await openStore(typeof place === 'string' ? { path: place } : place, parts)
  try {
    const revisions = { changed: () => undefined }
    return (await createKeys({ ...parts, keys: store.keys, budgets: store.budgets, revisions }).create(wish)).secret
  } finally {
    await store.close()
  }
}
