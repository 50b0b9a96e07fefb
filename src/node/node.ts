import { type Config, createDirectories, importedCallerKey } from '../config/index.ts'
import {
  type AlertRow,
  type AlertStore,
  type Clock,
  createEventLog,
  type EventLog,
  type Live,
  type ParleyError,
  type Random,
  type Service,
  startServices,
  stopServices,
  systemClock,
  systemRandom,
} from '../core/index.ts'
import {
  type Admission,
  type CandidateSource,
  createAdmission,
  createErrands,
  createRanking,
  limited,
  limitedErrands,
  preset,
  type Ranking,
} from '../gateway/index.ts'
import { createLocalFront } from '../http/index.ts'
import { userStack } from '../stacks.ts'
import { createLedger, createOwnership } from '../store/index.ts'
import { createAnswerCache } from './answer-cache.ts'
import { createCallers } from './callers.ts'
import { createCooldowns } from './cooldowns.ts'
import { createLive, type LiveNode } from './live.ts'
import { createLocalEndpoint, type LocalEndpoint } from './local-endpoint.ts'
import { type Memory, openMemory } from './memory.ts'
import { createMonitoring, type Monitoring } from './monitoring.ts'
import { createNetwork, type Network } from './network.ts'
import type { OwnBackend, OwnModels } from './own-models.ts'
import { createRecorder } from './recording.ts'
import { reloaded } from './reloaded.ts'
import { createAdminToken, lockHome } from './run-files.ts'
import { type NodeStatus, statusOf } from './status.ts'
import { version } from './version.ts'
import { visibleModels } from './visible-models.ts'

export type { NodeStatus } from './status.ts'

export interface NodeOptions {
  readonly config: Config
  /** Where upstream keys are looked up. */
  readonly env: NodeJS.ProcessEnv
  /** The configuration as it is written down by now, for who changes it while the node runs. */
  readonly reread?: () => Config
  readonly clock?: Clock
  readonly random?: Random
  /** Ways to answer beside those of the configuration; closed when the node stops. */
  readonly backends?: readonly OwnBackend[]
  /** Gets the lines of the log; nobody does when missing. */
  readonly writeLog?: (line: string) => void
}

/** A node: the local endpoint, and what it buys and sells. */
export interface ParleyNode {
  readonly log: EventLog
  /** Throws what keeps it from starting; what can come later (peers, the chain) does not. */
  start: (signal: AbortSignal) => Promise<void>
  /** Takes no new calls, lets running ones end within `timeouts.stopMs`, then stops everything. Never throws, also when called again. */
  stop: () => Promise<void>
  /** Base URL for apps, `/v1` included; after the start. */
  readonly url: string
  /** The API key made at the very first start: to be shown once. */
  readonly firstKey: string | undefined
  readonly status: () => NodeStatus
  /** What may change while it runs. */
  readonly live: Live
  /** How much is logged; can be changed while it runs. */
  readonly logging: Monitoring['logging']
}

const partStopMs = 10_000

export async function createNode(options: NodeOptions): Promise<ParleyNode> {
  const { config, env, clock = systemClock, random = systemRandom, backends = [], writeLog = () => {} } = options
  const { reread = () => config } = options
  createDirectories(config.paths)
  const opened: (() => void | Promise<void>)[] = [lockHome(config.paths).release]
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end()
  }
  try {
    return await assemble({ config, reread, env, clock, random, backends, writeLog }, opened, close)
  } catch (cause) {
    await close()
    throw cause
  }
}

type Given = Required<NodeOptions>

interface Parts {
  readonly given: Given
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

/** What is opened on the way goes to `opened`; `close` ends it, once. */
async function assemble(
  given: Given,
  opened: (() => void | Promise<void>)[],
  close: () => Promise<void>,
): Promise<ParleyNode> {
  const { config, clock, random } = given
  const log = createEventLog(() => clock.now())
  const memory = await openMemory({ config, log, clock, random, importedKey: importedCallerKey(given.env) })
  opened.push(memory.close)
  const ledger = createLedger(config.paths.ledgerFile, { clock })
  opened.push(ledger.close)
  const ownership = createOwnership(config.paths.ownershipFile, { clock })
  opened.push(ownership.close)
  const { store, ring, limits, writer } = memory
  const keepsTexts = config.archive.enabled
  const callers = createCallers({ ring, keys: store.keys, keepsTexts })
  const ranking = createRanking(clock, random, (name, ms) => cooldowns.tell(name, ms))
  const peers: CandidateSource = {
    serving: model => network.serving(model),
    names: () => network.names?.() ?? [],
    models: signal => network.models(signal),
  }
  const { keyName } = callers
  const changes = memory.revisions
  const live = await createLive({ ...given, log, peers, ranking, keyName, store, sealer: memory.sealer, changes })
  const { own, candidates, pricing } = live
  const names = () => own.fleet().members.flatMap(({ source, upstream }) => (upstream ? source.name : []))
  const cooldowns = createCooldowns({ shared: memory.shared, ranking, names })
  const monitoring = await createMonitoring({
    ...{ ...given, log, now: clock.now },
    targets: ranking.snapshot,
    providerNames: () => own.names?.() ?? [],
  })
  opened.push(monitoring.close)
  keepNews(monitoring, memory)
  const admission = createAdmission({
    maxRunning: config.http.concurrency,
    maxRunningPerPrincipal: config.http.perKeyConcurrency,
  })
  const front = frontSettings(config, log)
  const { forSale } = live
  const network = await createNetwork({ ...given, log, own, ledger, admission, ranking, forSale, front, ...callers })
  const parts: Parts = {
    given,
    log,
    live,
    own,
    network,
    memory,
    admission,
    ranking,
    monitoring,
    startedAt: clock.now(),
  }
  const backend = userStack({
    log,
    clock,
    limits: limited({ limits, pricing }),
    preset: preset(memory.presetOf),
    cache: createAnswerCache({ config, memory, live, clock, random }),
    admission,
    router: live.router,
  })
  const token = createAdminToken(random)
  const local = createLocalFront({
    ...front,
    backend,
    allowedHosts: config.http.allowedHosts,
    requireKey: config.http.requireKey,
    verifyKey: callers.callerOf,
    recorder: createRecorder({
      ...{ sink: writer, pricing, keepsTexts, clock, random },
      providerId: live.providerId,
    }),
    adminToken: token,
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
    providers: {
      names: () => candidates.names?.() ?? [],
      serving: model => candidates.serving(model).map(({ name }) => name),
    },
    passages: {
      all: () => own.passages(),
      ownership,
      errands: limitedErrands(createErrands({ log, clock, admission }), limits),
      headersMs: config.timeouts.headersMs ?? config.timeouts.firstTokenMs,
      idleMs: config.timeouts.idleMs,
    },
    random,
    maxConnections: config.http.connectionsMax,
  })
  const endpoint = createLocalEndpoint(local, config, token)
  return running(parts, [memory, monitoring, own, live, cooldowns, network, endpoint], endpoint, close)
}

/** Lines of the log and alerts stay in the store. What is told of each call is in its row already. */
function keepNews(monitoring: Monitoring, { store, writer }: Memory): void {
  monitoring.keepLines(row => {
    if (row.requestId === null || row.level === 'error') writer.putLog(row)
  })
  monitoring.keepAlerts(alert => void keepAlert(store.alerts, alert).catch(() => undefined))
}

async function keepAlert(alerts: AlertStore, { state, endedAt: _endedAt, ...alert }: AlertRow): Promise<void> {
  if (state === 'firing') await alerts.create(alert)
  else await alerts.resolve(alert.id, alert.value)
}

function running(
  parts: Parts,
  services: readonly Service[],
  endpoint: LocalEndpoint,
  close: () => Promise<void>,
): ParleyNode {
  const { log, memory, admission, given, monitoring } = parts
  let firstKey: string | undefined
  let stopping: Promise<void> | undefined
  const stop = async () => {
    await admission.drain(AbortSignal.timeout(given.config.timeouts.stopMs))
    for (const { code, message } of await stopServices(services, partStopMs)) {
      log.emit({ type: 'service.failed', service: 'stopping', code, message })
    }
    log.emit({ type: 'node.stopped' })
    await close()
  }
  return {
    log,
    get url() {
      return endpoint.url()
    },
    get firstKey() {
      return firstKey
    },
    status: () => statusOf(parts),
    live: parts.live,
    logging: monitoring.logging,
    start: async signal => {
      try {
        firstKey = await makeFirstKey(memory)
        await startServices(services, signal)
      } catch (cause) {
        // Whatever had started is stopped by now.
        stopping ??= Promise.resolve()
        await close()
        throw cause
      }
      log.emit({ type: 'node.started', role: given.config.provider.enabled ? 'provider' : 'user', version })
    },
    stop: () => (stopping ??= stop()),
  }
}

/** Of nodes that share a store and start at once, more than one may make it: each shows its own. */
async function makeFirstKey({ store, keys }: Memory): Promise<string | undefined> {
  const { total } = await store.keys.list({}, { page: 1, limit: 1 })
  return total === 0 ? (await keys.create({ name: 'default' })).secret : undefined
}

function frontSettings({ http }: Config, log: EventLog) {
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
