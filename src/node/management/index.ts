import { createGuardedFetch } from '../../backends/index.ts'
import { type Management, type NodeHealth, pageLimitMax, type Store, within } from '../../core/index.ts'
import { version } from '../version.ts'
import { createAccountDesk, identify } from './accounts.ts'
import { createChatDesk } from './chats.ts'
import { createConfigurationDesk } from './configurations.ts'
import { createEndpointDesk } from './endpoints.ts'
import { createKeyDesk } from './keys.ts'
import { createMediaDesk } from './media.ts'
import { createModelDesk } from './models.ts'
import type { ManagementOptions } from './options.ts'
import { createProviderDesk } from './providers.ts'
import { createBudgetDesk, createRequestDesk, createSessionDesk } from './records.ts'
import { createUserDesk } from './users.ts'

export { type AuthOptions, createAuth } from './auth.ts'
export type { ModelDeskOptions } from './models.ts'
export type { Auth, ManagementOptions } from './options.ts'
export { signUpOf } from './sign-up.ts'

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
    chats: createChatDesk(store),
    media: createMediaDesk(options.fetchOut ?? createGuardedFetch({ allowPrivate: false, connectTimeoutMs })),
    alerts: { list: (filter, page) => store.alerts.list(filter, page), firing: options.alertsFiring },
    logs: { list: (filter, page) => store.logs.list(filter, page), ...logging },
    models: createModelDesk(options.models),
    purgeCache: options.purgeCache,
    status: createStatusDesk(options),
    treasury: options.treasury,
  }
}

/** For what people ask for by its address. */
const connectTimeoutMs = 5_000

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
