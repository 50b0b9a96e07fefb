import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import {
  createAccounts,
  createBudgetBook,
  createFirstRun,
  createInvitations,
  createKeyRing,
  createKeys,
  createLimits,
  createMailCodes,
  createPasswords,
  createRevisions,
  createSecondFactor,
  createSessions,
  createSignUp,
  createThrottle,
  createTokens,
  type SignUpSettings,
} from '../../src/auth/index.ts'
import type { Clock, Mail, Mailer, Shared, Store } from '../../src/core/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { createMemoryShared, createSealer, openStore } from '../../src/store/index.ts'

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
export async function openTestStore(clock: Clock = systemClock, url?: string): Promise<Store & { path: string }> {
  const home = mkdtempSync(join(tmpdir(), 'parley-auth-'))
  const path = join(home, 'gateway.sqlite')
  const store = await openStore(url === undefined ? { path } : { url }, { clock, random: systemRandom })
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

/** Keeps what it is given to send. */
export function mailbox() {
  const mails: Mail[] = []
  const mailer: Mailer = { send: async mail => void mails.push(mail) }
  return { mails, mailer, newestCode: () => /\b\d{6}\b/.exec(mails.at(-1)?.text ?? '')?.[0] ?? '' }
}

export interface PeopleOptions {
  readonly asksForMailCode?: boolean
  readonly hasMail?: boolean
  readonly signUp?: Partial<SignUpSettings>
  /** A database in place of a file. */
  readonly url?: string | undefined
}

/** Everything about accounts over one real store, by a clock that stands still. */
export async function startPeople({ asksForMailCode = false, hasMail = true, signUp = {}, url }: PeopleOptions = {}) {
  const clock = heldClock()
  const store = await openTestStore(clock, url)
  const node = await startNode({ store, clock })
  const { counters, cache } = node.shared
  const random = systemRandom
  const masterKey = random.bytes(32)
  const reused: (string | null)[] = []
  const mail = mailbox()
  const tokens = createTokens({ masterKey, clock })
  const passwords = createPasswords({ random, logN: 11 })
  const throttle = createThrottle(counters)
  const sealer = createSealer(masterKey, random)
  const { users, sessions: rows, budgets } = store
  const sessions = createSessions({
    ...{ sessions: rows, users, tokens, clock, random, masterKey },
    onReuse: id => reused.push(id),
  })
  const secondFactor = createSecondFactor({ users, sealer, counters, clock, random })
  const onError = (cause: unknown) => {
    throw cause
  }
  const mailCodes = createMailCodes({ masterKey, cache, counters, mailer: mail.mailer, random, onError })
  const withMail = hasMail ? { mailCodes } : {}
  const settings = { isOpen: true, domains: [], priceMultiplier: 1_200, key: {}, ...signUp }
  return {
    ...{ clock, store, masterKey, node, mail, tokens, passwords, sessions, secondFactor, mailCodes, reused },
    accounts: createAccounts({
      users,
      passwords,
      sessions,
      throttle,
      secondFactor,
      asksForMailCode,
      clock,
      ...withMail,
    }),
    firstRun: createFirstRun({ users, passwords, tokens }),
    invitations: createInvitations({ users, passwords, tokens }),
    signUp: createSignUp({
      ...{ users, budgets, passwords, sessions, counters, clock, keys: node.keys, settings: () => settings },
      ...withMail,
    }),
    makeUser: async (email = 'ada@example.com', password = 'correct horse battery') =>
      await users.create({ email, name: 'Ada', role: 'user', passwordHash: await passwords.hash(password) }),
  }
}
