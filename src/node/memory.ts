import { existsSync, rmSync } from 'node:fs'
import {
  type BudgetBook,
  createBudgetBook,
  createKeyRing,
  createKeys,
  createLimits,
  createRevisions,
  type KeyRing,
  type Keys,
  type Revisions,
  withPeople,
} from '../auth/index.ts'
import { type Config, masterKey, redisUrl, storePlace } from '../config/index.ts'
import {
  type Clock,
  type EventLog,
  type Limits,
  ParleyError,
  type Principal,
  type Random,
  type Sealer,
  type Service,
  type Shared,
  startServices,
  stopServices,
  windowAround,
} from '../core/index.ts'
import { Preset } from '../openai/index.ts'
import {
  createMemoryShared,
  createRedisShared,
  createSealer,
  createSweeper,
  createWriter,
  importKeys,
  openMasterKey,
  openStore,
  type RecordWriter,
  type SqlStore,
} from '../store/index.ts'
import { withImportedKey } from './imported-key.ts'

export interface MemoryOptions {
  readonly config: Config
  readonly log: EventLog
  readonly clock: Clock
  readonly random: Random
  /** A key of callers that is kept in no store. */
  readonly importedKey?: string | undefined
}

/** What the node manages and records, whoever shares that with it, and who may do what. */
export interface Memory extends Service {
  readonly store: SqlStore
  /** Whether the store is a file of this node's own. */
  readonly isAlone: boolean
  readonly sealer: Sealer
  /** What signs and seals. */
  readonly masterKey: Uint8Array
  readonly shared: Shared
  readonly revisions: Revisions
  readonly ring: KeyRing
  readonly keys: Keys
  readonly limits: Limits
  readonly book: BudgetBook
  readonly writer: RecordWriter
  /** What the operator has set for the calls of a caller. */
  readonly presetOf: (principal: Principal) => Promise<Preset | undefined>
  /** The last, so that rows about the stop itself are written; also of one that was never started. */
  readonly close: () => Promise<void>
}

/** How soon a change by another process counts at the latest. */
const revisionEveryMs = 500
const partStopMs = 6_000

/** The database is open and of this version from now on; what runs by itself begins with the start. */
export async function openMemory(options: MemoryOptions): Promise<Memory> {
  const { config, clock, random } = options
  const given = masterKey(config)
  const isFirst = given === undefined && !existsSync(config.paths.masterKeyFile)
  const key = openMasterKey(given, config.paths.masterKeyFile, random)
  const sealer = createSealer(key, random)
  const place = storePlace(config)
  const store = await openStore(place, { clock, random, sealer }).catch(cause => {
    throw isFirst ? withoutKey(cause, config) : cause
  })
  try {
    await importKeys(config.paths.keysFile, store.keys)
    return { ...memoryOf(store, sealer, key, options), isAlone: 'path' in place }
  } catch (cause) {
    await store.close()
    throw cause
  }
}

/** The key that was made just now opens nothing and is not left behind: it would be taken for the one that is missed. */
function withoutKey(cause: unknown, { paths: { masterKeyFile } }: Config): unknown {
  if (!(cause instanceof ParleyError) || cause.code !== 'secret_unreadable') return cause
  rmSync(masterKeyFile, { force: true })
  const message = `the secrets in the database are sealed by a master key that is not here; put it into ${masterKeyFile} or PARLEY_STORE_MASTER_KEY`
  return new ParleyError('secret_unreadable', message, { cause })
}

function memoryOf(store: SqlStore, sealer: Sealer, key: Uint8Array, options: MemoryOptions): Omit<Memory, 'isAlone'> {
  const { config, log, clock, random } = options
  const shared = sharedOf(options)
  const revisions = createRevisions({ store, messages: shared.messages, everyMs: revisionEveryMs })
  const kept = createKeyRing({ keys: store.keys, users: store.users, revisions, clock })
  const ring = withPeople(withImportedKey(kept, options.importedKey), { users: store.users, revisions, clock })
  const book = createBudgetBook({
    ...{ budgets: store.budgets, revisions, messages: shared.messages, clock },
    onCrossed: ({ id, scope, scopeId, window }, percent) => {
      const { end: resetsAt } = windowAround(window, clock.now())
      log.emit({ type: 'budget.crossed', budget: id, scope, scopeId, percent, resetsAt })
    },
  })
  const keys = createKeys({ keys: store.keys, budgets: store.budgets, revisions, clock, random })
  const limits = createLimits({ ring, book, shared, clock })
  const spool = { folder: config.paths.spoolDirectory, maxBytes: config.store.spoolBytesMax }
  const writer = createWriter({ store, spool, tell: news => log.emit(news) })
  const { requestDays, logDays } = config.store
  const sweeper = createSweeper({
    store,
    clock,
    retention: () => ({ requestDays, logDays, archiveDays: config.archive.days }),
    failed: ({ code, message }) => log.emit({ type: 'service.failed', service: 'sweeper', code, message }),
  })
  const services = [shared, revisions, ring, book, sweeper]
  const close = async () => {
    await writer.close()
    await store.close()
  }
  return {
    name: 'store',
    start: signal => startServices(services, signal),
    stop: async () => {
      const failures = await stopServices(services, partStopMs)
      if (failures[0] !== undefined) throw failures[0]
    },
    presetOf: createPresets(ring),
    masterKey: key,
    ...{ store, sealer, shared, revisions, ring, keys, limits, book, writer, close },
  }
}

function sharedOf({ config, log, clock, random }: MemoryOptions): Shared {
  const url = redisUrl(config)
  const cache = { maxEntryBytes: config.cache.entryMaxBytes, maxBytes: config.cache.memoryMaxBytes }
  if (url === undefined) return createMemoryShared({ clock, cache })
  const message = 'Redis is not there: limits and answers are this node’s own until it is back'
  let isMissed = false
  return createRedisShared({
    ...{ url, clock, random, cache, prefix: config.redis.prefix },
    onReach: reach => {
      if (reach === 'cut_off')
        log.emit({ type: 'service.failed', service: 'redis', code: 'store_unavailable', message })
      else if (isMissed) log.emit({ type: 'service.recovered', service: 'redis' })
      isMissed = reach === 'cut_off'
    },
  })
}

/** A preset is read once for each version of its key. */
function createPresets(ring: KeyRing): Memory['presetOf'] {
  const known = new WeakMap<object, Preset>()
  return async principal => {
    const document = (await ring.holderOf(principal))?.key.preset
    if (document == null) return undefined
    const read = known.get(document) ?? toPreset(document)
    known.set(document, read)
    return read
  }
}

function toPreset(document: object): Preset {
  const preset = Preset.safeParse(document)
  if (preset.success) return preset.data
  throw new ParleyError('internal', 'what is set for the calls of this key cannot be read; set it again')
}
