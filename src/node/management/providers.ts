import {
  type Actor,
  type Live,
  ParleyError,
  type ProviderDesk,
  type ProviderDraft,
  type ProviderRow,
  type ProviderUpdate,
  type ProviderView,
  type ProviderWish,
  pageLimitMax,
  type Random,
  type Sealer,
  type Store,
  type TokenCall,
  type Trial,
} from '../../core/index.ts'
import { type AddressRule, checkAddress } from './addresses.ts'
import { changeLive, defined, inTurn, knownOr } from './common.ts'
import { isElsewhere, reference, refuseMove } from './key-moves.ts'
import { targetsIn } from './mapping.ts'

export interface ProviderParts extends AddressRule {
  readonly store: Pick<Store, 'providers' | 'endpoints'>
  readonly sealer: Sealer
  readonly live: Live
  readonly random: Random
}

export function createProviderDesk(parts: ProviderParts): ProviderDesk {
  const { store, live } = parts
  const turn = inTurn()
  const get = async (id: string) => knownOr(await thereOf(parts, id), 'provider', id)
  return {
    list: async (filter, page) => {
      const listing = await store.providers.list(filter, page)
      const states = live.providers()
      return { ...listing, rows: listing.rows.map(row => viewOf(parts, row, states)) }
    },
    get: async id => viewOf(parts, await get(id)),
    create: (wish, by) => turn(() => create(parts, wish, by)),
    update: (id, update, by) => turn(async () => await change(parts, await get(id), update, by)),
    remove: id =>
      turn(async () => {
        const { name } = await get(id)
        await refuseUsed(parts, name)
        await changeLive(live, () => store.providers.remove(id))
      }),
    test: async (id, call, signal) => await test(parts, await get(id), call, signal),
  }
}

async function thereOf({ store }: ProviderParts, id: string): Promise<ProviderRow | undefined> {
  const row = await store.providers.get(id)
  return row?.deletedAt === null ? row : undefined
}

async function create(parts: ProviderParts, wish: ProviderWish, by: Actor): Promise<ProviderView> {
  const { store, live, random } = parts
  const { type, name, provider, config, key, status = 'active' } = wish
  const id = random.uuid()
  if (key?.startsWith(reference) === true) refuseMove(by, name)
  await refuseTaken(parts, { id, name })
  await checkDraft(parts, { id, type, name, provider, config, ...(key !== undefined && { secret: key }) })
  const row = { id, type, name, provider, config, status, ...(key !== undefined && sealedKey(parts, id, key)) }
  return viewOf(parts, await changeLive(live, () => store.providers.create(row)))
}

async function change(
  parts: ProviderParts,
  old: ProviderRow,
  update: ProviderUpdate,
  by: Actor,
): Promise<ProviderView> {
  const { store, live } = parts
  const { key, ...fields } = update
  const next = { ...old, ...defined(fields) }
  const isRenamed = next.name !== old.name
  if (isRenamed || next.status !== old.status) await refuseTaken(parts, next)
  if (isRenamed || (next.status === 'disabled' && old.status === 'active')) await refuseUsed(parts, old.name)
  if (movesKey(parts, old, next, key)) refuseMove(by, next.name)
  const { id, type, name, provider, config } = next
  const secret = key ?? (key === null ? undefined : openedKey(parts, old))
  await checkDraft(parts, { id, type, name, provider, config, ...(secret !== undefined && { secret }) })
  const kept = key === undefined ? {} : key === null ? noKey : sealedKey(parts, id, key)
  return viewOf(parts, await changeLive(live, () => store.providers.update(id, { ...defined(fields), ...kept })))
}

async function checkDraft(parts: ProviderParts, draft: ProviderDraft): Promise<void> {
  await checkAddress(parts, draft)
  parts.live.check({ providers: [draft] })
}

function movesKey(parts: ProviderParts, old: ProviderRow, next: ProviderRow, key: string | null | undefined): boolean {
  if (key === undefined) return old.secret !== null && isElsewhere(old, next)
  if (key === null || !key.startsWith(reference)) return false
  return key !== variableOf(parts, old) || isElsewhere(old, next)
}

async function refuseTaken(
  { store, live }: ProviderParts,
  { id, name }: Pick<ProviderRow, 'id' | 'name'>,
): Promise<void> {
  const isLive = live.providers().some(other => other.id !== id && other.name.toLowerCase() === name.toLowerCase())
  const stored = await store.providers.find(name)
  if (!isLive && (stored === undefined || stored.id === id)) return
  throw new ParleyError('conflict', `a provider is called ${name} already; choose another name`, { param: 'name' })
}

async function refuseUsed({ store }: ProviderParts, name: string): Promise<void> {
  const { rows } = await store.endpoints.list({}, { page: 1, limit: pageLimitMax })
  const user = rows.find(({ mapping }) => targetsIn(mapping).some(({ provider }) => provider === name))
  if (user === undefined) return
  throw new ParleyError('conflict', `the mapping of ${user.path} names ${name}; take it out there first`)
}

/** A try that ends for a reason of its own is a result; only one whose caller has left is none. */
async function test({ live }: ProviderParts, row: ProviderRow, call: TokenCall, signal: AbortSignal): Promise<Trial> {
  if (row.status === 'disabled') {
    throw new ParleyError('conflict', `the provider ${row.name} is disabled; activate it first`)
  }
  if (!live.providers().some(({ id }) => id === row.id)) {
    const message = `this node cannot ask providers of the type ${row.type}; see its log`
    return { ok: false, ms: 0, error: new ParleyError('unsupported', message) }
  }
  const startedAt = performance.now()
  try {
    return await live.ask(row.name, call, signal)
  } catch (cause) {
    return { ok: false, ms: performance.now() - startedAt, error: ParleyError.from(cause, signal) }
  }
}

const noKey = { secret: null, secretTail: null }
/** Of a short key, four characters would be too much. */
const tailedLength = 16

/** Also the name of a variable is sealed: whoever can write to the database shall not choose what is sent where. */
export function sealedKey({ sealer }: Pick<ProviderParts, 'sealer'>, id: string, key: string) {
  const isLong = key.length >= tailedLength && !key.startsWith(reference)
  return { secret: sealer.seal(key, `provider:${id}`), secretTail: isLong ? key.slice(-4) : null }
}

/** The key in plain; undefined where there is none. */
export function openedKey({ sealer }: Pick<ProviderParts, 'sealer'>, { id, secret }: ProviderRow): string | undefined {
  return secret === null ? undefined : sealer.open(secret, `provider:${id}`)
}

function viewOf(parts: ProviderParts, row: ProviderRow, states = parts.live.providers()): ProviderView {
  const { secret: _secret, secretTail, deletedAt: _deletedAt, ...shown } = row
  const live = states.find(({ id }) => id === row.id) ?? null
  const variable = variableOf(parts, row)
  if (variable !== undefined) return { ...shown, keySource: 'variable', keyHint: variable, live }
  return { ...shown, keySource: row.secret === null ? 'none' : 'sealed', keyHint: secretTail, live }
}

/** `env:NAME`, where the key is a variable. A secret that cannot be opened is to be seen, so that it can be replaced. */
function variableOf(parts: ProviderParts, row: ProviderRow): string | undefined {
  if (row.secretTail !== null) return undefined
  try {
    const key = openedKey(parts, row)
    return key?.startsWith(reference) ? key : undefined
  } catch {
    return undefined
  }
}
