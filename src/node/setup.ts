import {
  type Config,
  type EndpointConfig,
  endpointsOf,
  routingOf,
  type UpstreamConfig,
  upstreamKey,
  upstreamOf,
} from '../config/index.ts'
import {
  type EndpointRow,
  ParleyError,
  type ProviderDraft,
  type ProviderRow,
  type Sealer,
  type SetupDraft,
  type Store,
  type Task,
} from '../core/index.ts'
import type { Upstream } from './source.ts'

/** Everything that may change while a node runs, checked whole. */
export interface NodeSetup {
  readonly upstreams: readonly Upstream[]
  /** Names of this node's own that hold for every kind of call. */
  readonly endpoints: readonly EndpointConfig[]
  /** Those that hold on one API path alone. */
  readonly mapped: ReadonlyMap<ApiPath, readonly EndpointConfig[]>
  readonly routing: Config['routing']
  readonly closedPaths: readonly string[]
}

/** The API paths that have a mapping of their own, and the calls that come by them. */
export const mappedTasks = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completion',
  '/v1/embeddings': 'embedding',
  '/v1/images/generations': 'image',
} as const satisfies Readonly<Record<string, Task>>

export type ApiPath = keyof typeof mappedTasks

/** What the store says, as it is written there. */
export interface SetupRows {
  readonly providers: readonly StoredProvider[]
  readonly endpoints: readonly Pick<EndpointRow, 'path' | 'isActive' | 'mapping'>[]
  /** `routing` of the active configuration. */
  readonly routing: unknown
}

type StoredProvider = Pick<ProviderRow, 'id' | 'name' | 'provider' | 'config'> & {
  /** The secret in plain, or where it is found. Opened each time: it is kept nowhere. */
  readonly secret: () => string | undefined
}

export const noRows: SetupRows = { providers: [], endpoints: [], routing: undefined }

export interface SetupContext {
  readonly env: NodeJS.ProcessEnv
  /** Names that are taken by what came with the node. */
  readonly taken: readonly string[]
  /** Takes what is wrong with a row, which is then left out; without it, it is thrown. */
  readonly onBadRow?: (error: ParleyError) => void
}

/** The setup that file and rows make together. Throws `config_invalid` with what is wrong and where. */
export function setupOf(config: Config, rows: SetupRows, context: SetupContext): NodeSetup {
  const { env, taken } = context
  const own = config.upstreams.map((entry): Upstream => ({ ...entry, apiKey: upstreamKey(entry, env), source: 'file' }))
  const names = new Set([...taken, ...own.map(({ name }) => name)].map(name => name.toLowerCase()))
  const stored = rows.providers.flatMap(row => each(context, () => storedUpstream(row, names, env)))
  const { closedPaths, mapped } = pathsOf(config, rows, context)
  const [routing = config.routing] = each(context, () =>
    routingOf(config.routing, rows.routing, 'routing of the active configuration'),
  )
  return { upstreams: [...own, ...stored], endpoints: config.endpoints, mapped, routing, closedPaths }
}

function each<T>({ onBadRow }: SetupContext, read: () => T): T[] {
  try {
    return [read()]
  } catch (cause) {
    if (onBadRow === undefined) throw cause
    onBadRow(ParleyError.from(cause))
    return []
  }
}

/** Its name is taken from then on, in whatever case somebody writes it. */
function storedUpstream(row: StoredProvider, names: Set<string>, env: NodeJS.ProcessEnv): Upstream {
  const where = `provider ${row.name}`
  if (names.has(row.name.toLowerCase())) {
    throw new ParleyError('conflict', `${where}: another provider of this node has the name; choose another`)
  }
  const secret = row.secret()
  const entry = upstreamOf({ ...row, hasKey: secret !== undefined }, where)
  names.add(row.name.toLowerCase())
  return { ...entry, apiKey: storedKey(entry, secret, env), source: 'store', id: row.id }
}

const reference = 'env:'

function storedKey(entry: UpstreamConfig, secret: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  if (secret === undefined) return upstreamKey(entry, env)
  if (!secret.startsWith(reference)) return secret
  const keyEnv = secret.slice(reference.length)
  if (/^PARLEY_/i.test(keyEnv)) {
    const message = `provider ${entry.name}: ${keyEnv} is a variable of this node itself: its secrets go to no server`
    throw new ParleyError('config_invalid', message)
  }
  return upstreamKey({ name: entry.name, keyEnv }, env)
}

function pathsOf({ endpoints: own }: Config, { endpoints }: SetupRows, context: SetupContext) {
  const mapped = new Map<ApiPath, readonly EndpointConfig[]>()
  for (const { path, mapping } of endpoints) {
    const [entries = []] = each(context, () => mappingOf(path, mapping, own))
    if (isMapped(path) && entries.length > 0) mapped.set(path, entries)
  }
  return { mapped, closedPaths: endpoints.flatMap(({ path, isActive }) => (isActive ? [] : [path])) }
}

function mappingOf(path: string, mapping: unknown, own: readonly EndpointConfig[]): EndpointConfig[] {
  const where = `endpoint ${path}`
  const entries = endpointsOf(mapping, where)
  if (entries.length > 0 && !isMapped(path)) {
    throw new ParleyError('config_invalid', `${where}: it has no mapping; set it where calls come in`)
  }
  const taken = entries.find(({ name }) => own.some(other => other.name === name))
  if (taken === undefined) return entries
  throw new ParleyError(
    'config_invalid',
    `${where}: the configuration has an endpoint ${taken.name}; choose another name`,
  )
}

function isMapped(path: string): path is ApiPath {
  return Object.hasOwn(mappedTasks, path)
}

export type SetupStore = Pick<Store, 'providers' | 'endpoints' | 'configurations' | 'revision'>

const pageRows = 1_000
const providersMax = 10_000
const rereadsMax = 5

/** All rows as they were at one time. Throws `store_unavailable`. */
export async function readRows(store: SetupStore, sealer: Sealer | undefined): Promise<SetupRows> {
  for (let reads = 1; ; reads++) {
    const before = await store.revision()
    const rows = await readOnce(store, sealer)
    if (reads === rereadsMax || (await store.revision()) === before) return rows
  }
}

async function readOnce(store: SetupStore, sealer: Sealer | undefined): Promise<SetupRows> {
  const providers: ProviderRow[] = []
  for (let page = 1; providers.length < providersMax; page++) {
    const { rows } = await store.providers.list({ type: 'api', status: 'active' }, { page, limit: pageRows })
    providers.push(...rows)
    if (rows.length < pageRows) break
  }
  const { rows: endpoints } = await store.endpoints.list({}, { page: 1, limit: pageRows })
  const active = await store.configurations.active()
  return { providers: providers.map(row => toStored(row, sealer)), endpoints, routing: active?.document.routing }
}

function toStored(
  { id, name, provider, config, secret: sealed }: ProviderRow,
  sealer: Sealer | undefined,
): StoredProvider {
  const secret = () => {
    if (sealed === null || sealed.startsWith(reference)) return sealed ?? undefined
    if (sealer === undefined) {
      throw new ParleyError('secret_unreadable', `the key of provider ${name} is sealed and there is no master key`)
    }
    try {
      return sealer.open(sealed, `provider:${id}`)
    } catch (cause) {
      const { code, message } = ParleyError.from(cause)
      throw new ParleyError(code, `provider ${name}: ${message}`, { cause })
    }
  }
  return { id, name, provider, config, secret }
}

/** The rows as a draft would make them. */
export function rowsWith(rows: SetupRows, { providers = [], endpoints = [], routing }: SetupDraft): SetupRows {
  const drafted = providers.filter(({ type }) => type === 'api')
  const kept = rows.providers.filter(({ id }) => !providers.some(draft => draft.id === id))
  const mapped = rows.endpoints.map(row => {
    const drafted = endpoints.find(({ path }) => path === row.path)
    return { ...row, mapping: drafted?.mapping ?? row.mapping }
  })
  const added = endpoints.filter(({ path }) => !rows.endpoints.some(row => row.path === path))
  return {
    providers: [...kept, ...drafted.map(draft => draftedRow(draft, rows))],
    endpoints: [...mapped, ...added.map(row => ({ ...row, isActive: true }))],
    routing: routing ?? rows.routing,
  }
}

function draftedRow({ id, name, provider, config, secret }: ProviderDraft, rows: SetupRows): StoredProvider {
  const kept = rows.providers.find(row => row.id === id)?.secret
  return {
    id: id ?? '',
    name,
    provider,
    config,
    secret: secret === undefined ? (kept ?? (() => undefined)) : () => secret,
  }
}
