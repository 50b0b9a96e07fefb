import type { Config } from '../config/index.ts'
import type { Clock } from '../core/index.ts'
import type { Admission, Ranking, TargetState } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'
import type { Network } from './network.ts'
import type { OwnModels } from './own-models.ts'
import { version } from './version.ts'

/** What `/api/status` and `parley status` tell. Amounts are decimal strings in the smallest unit of the token. */
export interface NodeStatus {
  readonly v: 1
  readonly version: string
  readonly roles: readonly string[]
  readonly uptimeSeconds: number
  readonly running: number
  readonly models: readonly string[]
  readonly notReady: readonly string[]
  readonly chain: ReturnType<Network['chainStatus']>
  readonly p2p: ReturnType<Network['p2pStatus']>
  readonly providers: ReturnType<Network['providerStatus']>
  readonly selling: ReturnType<Network['selling']>
  /** How everybody fares whom this node has asked; those that have something to tell first. */
  readonly targets: readonly TargetState[]
}

export interface StatusParts {
  readonly given: { readonly config: Config; readonly clock: Clock }
  readonly own: OwnModels
  readonly network: Network
  readonly admission: Admission
  readonly ranking: Ranking
  readonly startedAt: number
}

const targetsShown = 200

export function statusOf({ given, own, network, admission, ranking, startedAt }: StatusParts): NodeStatus {
  const listed: Model[] = own.known().concat(network.known())
  return {
    v: 1,
    version,
    roles: given.config.provider.enabled ? ['user', 'provider'] : ['user'],
    uptimeSeconds: Math.round((given.clock.now() - startedAt) / 1_000),
    running: admission.running,
    models: [...new Set(listed.map(({ id }) => id))],
    notReady: network.notReady(),
    chain: network.chainStatus(),
    p2p: network.p2pStatus(),
    providers: network.providerStatus(),
    selling: network.selling(),
    targets: telling(ranking.snapshot()).slice(0, targetsShown),
  }
}

function telling(targets: readonly TargetState[]): TargetState[] {
  const quiet = ({ state, running }: TargetState) => (state === 'closed' ? (running > 0 ? 1 : 2) : 0)
  return targets.toSorted((a, b) => quiet(a) - quiet(b))
}
