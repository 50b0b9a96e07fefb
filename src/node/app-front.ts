import type { Config } from '../config/index.ts'
import type { Clock, EventLog, Management, Ownership, ParleyError, Random } from '../core/index.ts'
import {
  type Admission,
  createErrands,
  limited,
  limitedErrands,
  preset,
  presetOn,
  type Ranking,
} from '../gateway/index.ts'
import { createLocalFront, type Front } from '../http/index.ts'
import { userStack } from '../stacks.ts'
import { createAnswerCache } from './answer-cache.ts'
import type { Callers } from './callers.ts'
import type { LiveNode } from './live.ts'
import type { Memory } from './memory.ts'
import type { Monitoring } from './monitoring.ts'
import type { Network } from './network.ts'
import type { OwnModels } from './own-models.ts'
import { createRecorder } from './recording.ts'
import { reloaded } from './reloaded.ts'
import { statusOf } from './status.ts'
import { visibleModels } from './visible-models.ts'

/** What a node is made of. */
export interface NodeParts {
  readonly given: {
    readonly config: Config
    readonly reread: () => Config
    readonly clock: Clock
    readonly random: Random
    readonly uiDirectory: string
  }
  readonly log: EventLog
  readonly live: LiveNode
  readonly own: OwnModels
  readonly network: Network
  readonly memory: Memory
  readonly admission: Admission
  readonly ranking: Ranking
  readonly monitoring: Monitoring
  readonly startedAt: number
}

export interface AppFrontParts extends NodeParts {
  readonly front: ReturnType<typeof frontSettings>
  readonly callers: Callers
  readonly ownership: Ownership
  readonly management: Management
  /** Of the run directory. */
  readonly token: string
}

/** The front for apps and for who manages the node, before the stack that answers apps. */
export function createAppFront(parts: AppFrontParts): Front {
  const { given, log, live, network, memory, admission, monitoring, callers } = parts
  const { config, clock, random } = given
  const { limits, writer } = memory
  const { own, candidates, pricing } = live
  const keepsTexts = config.archive.enabled
  const backend = userStack({
    ...{ log, clock, admission },
    limits: limited({ limits, pricing, asked: presetOn(memory.presetOf) }),
    preset: preset(memory.presetOf),
    cache: createAnswerCache({ config, memory, live, clock, random }),
    router: live.router,
  })
  const names = () => candidates.names?.() ?? []
  return createLocalFront({
    ...parts.front,
    backend,
    random,
    log,
    management: parts.management,
    allowedHosts: config.http.allowedHosts,
    requireKey: config.http.requireKey,
    behindProxy: config.http.behindProxy,
    trustedProxies: config.http.trustedProxies,
    maxConnections: config.http.connectionsMax,
    verifyKey: callers.callerOf,
    recorder: createRecorder({ sink: writer, pricing, keepsTexts, clock, random, providerId: live.providerId }),
    adminToken: parts.token,
    uiDirectory: config.ui.enabled ? given.uiDirectory : undefined,
    reload: async () => {
      await live.reload()
      return reloaded(live.setup(), config, given.reread())
    },
    isOpen: live.isOpen,
    status: () => statusOf(parts),
    metrics: monitoring.metrics,
    explain: async ({ key, ...question }) => {
      const caller = key === undefined ? undefined : await callers.named(key)
      return live.explain({ ...question, ...(caller && { caller }) })
    },
    notReady: () => (admission.isStopping ? ['stopping'] : network.notReady()),
    visibleModels: visibleModels(memory),
    providers: { names, serving: model => candidates.serving(model).map(({ name }) => name) },
    passages: {
      all: () => own.passages(),
      ownership: parts.ownership,
      errands: limitedErrands(createErrands({ log, clock, admission }), limits),
      mayUse: limits.allows,
      headersMs: config.timeouts.headersMs ?? config.timeouts.firstTokenMs,
      idleMs: config.timeouts.idleMs,
    },
  })
}

/** What the front for apps and the one for peers have in common. */
export function frontSettings({ http }: Config, log: EventLog) {
  return {
    heartbeatMs: 15_000,
    stallMs: 30_000,
    maxBodyBytes: http.bodyLimitBytes,
    bodyTimeoutMs: http.requestTimeoutMs,
    headersTimeoutMs: http.headersTimeoutMs,
    requestTimeoutMs: http.requestTimeoutMs,
    onError: (id: string, { code, message }: ParleyError) =>
      log.emit({ type: 'service.failed', service: `request ${id}`, code, message }),
  }
}
