import type { Clock, EndpointSetup, JsonDocument, LiveProvider, Setup, UpstreamSetup } from '../core/index.ts'
import type { Ranking, TargetState } from '../gateway/index.ts'
import type { Member } from './own-models.ts'
import type { NodeSetup } from './setup.ts'
import type { Upstream } from './source.ts'

/** What runs, as it may be shown: where keys come from, and none of them. */
export function setupView(
  { upstreams, endpoints, mapped, routing, closedPaths }: NodeSetup,
  generation: number,
): Setup {
  return {
    generation,
    upstreams: upstreams.map(upstreamView),
    endpoints: [
      ...endpoints.map(endpoint => endpointView(endpoint, undefined)),
      ...[...mapped].flatMap(([path, own]) => own.map(endpoint => endpointView(endpoint, path))),
    ],
    routing: { ...routing } as JsonDocument,
    closedPaths,
  }
}

function upstreamView({ apiKey, ...upstream }: Upstream): UpstreamSetup {
  const { name, source, id, kind, url, region, resource, models, weight = 1, priority = 1, prices } = upstream
  const { keyEnv, keyFile } = upstream
  const key =
    keyEnv !== undefined ? 'variable' : keyFile !== undefined ? 'file' : apiKey === undefined ? 'none' : 'sealed'
  return {
    ...{ name, source, kind, models, weight, priority, key },
    ...(id !== undefined && { id }),
    ...(url !== undefined && { url }),
    ...(region !== undefined && { region }),
    ...(resource !== undefined && { resource }),
    ...(keyEnv !== undefined && { keyEnv }),
    ...(keyFile !== undefined && { keyFile }),
    prices: prices.map(price => ({ ...price })),
  }
}

function endpointView(endpoint: NodeSetup['endpoints'][number], path: string | undefined): EndpointSetup {
  const { name, active, policy, continues, targets } = endpoint
  return {
    ...{ name, active, source: path === undefined ? 'file' : 'store' },
    ...(path !== undefined && { path }),
    ...(policy !== undefined && { policy }),
    ...(continues !== undefined && { continues }),
    targets: targets.map(({ provider, model, weight, priority }) => ({
      model,
      ...(provider !== undefined && { provider }),
      ...(weight !== undefined && { weight }),
      ...(priority !== undefined && { priority }),
    })),
  }
}

/** How each of them is now: those that are set up first. */
export function providerStates(members: readonly Member[], ranking: Ranking, clock: Clock): LiveProvider[] {
  const states = new Map(ranking.snapshot().map(state => [state.name, state]))
  const all = members.map(member => stateOf(member, states.get(member.source.name), clock))
  return [...all.filter(({ source }) => source !== 'code'), ...all.filter(({ source }) => source === 'code')]
}

function stateOf({ source, upstream }: Member, state: TargetState | undefined, clock: Clock): LiveProvider {
  const { name, kind, listing } = source
  const error = listing.error()
  const isResting = state?.state === 'open'
  const lastErrorCode = error?.code ?? state?.lastErrorCode
  return {
    name,
    source: upstream?.source ?? 'code',
    ...(upstream?.id !== undefined && { id: upstream.id }),
    kind: upstream?.kind ?? kind,
    state: error !== undefined ? 'down' : isResting ? 'resting' : 'up',
    ...(isResting && { coolsDownUntil: Math.ceil(clock.now() + state.coolsDownForMs) }),
    ...(lastErrorCode !== undefined && { lastErrorCode }),
    models: listing.models().map(({ id }) => id),
    running: state?.running ?? 0,
  }
}
