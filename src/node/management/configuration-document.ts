import {
  type ConfigurationChanges,
  type ConfigurationDocument,
  type ConfigurationEndpoint,
  type ConfigurationProvider,
  configurationSchema,
  type EndpointRow,
  type JsonDocument,
  ParleyError,
  type ProviderRow,
} from '../../core/index.ts'
import { isSame, sorted } from './common.ts'

/** What runs, as it is in the store. */
export interface Running {
  /** Of the store, when it was read. */
  readonly revision: number
  readonly providers: readonly ProviderRow[]
  readonly endpoints: readonly EndpointRow[]
  readonly routing: JsonDocument
}

/** Rows as a document. `keyOf` says where a key is found; it is never the key itself. */
export function documentOf(
  { providers, endpoints, routing }: Running,
  keyOf: (row: ProviderRow) => string | undefined,
): ConfigurationDocument {
  return sorted({
    schema: configurationSchema,
    providers: providers.map(row => providerOf(row, keyOf(row))).sort(by(({ name }) => name)),
    endpoints: endpoints.map(endpointOf).sort(by(({ path }) => path)),
    routing,
  })
}

function providerOf(row: ProviderRow, key: string | undefined): ConfigurationProvider {
  const { name, type, provider, config, status } = row
  return { name, type, provider, config, status, ...(key !== undefined && { key }) }
}

function endpointOf({ path, isActive: active, mapping }: EndpointRow): ConfigurationEndpoint {
  return { path, active, mapping }
}

function by<T>(name: (value: T) => string): (one: T, other: T) => number {
  return (one, other) => (name(one) < name(other) ? -1 : 1)
}

/** What has to be done so that this runs. A provider keeps its name, and with it its row and its key. */
export interface Difference {
  readonly created: readonly ConfigurationProvider[]
  readonly updated: readonly { readonly row: ProviderRow; readonly wanted: ConfigurationProvider }[]
  readonly removed: readonly ProviderRow[]
  readonly endpoints: readonly { readonly row: EndpointRow; readonly wanted: ConfigurationEndpoint }[]
  readonly isRoutingNew: boolean
}

export function differenceOf(
  running: Running,
  wanted: ConfigurationDocument,
  keyOf: (row: ProviderRow) => string | undefined,
): Difference {
  refuseTwice(wanted)
  const rows = new Map(running.providers.map(row => [row.name, row]))
  const names = new Set(wanted.providers.map(({ name }) => name))
  const updated = wanted.providers.flatMap(provider => {
    const row = rows.get(provider.name)
    if (row === undefined) return []
    // A key that is only here stays; where both name a variable it is compared with the rest.
    const own = providerOf(row, provider.key === undefined ? undefined : keyOf(row))
    return isSame(own, provider) && !hasLostKey(row, provider, keyOf) ? [] : [{ row, wanted: provider }]
  })
  return {
    created: wanted.providers.filter(({ name }) => !rows.has(name)),
    updated,
    removed: running.providers.filter(({ name }) => !names.has(name)),
    endpoints: wanted.endpoints.flatMap(endpoint => {
      const row = running.endpoints.find(({ path }) => path === endpoint.path)
      if (row === undefined) throw unknownPath(endpoint.path)
      return isSame(endpointOf(row), endpoint) ? [] : [{ row, wanted: endpoint }]
    }),
    isRoutingNew: !isSame(running.routing, wanted.routing),
  }
}

/** A key in a variable is part of the document: where the document has none, none is meant. */
export function hasLostKey(
  row: ProviderRow,
  wanted: ConfigurationProvider,
  keyOf: (row: ProviderRow) => string | undefined,
): boolean {
  return wanted.key === undefined && keyOf(row) !== undefined
}

export function changesOf(difference: Difference, withoutKey: readonly string[]): ConfigurationChanges {
  return {
    created: difference.created.map(({ name }) => name),
    updated: difference.updated.map(({ wanted }) => wanted.name),
    removed: difference.removed.map(({ name }) => name),
    endpoints: difference.endpoints.map(({ wanted }) => wanted.path),
    routing: difference.isRoutingNew,
    withoutKey,
  }
}

function refuseTwice({ providers, endpoints }: ConfigurationDocument): void {
  const names = [...providers.map(({ name }) => name), ...endpoints.map(({ path }) => path)]
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice === undefined) return
  throw new ParleyError('invalid_request', `config: ${twice} is there twice; keep one`, { param: 'config' })
}

function unknownPath(path: string): ParleyError {
  const message = `config.endpoints: ${path} is no path that can be configured; see the list of endpoints`
  return new ParleyError('invalid_request', message, { param: 'config.endpoints' })
}
