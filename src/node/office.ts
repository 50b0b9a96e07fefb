import type { SignedIn } from '../auth/index.ts'
import type { Config } from '../config/index.ts'
import type { Clock, EventLog, Management, Random, Service, Treasury } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { cacheTags, type Ranking } from '../gateway/index.ts'
import type { LiveNode } from './live.ts'
import { createAuth, createManagement, type ModelDeskOptions, signUpOf } from './management/index.ts'
import type { Memory } from './memory.ts'
import type { Monitoring } from './monitoring.ts'
import type { Network } from './network.ts'
import { visibleModels } from './visible-models.ts'

export interface OfficeOptions {
  readonly config: Config
  readonly log: EventLog
  readonly clock: Clock
  readonly random: Random
  readonly memory: Memory
  readonly live: LiveNode
  readonly monitoring: Monitoring
  readonly ranking: Pick<Ranking, 'snapshot'>
  readonly network: Pick<Network, 'parts'>
  readonly treasury: Treasury
  /** Every name a provider has that can be asked now. */
  readonly providerNames: () => readonly string[]
}

/** The management of a node, and what it does by itself from time to time. */
export interface Office extends Service {
  readonly management: Management
  /** Whose access token it is. Throws `unauthorized`. */
  readonly checkToken: (accessToken: string) => Promise<SignedIn>
}

const sweepEveryMs = 3_600_000

/** Made of the parts a node has anyway. */
export function createOffice(options: OfficeOptions): Office {
  const { config, log, clock, random, memory, live, monitoring, treasury, providerNames } = options
  const { store, sealer, shared, keys, ring, revisions, masterKey, writer } = memory
  const auth = createAuth({
    ...{ store, sealer, shared, masterKey, clock, random, keys, ring, revisions, mailer: monitoring.mailer },
    signUp: signUpOf(config),
    onMailError: cause => {
      const { code, message } = ParleyError.from(cause)
      log.emit({ type: 'service.failed', service: 'mail', code, message })
    },
    onReuse: userId => log.emit({ type: 'session.reused', userId }),
  })
  const sweep = async () => {
    try {
      await auth.signUp?.sweep()
    } catch (cause) {
      const { code, message } = ParleyError.from(cause)
      log.emit({ type: 'service.failed', service: 'accounts', code, message })
    }
  }
  let timer: NodeJS.Timeout | undefined
  const management = createManagement({
    ...{ store, sealer, live, shared, auth, clock, random, treasury, providerNames },
    explain: live.explain,
    models: modelParts(options),
    purgeCache: keyId =>
      shared.cache.purge(keyId === undefined ? cacheTags.all : cacheTags.caller({ kind: 'key', id: keyId })),
    logging: monitoring.logging,
    alertsFiring: monitoring.alertsFiring,
    queues: () => ({ records: writer.status().queued, spooledBytes: writer.status().spooledBytes }),
    allowPrivateUpstreams: config.management.allowPrivateUpstreams,
  })
  return {
    name: 'management',
    management,
    checkToken: token => auth.sessions.check(token),
    start: async () => {
      timer = setInterval(() => void sweep(), sweepEveryMs).unref()
    },
    stop: async () => clearInterval(timer),
  }
}

/** What is known of those who answer, for who chooses a model. */
function modelParts({ live, memory, ranking, network }: OfficeOptions): ModelDeskOptions {
  return {
    candidates: live.candidates,
    targets: ranking.snapshot,
    visibleModels: visibleModels(memory),
    presetOf: memory.presetOf,
    token: async signal => await network.parts().access?.token(signal),
    unreachable: () => {
      const known = network.parts().market?.list() ?? []
      return known.flatMap(({ entry, error }) => (error === undefined ? [] : [entry.provider]))
    },
  }
}
