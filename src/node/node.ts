import { type Config, createDirectories, importedCallerKey } from '../config/index.ts'
import {
  type Clock,
  createEventLog,
  type EventLog,
  type Live,
  type Random,
  type Service,
  startServices,
  stopServices,
  systemClock,
  systemRandom,
} from '../core/index.ts'
import { type CandidateSource, createAdmission, createRanking } from '../gateway/index.ts'
import { createLedger, createOwnership } from '../store/index.ts'
import { createAccountKeeper } from './account-keeper.ts'
import { createAppFront, frontSettings, type NodeParts } from './app-front.ts'
import { createCallers } from './callers.ts'
import { createCooldowns } from './cooldowns.ts'
import { keepNews } from './kept-news.ts'
import { createLive } from './live.ts'
import { createLocalEndpoint, type LocalEndpoint } from './local-endpoint.ts'
import { type Memory, openMemory } from './memory.ts'
import { createMonitoring, type Monitoring } from './monitoring.ts'
import { createNetwork } from './network.ts'
import { createOffice } from './office.ts'
import type { OwnBackend } from './own-models.ts'
import { builtUi, pageLinks } from './page.ts'
import { createAdminToken, lockHome } from './run-files.ts'
import { type NodeStatus, statusOf } from './status.ts'
import { createTreasury } from './treasury/index.ts'
import { version } from './version.ts'

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
  /** Where the page of the node was built; where that is usually so when missing. */
  readonly uiDirectory?: string
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
  /** Where a browser opens the page of the node, with a code that lets it in once; undefined where there is no page. */
  readonly page: () => Promise<string | undefined>
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
  const { reread = () => config, uiDirectory = builtUi } = options
  createDirectories(config.paths)
  const opened: (() => void | Promise<void>)[] = [lockHome(config.paths).release]
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end()
  }
  try {
    return await assemble({ config, reread, env, clock, random, backends, uiDirectory, writeLog }, opened, close)
  } catch (cause) {
    await close()
    throw cause
  }
}

type Given = Required<NodeOptions>

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
  const { store, ring } = memory
  const callers = createCallers({
    ...{ ring, keys: store.keys, keepsTexts: config.archive.enabled },
    checkToken: token => office.checkToken(token),
  })
  const ranking = createRanking(clock, random, (name, ms) => cooldowns.tell(name, ms))
  const peers: CandidateSource = {
    serving: model => network.serving(model),
    names: () => network.names?.() ?? [],
    models: signal => network.models(signal),
  }
  const { keyName } = callers
  const changes = memory.revisions
  const live = await createLive({ ...given, log, peers, ranking, keyName, store, sealer: memory.sealer, changes })
  const { own } = live
  const names = () => own.fleet().members.flatMap(({ source, upstream }) => (upstream ? source.name : []))
  const cooldowns = createCooldowns({ shared: memory.shared, ranking, names })
  const monitoring = await createMonitoring({
    ...{ ...given, log, now: clock.now },
    targets: ranking.snapshot,
    providerNames: () => own.names?.() ?? [],
  })
  opened.push(monitoring.close)
  opened.push(await keepNews({ monitoring, memory }))
  const admission = createAdmission({
    maxRunning: config.http.concurrency,
    maxRunningPerPrincipal: config.http.perKeyConcurrency,
  })
  const front = frontSettings(config, log)
  const { forSale } = live
  const accounts = await createAccountKeeper(config, random)
  const network = await createNetwork({
    ...{ ...given, log, accounts, own, ledger, admission, ranking, forSale, front, ...callers },
  })
  const treasury = createTreasury({
    ...{ config, clock, random, ledger, accounts, network },
    models: () => new Set([...own.known(), ...network.known()].map(({ id }) => id)).size,
    url: () => endpoint.url(),
  })
  const parts: NodeParts = {
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
  const token = createAdminToken(random)
  const providerNames = () => live.candidates.names?.() ?? []
  const office = createOffice({
    ...{ config, log, clock, random, memory },
    ...{ live, monitoring, ranking, network, treasury, providerNames },
  })
  const { management } = office
  const local = createAppFront({ ...parts, front, callers, ownership, management, token })
  const endpoint = createLocalEndpoint(local, config, token)
  const page = pageLinks(config, endpoint.url, management.account.makePageCode)
  const services = [memory, monitoring, own, live, cooldowns, network, treasury, office, endpoint]
  return running(parts, services, { ...endpoint, page }, close)
}

function running(
  parts: NodeParts,
  services: readonly Service[],
  endpoint: Pick<LocalEndpoint, 'url'> & Pick<ParleyNode, 'page'>,
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
    page: endpoint.page,
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
