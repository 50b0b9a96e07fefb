import type { Keys, Passwords, Revisions } from '../../auth/index.ts'
import {
  type AlertRow,
  type Clock,
  type Live,
  type LogLevel,
  type Management,
  type NodeHealth,
  pageLimitMax,
  type Random,
  type Sealer,
  type Shared,
  type Store,
  within,
} from '../../core/index.ts'
import type { Explanation, RouteQuestion } from '../../gateway/index.ts'
import { version } from '../version.ts'
import { type AccountParts, createAccountDesk, identify } from './accounts.ts'
import { createConfigurationDesk } from './configurations.ts'
import { createEndpointDesk } from './endpoints.ts'
import { createKeyDesk } from './keys.ts'
import { createProviderDesk } from './providers.ts'
import { createBudgetDesk, createRequestDesk, createSessionDesk } from './records.ts'
import { createUserDesk } from './users.ts'

export { type AuthOptions, createAuth } from './auth.ts'

export interface ManagementOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly live: Live
  readonly shared: Pick<Shared, 'reach'>
  readonly auth: Omit<AccountParts, 'store'> & {
    readonly passwords: Passwords
    readonly keys: Keys
    readonly revisions: Pick<Revisions, 'changed'>
  }
  readonly clock: Clock
  readonly random: Random
  /** Which way a call would take now. */
  readonly explain: (question: RouteQuestion) => Explanation
  /** Every name a provider has that can be asked now, of peers as well. */
  readonly providerNames: () => readonly string[]
  readonly purgeCache: (keyId: string | undefined) => Promise<void>
  readonly logging: { readonly level: () => string; readonly setLevel: (level: LogLevel) => void }
  readonly alertsFiring: () => readonly AlertRow[]
  /** What waits, by name. */
  readonly queues: () => Readonly<Record<string, number>>
  /** Whether providers that are set up over the network may be on this machine or in its own network. */
  readonly allowPrivateUpstreams: boolean
}

/** What the management API asks, of the parts of a node. */
export function createManagement(options: ManagementOptions): Management {
  const { store, sealer, live, random, auth, explain, logging } = options
  const accountParts = { ...auth, store }
  const allowPrivate = options.allowPrivateUpstreams
  const providerNames = async () => [...options.providerNames(), ...(await storedNames(store))]
  return {
    identify: token => identify(accountParts, token),
    account: createAccountDesk(accountParts),
    providers: createProviderDesk({ store, sealer, live, random, allowPrivate }),
    endpoints: createEndpointDesk({ store, live, explain, providerNames }),
    configurations: createConfigurationDesk({
      ...{ store, sealer, live, random, allowPrivate },
      providerNames: async () => options.providerNames(),
    }),
    requests: createRequestDesk(store),
    keys: createKeyDesk({ ...auth, store }),
    users: createUserDesk({ ...auth, store }),
    sessions: createSessionDesk(store),
    budgets: createBudgetDesk(store, auth.revisions),
    alerts: { list: (filter, page) => store.alerts.list(filter, page), firing: options.alertsFiring },
    logs: { list: (filter, page) => store.logs.list(filter, page), ...logging },
    purgeCache: options.purgeCache,
    status: createStatusDesk(options),
  }
}

async function storedNames({ providers }: Store): Promise<string[]> {
  const { rows } = await providers.list({}, { page: 1, limit: pageLimitMax })
  return rows.map(({ name }) => name)
}

const pingMs = 1_000

function createStatusDesk({ store, live, shared, clock, queues }: ManagementOptions): Management['status'] {
  const startedAt = clock.monotonic()
  const health = () => ({ version, uptimeSeconds: Math.round((clock.monotonic() - startedAt) / 1_000) })
  const status = async (): Promise<NodeHealth> => {
    const isUp = await within(store.ping(), pingMs, 'asking the database').then(
      () => true,
      () => false,
    )
    return {
      ...health(),
      store: isUp ? 'up' : 'down',
      shared: shared.reach(),
      upstreams: live.providers(),
      queues: queues(),
    }
  }
  return { health, status }
}
