import type { Config } from '../config/index.ts'
import type { Backend, Clock, EventLog, Principal, Task } from '../core/index.ts'
import {
  type CandidateSource,
  createHedging,
  type ExplainOptions,
  type Hedging,
  type Ranking,
  type RouterOptions,
  router,
  ruledRouter,
} from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import { createCandidates } from './candidates.ts'
import { createEndpoints } from './endpoints.ts'
import type { Fleet } from './own-models.ts'
import { type ApiPath, mappedTasks, type NodeSetup } from './setup.ts'

export interface TreeParts {
  readonly fleet: Fleet
  /** What others sell. */
  readonly peers: CandidateSource
  readonly config: Pick<Config, 'timeouts' | 'provider'>
  readonly ranking: Ranking
  readonly clock: Clock
  readonly log: EventLog
  readonly keyName: (principal: Principal) => string | undefined
  /** Goes on with its count of second targets where nothing of it was changed. */
  readonly former: Tree | undefined
}

/** All that answers under one setup: a call goes through one of them from its start to its end. */
export interface Tree {
  readonly setup: NodeSetup
  readonly fleet: Fleet
  /** For this node's own callers. */
  readonly router: Backend
  /** For peers: what is for sale, and nothing else this node could answer with. */
  readonly forSale: Backend
  readonly hedging: Hedging | undefined
  /** Who may answer calls of a task. */
  readonly candidates: (task: Task) => CandidateSource
  /** Every name there is, whatever it answers. */
  readonly listing: CandidateSource
  readonly explaining: (task: Task) => ExplainOptions
}

export function createTree(setup: NodeSetup, parts: TreeParts): Tree {
  const { fleet, peers, ranking, keyName } = parts
  const all = createCandidates(fleet, peers)
  const isOpen = setup.routing.expose === 'all'
  const named = (endpoints: NodeSetup['endpoints']) =>
    createEndpoints(all, endpoints, { isOpen, policy: setup.routing.policy })
  const common = named(setup.endpoints)
  const byTask = new Map<Task, CandidateSource>(
    [...setup.mapped].map(([path, own]) => [mappedTasks[path as ApiPath], named([...setup.endpoints, ...own])]),
  )
  const candidates = (task: Task) => byTask.get(task) ?? common
  const listing = named(everyName(setup))
  const hedging = hedgingOf(setup, parts)
  const options = { ranking, ...boundsOf(setup, parts) }
  const { rules } = setup.routing
  const routerOver = (source: CandidateSource) =>
    ruledRouter({ ...options, candidates: source, rules, hedging, keyName })
  const routers = new Map([...byTask].map(([task, source]) => [task, routerOver(source)]))
  const otherwise = routerOver(common)
  return {
    ...{ setup, fleet, hedging, candidates, listing },
    router: {
      name: otherwise.name,
      models: signal => listing.models(signal),
      run: (call, context) => (routers.get(call.task) ?? otherwise).run(call, context),
    },
    forSale: router({ ...options, candidates: forSale(fleet, parts.config) }),
    explaining: task => ({ ...options, candidates: candidates(task), rules, hedging }),
  }
}

function boundsOf(
  { routing }: NodeSetup,
  { config: { timeouts }, clock, log }: TreeParts,
): Omit<RouterOptions, 'candidates' | 'ranking'> {
  return {
    ...{ clock, log, policy: routing.policy },
    maxAttempts: routing.attemptsMax,
    sameTargetRetries: routing.sameProviderRetries,
    timeouts: { firstChunkMs: timeouts.firstTokenMs, idleMs: timeouts.idleMs, totalMs: timeouts.totalMs },
  }
}

/** Second targets are bounded over all calls: a change of something else must not give them room anew. */
function hedgingOf({ routing }: NodeSetup, { former, ranking, clock, log }: TreeParts): Hedging | undefined {
  const { hedge, hedgePercentMax: maxPercent } = routing
  const before = former?.setup.routing
  if (!hedge) return undefined
  const isSame = before?.hedge === hedge && before.hedgePercentMax === maxPercent
  return isSame ? former?.hedging : createHedging({ ranking, clock, log, maxPercent })
}

/** The names of all paths; one that several have is shown as the first describes it. */
function everyName({ endpoints, mapped }: NodeSetup): NodeSetup['endpoints'] {
  const all = [...endpoints, ...[...mapped.values()].flat()]
  return [...new Map(all.toReversed().map(endpoint => [endpoint.name, endpoint])).values()].toReversed()
}

/** Peers get what is for sale and nothing else this node could answer with. */
function forSale(fleet: Fleet, { provider: { models } }: TreeParts['config']): CandidateSource {
  const isSold = (id: string) => models.length === 0 || models.includes(id)
  return {
    serving: model => (isSold(model) ? fleet.serving(model) : []),
    names: () => fleet.names?.() ?? [],
    models: async (signal): Promise<Model[]> => (await fleet.models(signal)).filter(({ id }) => isSold(id)),
  }
}
