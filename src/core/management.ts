import type { AccountDesk, Actor, KeyView, UserView } from './account-desk.ts'
import type { TokenCall } from './call.ts'
import type { ChatDraft, ChatRow, ChatStore, FolderDraft, FolderRow, MessageRow } from './chat-records.ts'
import type { LiveProvider, Trial } from './live.ts'
import type { ModelDesk } from './model-desk.ts'
import type { Listing, Page } from './page.ts'
import type { ArchivedCall, LogStore, RequestStore } from './record-stores.ts'
import type {
  AlertRow,
  BudgetRow,
  ConfigurationRow,
  EndpointRow,
  JsonDocument,
  LogLevel,
  ProviderRow,
  ProviderType,
  RequestRow,
  Role,
  SessionRow,
} from './records.ts'
import type { AlertStore, BudgetFilter, KeyFilter, NewBudget, NewKey, ProviderFilter, UserFilter } from './stores.ts'
import type { Treasury } from './treasury.ts'

/** What the management API asks of a node. No answer holds a secret, sealed or hashed, but where it says so. */
export interface Management {
  /** Whose token or API key this is. Throws `unauthorized`. */
  readonly identify: (token: string) => Promise<Actor>
  readonly account: AccountDesk
  readonly providers: ProviderDesk
  readonly endpoints: EndpointDesk
  readonly configurations: ConfigurationDesk
  readonly requests: RequestDesk
  readonly keys: KeyDesk
  readonly users: UserDesk
  readonly sessions: SessionDesk
  readonly budgets: BudgetDesk
  readonly chats: ChatDesk
  readonly media: MediaDesk
  readonly alerts: AlertDesk
  readonly logs: LogDesk
  /** Forgets answers that were kept for one API key, or all of them. */
  readonly purgeCache: (keyId: string | undefined) => Promise<void>
  readonly models: ModelDesk
  readonly status: StatusDesk
  /** Money and the network. */
  readonly treasury: Treasury
}

export interface ProviderView extends Omit<ProviderRow, 'secret' | 'secretTail' | 'deletedAt'> {
  readonly keySource: 'none' | 'variable' | 'sealed'
  /** `env:NAME`, or the last four characters of a long key. */
  readonly keyHint: string | null
  /** How it is now; null for one that is not in use. */
  readonly live: LiveProvider | null
}

export interface ProviderWish {
  readonly type: ProviderType
  readonly name: string
  readonly provider: string
  readonly config: JsonDocument
  /** Plain, or `env:NAME`. */
  readonly key?: string | undefined
  readonly status?: ProviderRow['status'] | undefined
}

/** A key that is null is taken away; one that is left out stays. */
export type ProviderUpdate = Partial<Omit<ProviderWish, 'type' | 'key'>> & { readonly key?: string | null | undefined }

/** Changes are in effect when their promise resolves. Only an admin has a key that is here sent to another address. */
export interface ProviderDesk {
  readonly list: (filter: ProviderFilter, page: Page) => Promise<Listing<ProviderView>>
  readonly get: (id: string) => Promise<ProviderView>
  readonly create: (wish: ProviderWish, by: Actor) => Promise<ProviderView>
  readonly update: (id: string, update: ProviderUpdate, by: Actor) => Promise<ProviderView>
  /** One that an endpoint's mapping names is `conflict`. */
  readonly remove: (id: string) => Promise<void>
  readonly test: (id: string, call: TokenCall, signal: AbortSignal) => Promise<Trial>
}

export interface EndpointUpdate {
  readonly isActive?: boolean | undefined
  readonly mapping?: JsonDocument | undefined
}

/** Which way a request would take, and what would be sent. */
export interface DryRun {
  /** Who would be asked first; null with the reason where nobody would. */
  readonly provider: string | null
  readonly model: string
  readonly reason: string | null
  /** What would be sent: without fields for the gateway, with the name the model has there. */
  readonly body: JsonDocument
  readonly candidates: readonly DryRunCandidate[]
}

export interface DryRunCandidate {
  readonly name: string
  readonly place?: number
  readonly why: string
}

export interface EndpointDesk {
  readonly list: (filter: { readonly isActive?: boolean }, page: Page) => Promise<Listing<EndpointRow>>
  readonly get: (id: string) => Promise<EndpointRow>
  readonly update: (id: string, update: EndpointUpdate) => Promise<EndpointRow>
  readonly dryRun: (id: string, request: JsonDocument) => Promise<DryRun>
}

export const configurationSchema = 1

/** What runs, written down: without keys, in one order, so that two that are the same are equal. */
export interface ConfigurationDocument {
  readonly schema: typeof configurationSchema
  readonly providers: readonly ConfigurationProvider[]
  readonly endpoints: readonly ConfigurationEndpoint[]
  /** The section `routing` of the configuration. */
  readonly routing: JsonDocument
}

export interface ConfigurationProvider {
  readonly name: string
  readonly type: ProviderType
  readonly provider: string
  readonly config: JsonDocument
  readonly status: ProviderRow['status']
  /** Only where it names a variable: `env:NAME`. */
  readonly key?: string | undefined
}

export interface ConfigurationEndpoint {
  readonly path: string
  readonly active: boolean
  readonly mapping: JsonDocument
}

/** What became of it, or would. Names of providers and paths of endpoints. */
export interface ConfigurationChanges {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  readonly removed: readonly string[]
  readonly endpoints: readonly string[]
  readonly routing: boolean
  /** Providers that are without a key now and were with one when it was written down, or may be. */
  readonly withoutKey: readonly string[]
}

export interface ImportWish {
  readonly document: ConfigurationDocument
  readonly name: string
  /** Only says what would change. */
  readonly isTrial: boolean
}

export interface ConfigurationDesk {
  readonly list: (page: Page) => Promise<Listing<ConfigurationRow>>
  readonly get: (id: string) => Promise<ConfigurationRow>
  /** Writes down what runs. */
  readonly create: (name: string, description: string) => Promise<ConfigurationRow>
  readonly update: (
    id: string,
    change: { readonly name?: string; readonly description?: string },
  ) => Promise<ConfigurationRow>
  readonly remove: (id: string) => Promise<void>
  /** All or nothing. Providers keep the keys they have; those that come back after they were deleted have none. */
  readonly activate: (id: string, by: Actor) => Promise<ConfigurationChanges>
  readonly export: () => Promise<ConfigurationDocument>
  /** Saves and activates it. */
  readonly import: (wish: ImportWish, by: Actor) => Promise<ConfigurationChanges>
}

/** A request with what is archived of it. */
export interface RequestDetail {
  readonly request: RequestRow
  readonly archive: ArchivedCall | undefined
}

/** A provider may be named by its id as well. */
export interface RequestDesk extends Pick<RequestStore, 'list' | 'stats' | 'shares'> {
  readonly get: (id: string, withTexts: boolean) => Promise<RequestDetail>
}

export type KeyWish = Omit<NewKey, 'id' | 'hash' | 'tail' | 'replacedBy' | 'revokedAt' | 'lastUsedAt'>
export type KeyUpdate = Partial<KeyWish>

/** The secret is shown this once. */
export interface NewKeyView {
  readonly key: KeyView
  readonly secret: string
}

export interface KeyDesk {
  readonly list: (filter: KeyFilter, page: Page) => Promise<Listing<KeyView>>
  readonly get: (id: string) => Promise<KeyView>
  readonly create: (wish: KeyWish) => Promise<NewKeyView>
  readonly update: (id: string, update: KeyUpdate) => Promise<KeyView>
  readonly rotate: (id: string, graceMs: number) => Promise<NewKeyView>
  readonly revoke: (id: string) => Promise<KeyView>
}

export interface UserWish {
  readonly email: string
  readonly name: string
  readonly role: Role
  /** Who gets none is invited to choose one. */
  readonly password?: string | undefined
}

export interface UserUpdate {
  readonly name?: string | undefined
  readonly role?: Role | undefined
  readonly status?: 'active' | 'disabled' | undefined
  readonly priceMultiplier?: number | undefined
  /** Set by an admin for somebody who forgot theirs; ends all sessions. */
  readonly password?: string | undefined
}

/** Opens the account to whoever has it, once; null for somebody who needs none. */
export interface Invited {
  readonly user: UserView
  readonly invitation: string | null
}

/** There is always one active admin: what would leave none is `conflict`. */
export interface UserDesk {
  readonly list: (filter: UserFilter, page: Page) => Promise<Listing<UserView>>
  readonly get: (id: string) => Promise<UserView>
  readonly create: (wish: UserWish) => Promise<Invited>
  /** A new invitation for somebody who has not come yet. */
  readonly invite: (id: string) => Promise<Invited>
  /** Who is disabled is logged out. */
  readonly update: (id: string, update: UserUpdate) => Promise<UserView>
  readonly remove: (id: string) => Promise<void>
}

export type SessionView = Omit<SessionRow, 'refreshHash'>

/** Of a user, or of the machine where that is null. */
export interface SessionDesk {
  readonly list: (userId: string | null, page: Page) => Promise<Listing<SessionView>>
  readonly get: (id: string) => Promise<SessionView>
  readonly revoke: (id: string) => Promise<void>
  readonly revokeAll: (userId: string | null) => Promise<number>
}

export interface BudgetDesk {
  readonly list: (filter: BudgetFilter, page: Page) => Promise<Listing<BudgetRow>>
  readonly get: (id: string) => Promise<BudgetRow>
  readonly create: (budget: Omit<NewBudget, 'spent' | 'windowStart'>) => Promise<BudgetRow>
  readonly update: (id: string, change: { readonly amount?: bigint; readonly isHard?: boolean }) => Promise<BudgetRow>
  readonly remove: (id: string) => Promise<void>
}

export interface ChatContent {
  readonly chat: ChatRow
  readonly messages: readonly MessageRow[]
}

/** Chats of whoever asks. Nobody sees those of somebody else, whatever their role. */
export interface ChatDesk {
  readonly list: (by: Actor, filter: Parameters<ChatStore['list']>[1], page: Page) => Promise<Listing<ChatRow>>
  readonly head: (by: Actor, id: string) => Promise<ChatRow>
  readonly get: (by: Actor, id: string, since: number | undefined) => Promise<ChatContent>
  readonly merge: (
    by: Actor,
    chat: ChatDraft,
    messages: readonly (JsonDocument & { readonly id: string; readonly updatedAt: number })[],
  ) => Promise<ChatRow>
  readonly remove: (by: Actor, id: string) => Promise<void>
  readonly folders: (by: Actor) => Promise<readonly FolderRow[]>
  readonly mergeFolder: (by: Actor, folder: FolderDraft) => Promise<FolderRow>
  readonly removeFolder: (by: Actor, id: string) => Promise<void>
}

/** Fetches for pages what they shall not fetch themselves. Addresses that lead inside are `forbidden`. */
export interface MediaDesk {
  readonly image: (url: string, signal: AbortSignal) => Promise<{ readonly type: string; readonly bytes: Uint8Array }>
}

export interface AlertDesk extends Pick<AlertStore, 'list'> {
  readonly firing: () => readonly AlertRow[]
}

export interface LogDesk extends Pick<LogStore, 'list'> {
  readonly level: () => string
  readonly setLevel: (level: LogLevel) => void
}

export interface StatusDesk {
  /** Without asking anybody. */
  readonly health: () => { readonly version: string; readonly uptimeSeconds: number }
  readonly status: () => Promise<NodeHealth>
}

export interface NodeHealth {
  readonly version: string
  readonly uptimeSeconds: number
  readonly store: 'up' | 'down'
  /** Whether the nodes that share limits and answers with this one are heard. */
  readonly shared: 'alone' | 'joined' | 'cut_off'
  readonly upstreams: readonly LiveProvider[]
  /** What waits, by name. */
  readonly queues: Readonly<Record<string, number>>
}
