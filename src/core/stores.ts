import type { ChatStore } from './chat-records.ts'
import type { Listing, Page, TimeRange } from './page.ts'
import type { ArchiveStore, LogStore, RequestStore } from './record-stores.ts'
import type {
  AlertRow,
  BudgetRow,
  BudgetScope,
  ConfigurationRow,
  EndpointRow,
  KeyRow,
  ProviderRow,
  ProviderType,
  SessionRow,
  UserRow,
} from './records.ts'

/**
 * Ports to what the gateway remembers. Every promise is bounded: a database that does not answer is `store_unavailable`.
 * An unknown id is `not_found` where something is changed and `undefined` where it is only looked up; a name, address or
 * hash that is taken is `conflict`. A range of time holds its `from` and ends before its `to`.
 */

/** What the database makes itself, and what may be left out of a new row. */
type Made = 'id' | 'createdAt' | 'updatedAt'
type New<T, Optional extends keyof T = never> = Omit<T, Made | Optional> & Partial<Pick<T, Optional>>
type Change<T, Fixed extends keyof T = never> = Partial<Omit<T, Made | Fixed>>

export type NewProvider = New<ProviderRow, 'secret' | 'secretTail' | 'status' | 'deletedAt'> & { readonly id?: string }
export type ProviderChange = Change<ProviderRow, 'deletedAt'>

export interface ProviderFilter {
  readonly type?: ProviderType
  readonly status?: ProviderRow['status']
}

/** Deleted providers are in no list and cannot be changed; `get` still finds them, because requests name them. */
export interface ProviderStore {
  readonly list: (filter: ProviderFilter, page: Page) => Promise<Listing<ProviderRow>>
  readonly get: (id: string) => Promise<ProviderRow | undefined>
  /** By the name of one that is not deleted. */
  readonly find: (name: string) => Promise<ProviderRow | undefined>
  /** An id may be given, because a secret is sealed for it. */
  readonly create: (provider: NewProvider) => Promise<ProviderRow>
  readonly update: (id: string, change: ProviderChange) => Promise<ProviderRow>
  readonly remove: (id: string) => Promise<void>
}

/** The rows are there from the start; none can be added or removed. */
export interface EndpointStore {
  readonly list: (filter: { readonly isActive?: boolean }, page: Page) => Promise<Listing<EndpointRow>>
  readonly get: (id: string) => Promise<EndpointRow | undefined>
  readonly update: (id: string, change: Change<EndpointRow, 'path'>) => Promise<EndpointRow>
}

/** Providers and endpoints as they are to be from now on, as a difference to what they were. */
export interface RunningChange {
  /** Of the store, when the difference was worked out: if anything has changed since, it is `conflict`. */
  readonly revision: number
  readonly created: readonly NewProvider[]
  readonly updated: readonly { readonly id: string; readonly change: ProviderChange }[]
  readonly removed: readonly string[]
  readonly endpoints: readonly { readonly id: string; readonly change: Change<EndpointRow, 'path'> }[]
  /** The configuration that is active then: one that is there, a new one, or none. */
  readonly active: string | New<ConfigurationRow, 'isActive'> | undefined
}

export interface ConfigurationStore {
  readonly list: (filter: Record<string, never>, page: Page) => Promise<Listing<ConfigurationRow>>
  readonly get: (id: string) => Promise<ConfigurationRow | undefined>
  readonly active: () => Promise<ConfigurationRow | undefined>
  readonly create: (configuration: New<ConfigurationRow, 'isActive'>) => Promise<ConfigurationRow>
  readonly update: (id: string, change: Change<ConfigurationRow, 'isActive'>) => Promise<ConfigurationRow>
  /** Makes it the only active one, at once. */
  readonly activate: (id: string) => Promise<ConfigurationRow>
  /** Changes what runs and says which configuration it comes from: all at once, for every node, or not at all. */
  readonly apply: (change: RunningChange) => Promise<ConfigurationRow | undefined>
  /** The active one is `conflict`. */
  readonly remove: (id: string) => Promise<void>
}

export interface UserFilter {
  readonly role?: UserRow['role']
  readonly status?: UserRow['status']
}

export type NewUser = New<
  UserRow,
  'passwordHash' | 'totpSecret' | 'isTotpConfirmed' | 'status' | 'priceMultiplier' | 'lastLoginAt'
> & { readonly id?: string }

export interface UserStore {
  readonly list: (filter: UserFilter, page: Page) => Promise<Listing<UserRow>>
  readonly get: (id: string) => Promise<UserRow | undefined>
  /** In whatever case the address is written. */
  readonly find: (email: string) => Promise<UserRow | undefined>
  readonly create: (user: NewUser) => Promise<UserRow>
  /** Only where there is no user yet, however many ask at once; else undefined. */
  readonly createFirst: (user: NewUser) => Promise<UserRow | undefined>
  readonly update: (id: string, change: Change<UserRow>) => Promise<UserRow>
  /** With its sessions and chats; keys of the user are revoked. */
  readonly remove: (id: string) => Promise<void>
}

export interface SessionStore {
  readonly create: (session: New<SessionRow, 'rotatedAt' | 'revokedAt'>) => Promise<SessionRow>
  readonly get: (id: string) => Promise<SessionRow | undefined>
  /** Also one that was rotated, revoked or has expired: the caller tells reuse by it. */
  readonly find: (refreshHash: string) => Promise<SessionRow | undefined>
  /** Of one user, or of nobody, newest first: those that are neither rotated, revoked nor expired. */
  readonly list: (filter: Pick<SessionRow, 'userId'>, page: Page) => Promise<Listing<SessionRow>>
  /**
   * Puts a new row of the same family in the place of one. Of several who try at once one succeeds; the others, and whoever
   * comes with a row that was rotated or revoked, get undefined.
   */
  readonly rotate: (id: string, next: Pick<SessionRow, 'refreshHash' | 'expiresAt'>) => Promise<SessionRow | undefined>
  /** How many were still good. */
  readonly revokeFamily: (family: string) => Promise<number>
  readonly revokeUser: (userId: SessionRow['userId']) => Promise<number>
  /** Rows that expired before `before`, at most `limit` of them; how many went. */
  readonly removeExpired: (before: number, limit: number) => Promise<number>
}

export interface KeyFilter {
  readonly project?: string
  readonly userId?: string
  readonly isRevoked?: boolean
}

export type NewKey = Pick<KeyRow, 'hash' | 'name' | 'tail'> & Partial<Omit<KeyRow, 'createdAt'>>

export interface ApiKeyStore {
  readonly list: (filter: KeyFilter, page: Page) => Promise<Listing<KeyRow>>
  readonly get: (id: string) => Promise<KeyRow | undefined>
  /** By SHA-256 of the secret in hex, also when it is revoked or has expired. */
  readonly find: (hash: string) => Promise<KeyRow | undefined>
  readonly create: (key: NewKey) => Promise<KeyRow>
  readonly update: (id: string, change: Change<KeyRow, 'hash' | 'tail' | 'revokedAt'>) => Promise<KeyRow>
  /** Keeps the time of the first revocation. */
  readonly revoke: (id: string) => Promise<KeyRow>
  /** When keys were last used, by id. Moves only forward and does not count as a change. */
  readonly touch: (usedAt: ReadonlyMap<string, number>) => Promise<void>
  /** Adds rows as they are; those whose id or hash is known are left alone. How many were added. */
  readonly importAll: (keys: readonly KeyRow[]) => Promise<number>
}

export interface BudgetFilter {
  readonly scope?: BudgetScope
  readonly scopeId?: string
}

export type NewBudget = New<BudgetRow, 'spent' | 'windowStart'>

/** A budget whose window is over shows nothing spent: windows begin anew when somebody looks. */
export interface BudgetStore {
  readonly list: (filter: BudgetFilter, page: Page) => Promise<Listing<BudgetRow>>
  readonly get: (id: string) => Promise<BudgetRow | undefined>
  readonly create: (budget: NewBudget) => Promise<BudgetRow>
  readonly update: (id: string, change: Pick<Partial<BudgetRow>, 'amount' | 'isHard'>) => Promise<BudgetRow>
  readonly remove: (id: string) => Promise<void>
  /**
   * Adds millionths of a dollar to all of these, atomically, and returns them as they are then. A negative amount gives
   * back what was set aside; nothing falls below zero. Ids that are gone are left out.
   */
  readonly spend: (ids: readonly string[], amount: bigint) => Promise<readonly BudgetRow[]>
}

export interface AlertFilter extends TimeRange {
  readonly state?: AlertRow['state']
  readonly rule?: string
}

export interface AlertStore {
  /** Newest first; `from` and `to` are about when it started. */
  readonly list: (filter: AlertFilter, page: Page) => Promise<Listing<AlertRow>>
  readonly get: (id: string) => Promise<AlertRow | undefined>
  readonly create: (alert: Omit<AlertRow, 'id' | 'state' | 'endedAt'> & { readonly id?: string }) => Promise<AlertRow>
  /** Keeps the time of the first resolution. */
  readonly resolve: (id: string, value: number) => Promise<AlertRow>
}

export interface Store {
  readonly providers: ProviderStore
  readonly endpoints: EndpointStore
  readonly configurations: ConfigurationStore
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly keys: ApiKeyStore
  readonly budgets: BudgetStore
  readonly alerts: AlertStore
  readonly requests: RequestStore
  readonly archive: ArchiveStore
  readonly logs: LogStore
  readonly chats: ChatStore
  /**
   * Grows whenever a provider, endpoint, configuration, user, key or budget changes, in this process or another: whoever
   * keeps those in memory asks for this number alone. Spending, use and chats do not count.
   */
  readonly revision: () => Promise<number>
  /** Returns when the database answers, else throws `store_unavailable`. */
  readonly ping: () => Promise<void>
  readonly close: () => Promise<void>
}
