import type { Keys, Passwords, Revisions } from '../../auth/index.ts'
import type { GuardedFetch } from '../../backends/index.ts'
import type { AlertRow, Clock, Live, LogLevel, Random, Sealer, Shared, Store, Treasury } from '../../core/index.ts'
import type { Explanation, RouteQuestion } from '../../gateway/index.ts'
import type { AccountParts } from './accounts.ts'
import type { ModelDeskOptions } from './models.ts'

/** Accounts of people and keys of apps, and how they prove who they are. */
export interface Auth extends Omit<AccountParts, 'store'> {
  readonly passwords: Passwords
  readonly keys: Keys
  readonly revisions: Pick<Revisions, 'changed'>
}

export interface ManagementOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly live: Live
  readonly shared: Pick<Shared, 'reach'>
  readonly auth: Auth
  readonly clock: Clock
  readonly random: Random
  /** Money and the network. */
  readonly treasury: Treasury
  /** Which way a call would take now. */
  readonly explain: (question: RouteQuestion) => Explanation
  /** Every name a provider has that can be asked now, of peers as well. */
  readonly providerNames: () => readonly string[]
  readonly models: ModelDeskOptions
  readonly purgeCache: (keyId: string | undefined) => Promise<void>
  readonly logging: { readonly level: () => string; readonly setLevel: (level: LogLevel) => void }
  readonly alertsFiring: () => readonly AlertRow[]
  /** What waits, by name. */
  readonly queues: () => Readonly<Record<string, number>>
  /** Whether providers that are set up over the network may be on this machine or in its own network. */
  readonly allowPrivateUpstreams: boolean
  /** How images are fetched that people ask for; from the world outside alone when missing. */
  readonly fetchOut?: Pick<GuardedFetch, 'fetch'> | undefined
}
