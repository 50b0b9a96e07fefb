import type { KeyWish } from '../auth/index.ts'
import type { KeyRow } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import type { CommandContext } from './context.ts'
import { withStore } from './gateway-store.ts'
import { putOnRecord } from './on-record.ts'

/** The API keys of this node, whether it runs or not. */
export interface KeyDrawer {
  readonly create: (wish: KeyWish) => Promise<{ readonly key: KeyRow; readonly secret: string }>
  readonly rotate: (id: string, graceMs: number) => Promise<{ readonly key: KeyRow; readonly secret: string }>
  readonly revoke: (id: string) => Promise<KeyRow>
  readonly list: () => Promise<readonly KeyRow[]>
  /** Whether it may be used now. */
  readonly isGood: (secret: string) => Promise<boolean>
}

const pageRows = 1_000

/** Opens the store for the time of `use`. A node that runs sees within a second what was changed. */
export async function withKeys<T>(context: CommandContext, use: (keys: KeyDrawer) => Promise<T>): Promise<T> {
  const { load, clock, random } = context
  const [{ importKeys }, { createKeyRing, createKeys }] = await Promise.all([
    import('../store/index.ts'),
    import('../auth/index.ts'),
  ])
  return await withStore(context, async store => {
    await importKeys(load().config.paths.keysFile, store.keys)
    const revisions = { changed: () => undefined, current: () => 0 }
    const ring = createKeyRing({ keys: store.keys, users: store.users, revisions, clock })
    const keys = createKeys({ keys: store.keys, budgets: store.budgets, revisions, clock, random })
    const told = async <T>(change: Promise<T>, command: string, idOf: (result: T) => string): Promise<T> => {
      const result = await change
      await putOnRecord(store.logs, context, command, idOf(result))
      return result
    }
    return await use({
      create: wish => told(keys.create(wish), 'key new', ({ key }) => key.id),
      rotate: (id, graceMs) => told(keys.rotate(id, graceMs), 'key rotate', () => id),
      revoke: id => told(keys.revoke(id), 'key revoke', () => id),
      list: () => allKeys(store.keys),
      isGood: async key => (await ring.verify(key)) !== undefined,
    })
  })
}

interface KeyPages {
  readonly list: (
    filter: object,
    page: { page: number; limit: number },
  ) => Promise<{ readonly rows: readonly KeyRow[] }>
}

async function allKeys(keys: KeyPages): Promise<readonly KeyRow[]> {
  const all: KeyRow[] = []
  for (let page = 1; ; page++) {
    const { rows } = await keys.list({}, { page, limit: pageRows })
    all.push(...rows)
    if (rows.length < pageRows) return all
  }
}

/** What may be shown of a key. */
export type ShownKey = Omit<KeyRow, 'hash'>

export function shownKey({ hash: _hash, ...key }: KeyRow): ShownKey {
  return key
}

/** `30d`, `12h`, `45m`: from now on, in milliseconds. */
export function durationMs(text: string, option: string): number {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? '']
  if (count !== undefined && unitMs !== undefined) return Number(count) * unitMs
  throw new ParleyError('usage', `${option} is a time like 45m, 12h or 30d, not ${JSON.stringify(text)}`)
}
