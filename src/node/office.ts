import type { SignedIn } from '../auth/index.ts'
import type { Config } from '../config/index.ts'
import type { Clock, EventLog, Management, Random, Service } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { cacheTags } from '../gateway/index.ts'
import type { LiveNode } from './live.ts'
import { createAuth, createManagement, signUpOf } from './management/index.ts'
import type { Memory } from './memory.ts'
import type { Monitoring } from './monitoring.ts'

export interface OfficeOptions {
  readonly config: Config
  readonly log: EventLog
  readonly clock: Clock
  readonly random: Random
  readonly memory: Memory
  readonly live: LiveNode
  readonly monitoring: Monitoring
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
  const { config, log, clock, random, memory, live, monitoring, providerNames } = options
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
    ...{ store, sealer, live, shared, auth, clock, random, providerNames },
    explain: live.explain,
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
