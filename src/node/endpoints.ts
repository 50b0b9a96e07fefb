import type { Config } from '../config/index.ts'
import type { RoutingPolicy } from '../core/index.ts'
import type { Candidate, CandidateSource } from '../gateway/index.ts'
import type { Model } from '../openai/index.ts'

type Endpoint = Config['endpoints'][number]

export interface EndpointsOptions {
  /** Whether apps may ask for models by their own names. */
  readonly isOpen: boolean
  /** Of names that have none. */
  readonly policy: RoutingPolicy
}

/**
 * Model names of this node's own over a source: each stands for targets, in which the model may have other names. A name
 * that no endpoint has means the model itself, as far as `isOpen` lets apps ask for models by their own names.
 */
export function createEndpoints(
  source: CandidateSource,
  endpoints: readonly Endpoint[],
  { isOpen, policy: otherwise }: EndpointsOptions,
): CandidateSource {
  if (endpoints.length === 0) return source
  const byName = new Map(endpoints.map(endpoint => [endpoint.name, endpoint]))
  return {
    serving: name => {
      const endpoint = byName.get(name)
      if (endpoint === undefined) return isOpen ? source.serving(name) : []
      return endpoint.active ? endpoint.targets.flatMap(target => candidatesOf(source, target)) : []
    },
    rules: name => {
      const { policy = impliedPolicy(byName.get(name), otherwise), continues } = byName.get(name) ?? {}
      const own = { ...(policy && { policy }), ...(continues !== undefined && { continues }) }
      return byName.has(name) ? own : source.rules?.(name)
    },
    names: () => source.names?.() ?? [],
    models: async signal => {
      const models = await source.models(signal)
      const own = endpoints.flatMap(endpoint => (endpoint.active ? (modelOf(source, endpoint, models) ?? []) : []))
      return isOpen ? [...own, ...models.filter(({ id }) => !byName.has(id))] : own
    },
  }
}

/** Whoever gives targets different weights means them, where nobody has said how else to choose. */
function impliedPolicy(endpoint: Endpoint | undefined, otherwise: RoutingPolicy): RoutingPolicy | undefined {
  const { targets = [] } = endpoint ?? {}
  const differ = targets.some(({ weight = 1, priority = 1 }) =>
    targets.some(other => (other.priority ?? 1) === priority && (other.weight ?? 1) !== weight),
  )
  return otherwise === 'balanced' && differ ? 'weighted' : undefined
}

/** Weight and priority of a target go before those of who answers. */
function candidatesOf(source: CandidateSource, target: Endpoint['targets'][number]): Candidate[] {
  const { provider, model, weight, priority } = target
  const serving = source.serving(model)
  const wanted = provider === undefined ? serving : serving.filter(candidate => isCalled(candidate, provider))
  const own = { ...(weight !== undefined && { weight }), ...(priority !== undefined && { priority }) }
  return wanted.map(candidate => ({ ...candidate, alias: candidate.alias ?? model, ...own }))
}

function isCalled({ name }: Candidate, wanted: string): boolean {
  return name.toLowerCase() === wanted.toLowerCase()
}

/** Listed while one of its targets can answer, described as the first that can. */
function modelOf(source: CandidateSource, { name, targets }: Endpoint, models: readonly Model[]): Model | undefined {
  const candidates = targets.map(target => candidatesOf(source, target))
  const first = candidates.findIndex(found => found.length > 0)
  const described = first === -1 ? undefined : models.find(({ id }) => id === targets[first]!.model)
  return described && { ...described, id: name, providers: candidates.flat().length }
}
