import { storedRouting } from '../../config/index.ts'
import {
  type Actor,
  type ConfigurationChanges,
  type ConfigurationDesk,
  type ConfigurationDocument,
  type ConfigurationProvider,
  configurationSchema,
  type Live,
  ParleyError,
  type ProviderDraft,
  type ProviderRow,
  pageLimitMax,
  type Random,
  type RunningChange,
  type Sealer,
  type Store,
} from '../../core/index.ts'
import { type AddressRule, checkAddress } from './addresses.ts'
import { changeLive, inTurn, knownOr } from './common.ts'
import {
  changesOf,
  type Difference,
  differenceOf,
  documentOf,
  hasLostKey,
  type Running,
} from './configuration-document.ts'
import { isElsewhere, reference, refuseMove } from './key-moves.ts'
import { checkTargets } from './mapping.ts'
import { openedKey, sealedKey } from './providers.ts'

export interface ConfigurationParts extends AddressRule {
  readonly store: Pick<Store, 'providers' | 'endpoints' | 'configurations' | 'revision'>
  readonly sealer: Sealer
  readonly live: Live
  readonly random: Random
  /** Of all that can be asked. */
  readonly providerNames: () => Promise<readonly string[]>
}

const savedMax = 1_000

export function createConfigurationDesk(parts: ConfigurationParts): ConfigurationDesk {
  const { configurations } = parts.store
  const turn = inTurn()
  const get = async (id: string) => knownOr(await configurations.get(id), 'configuration', id)
  const running = async () => documentOf(await readRunning(parts), row => variableOf(parts, row))
  return {
    list: page => configurations.list({}, page),
    get,
    create: (name, description) =>
      turn(async () => {
        await refuseMany(parts)
        return await configurations.create({ name, description, document: { ...(await running()) } })
      }),
    update: (id, change) => configurations.update(id, change),
    remove: id => configurations.remove(id),
    activate: (id, by) =>
      turn(async () => {
        const { document } = await get(id)
        return await become(parts, checkedDocument(document), id, by)
      }),
    export: running,
    import: ({ document, name, isTrial }, by) =>
      turn(async () => {
        await refuseMany(parts)
        const wanted = checkedDocument(document as never)
        if (isTrial) return (await planOf(parts, wanted, by)).changes
        const active = { name, description: 'imported', document: { ...wanted } }
        return await become(parts, wanted, active, by)
      }),
  }
}

async function refuseMany({ store }: ConfigurationParts): Promise<void> {
  const { total } = await store.configurations.list({}, { page: 1, limit: 1 })
  if (total < savedMax) return
  throw new ParleyError('conflict', `${savedMax} configurations are saved, which is the most; remove one first`)
}

/** What an older or newer program wrote is not guessed at. */
function checkedDocument(document: Readonly<Record<string, unknown>>): ConfigurationDocument {
  const { schema, providers, endpoints, routing } = document
  const isKnown = schema === configurationSchema && Array.isArray(providers) && Array.isArray(endpoints)
  if (isKnown && typeof routing === 'object') return document as unknown as ConfigurationDocument
  const message = `this configuration is of the schema ${String(schema)}, and this node knows ${configurationSchema} alone`
  throw new ParleyError('invalid_request', message, { param: 'schema' })
}

/** One state of the store: what others change meanwhile is noticed when it is to be changed. */
async function readRunning({ store, live }: ConfigurationParts): Promise<Running> {
  const revision = await store.revision()
  const providers: ProviderRow[] = []
  for (let page = 1; ; page++) {
    const { rows } = await store.providers.list({}, { page, limit: pageLimitMax })
    providers.push(...rows)
    if (rows.length < pageLimitMax) break
  }
  const { rows: endpoints } = await store.endpoints.list({}, { page: 1, limit: pageLimitMax })
  return { revision, providers, endpoints, routing: storedRouting(live.setup().routing) }
}

function variableOf(parts: ConfigurationParts, row: ProviderRow): string | undefined {
  if (row.secretTail !== null) return undefined
  const key = openedKey(parts, row)
  return key?.startsWith(reference) ? key : undefined
}

interface Plan {
  readonly running: Running
  readonly difference: Difference
  readonly change: Omit<RunningChange, 'active'>
  readonly changes: ConfigurationChanges
}

/** Checks all of it and says what is to be done; throws `invalid_request` for what could not run. */
async function planOf(parts: ConfigurationParts, wanted: ConfigurationDocument, by: Actor): Promise<Plan> {
  const running = await readRunning(parts)
  const difference = differenceOf(running, wanted, row => variableOf(parts, row))
  refuseMoves(parts, difference, by)
  const names = [...(await parts.providerNames()), ...wanted.providers.map(({ name }) => name)]
  const gone = new Set(difference.removed.map(({ name }) => name))
  for (const { mapping } of wanted.endpoints)
    checkTargets(
      mapping,
      names.filter(name => !gone.has(name)),
    )
  const created = difference.created.map(provider => ({ id: parts.random.uuid(), provider }))
  const drafts = await draftsOf(parts, difference, created)
  const { endpoints, routing } = wanted
  parts.live.check({ providers: drafts.active, endpoints, routing })
  const change = {
    revision: running.revision,
    created: created.map(({ id, provider }) => ({ id, ...rowOf(parts, id, provider, drafts.lacking) })),
    updated: difference.updated.map(({ row, wanted: provider }) => ({
      id: row.id,
      change: {
        ...rowOf(parts, row.id, provider, drafts.lacking),
        ...(hasLostKey(row, provider, each => variableOf(parts, each)) && { secret: null, secretTail: null }),
      },
    })),
    removed: difference.removed.map(({ id }) => id),
    endpoints: difference.endpoints.map(({ row, wanted: { active, mapping } }) => ({
      id: row.id,
      change: { isActive: active, mapping },
    })),
  }
  return { running, difference, change, changes: changesOf(difference, drafts.withoutKey) }
}

function refuseMoves(parts: ConfigurationParts, { created, updated }: Difference, by: Actor): void {
  for (const { name, key } of created) if (key !== undefined) refuseMove(by, name)
  for (const { row, wanted } of updated) {
    const isNew = wanted.key !== undefined && wanted.key !== variableOf(parts, row)
    if (isNew || (row.secret !== null && isElsewhere(row, wanted))) refuseMove(by, wanted.name)
  }
}

interface Drafts {
  readonly active: readonly ProviderDraft[]
  /** Those that cannot run without a key, and have none: they are kept, but not in use. */
  readonly lacking: ReadonlySet<string>
  readonly withoutKey: readonly string[]
}

async function draftsOf(
  parts: ConfigurationParts,
  { updated }: Difference,
  created: readonly { readonly id: string; readonly provider: ConfigurationProvider }[],
): Promise<Drafts> {
  const active: ProviderDraft[] = []
  const lacking = new Set<string>()
  const withoutKey: string[] = []
  for (const { id, provider } of created) {
    const draft = draftOf(id, provider, provider.key)
    await checkAddress(parts, draft)
    if (provider.key === undefined) withoutKey.push(provider.name)
    if (provider.key === undefined && wantsKey(parts, draft)) lacking.add(provider.name)
    else if (provider.status === 'active') active.push(draft)
  }
  for (const { row, wanted } of updated) {
    const draft = draftOf(row.id, wanted, wanted.key ?? openedKey(parts, row))
    await checkAddress(parts, draft)
    if (wanted.status === 'active') active.push(draft)
  }
  return { active, lacking, withoutKey }
}

function draftOf(id: string, { name, type, provider, config }: ConfigurationProvider, key: string | undefined) {
  return { id, name, type, provider, config, ...(key !== undefined && { secret: key }) }
}

/** Whether it is right but for its key. */
function wantsKey({ live }: ConfigurationParts, draft: ProviderDraft): boolean {
  try {
    live.check({ providers: [draft] })
    return false
  } catch {
    live.check({ providers: [{ ...draft, secret: 'a key that is not there' }] })
    return true
  }
}

function rowOf(
  parts: ConfigurationParts,
  id: string,
  { name, type, provider, config, status, key }: ConfigurationProvider,
  lacking: ReadonlySet<string>,
) {
  const kept = key === undefined ? {} : sealedKey(parts, id, key)
  return { name, type, provider, config, status: lacking.has(name) ? ('disabled' as const) : status, ...kept }
}

/** All of it in one piece, for calls as for other nodes. */
async function become(
  parts: ConfigurationParts,
  wanted: ConfigurationDocument,
  active: RunningChange['active'],
  by: Actor,
): Promise<ConfigurationChanges> {
  const { store, live } = parts
  const { change, changes } = await planOf(parts, wanted, by)
  await changeLive(live, () => store.configurations.apply({ ...change, active }))
  return changes
}
