import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { createBudgetBook, createKeyRing, createKeys, createLimits, createRevisions } from '../../src/auth/index.ts'
import type { Clock, Shared, Store } from '../../src/core/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { createMemoryShared } from '../../src/store/index.ts'
import { openStore } from '../../src/store/sql/index.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

export function atTheEnd(close: () => unknown): void {
  closing.push(close)
}

/** A clock that stands still until it is moved. */
export interface HeldClock extends Clock {
  move: (ms: number) => void
}

export function heldClock(now = Date.UTC(2026, 10, 18, 12, 30)): HeldClock {
  let passed = 0
  return { now: () => now + passed, monotonic: () => 1_000 + passed, move: ms => void (passed += ms) }
}

/** A real store in a file of its own. */
export async function openTestStore(clock: Clock = systemClock): Promise<Store & { path: string }> {
  const home = mkdtempSync(join(tmpdir(), 'parley-auth-'))
  const path = join(home, 'gateway.sqlite')
  const store = await openStore({ path }, { clock, random: systemRandom })
  atTheEnd(async () => {
    await store.close()
    rmSync(home, { recursive: true, force: true })
  })
  return Object.assign(store, { path })
}

export interface NodeOptions {
  readonly store: Store
  readonly shared?: Shared
  readonly clock?: Clock
}

/** What one node has of this folder, and how often it asked the store for keys. */
export async function startNode({ store, clock = systemClock, shared }: NodeOptions) {
  const asked = { keys: 0 }
  const common = shared ?? createMemoryShared({ clock })
  const revisions = createRevisions({ store, messages: common.messages, everyMs: 200 })
  const find = (hash: string) => {
    asked.keys++
    return store.keys.find(hash)
  }
  const ring = createKeyRing({ keys: { ...store.keys, find }, users: store.users, revisions, clock })
  const book = createBudgetBook({ budgets: store.budgets, revisions, messages: common.messages, clock })
  const limits = createLimits({ ring, book, shared: common, clock })
  const keys = createKeys({ keys: store.keys, budgets: store.budgets, revisions, clock, random: systemRandom })
  for (const service of [revisions, ring, book]) {
    await service.start(AbortSignal.timeout(5_000))
    atTheEnd(() => service.stop())
  }
  return { asked, revisions, ring, book, limits, keys, shared: common }
}
