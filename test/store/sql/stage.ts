import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { type Clock, systemRandom } from '../../../src/core/index.ts'
import { type OpenStoreOptions, openStore, type SqlStore, type StorePlace } from '../../../src/store/index.ts'
import { type Postgres, postgresMissing, startPostgres } from '../../postgres.ts'
import { noon } from './calls.ts'

/** One database of a kind, and stores opened on it that are closed after each test. */
export interface Stage {
  readonly kind: 'sqlite' | 'postgres'
  /** What the clock of the stores says; a test may set it. */
  readonly clock: Clock & { time: number }
  /** An empty place of this test. */
  readonly place: () => Promise<StorePlace>
  /** A store at this place, or at a new one. */
  readonly open: (place?: StorePlace, options?: Partial<OpenStoreOptions>) => Promise<SqlStore>
  /** Only where the kind is PostgreSQL. */
  readonly server: () => Postgres
}

/** Runs the same tests over both databases. */
export function onBoth(name: string, tests: (stage: Stage) => void): void {
  onFile(name, tests)
  onPostgres(name, tests)
}

export function onFile(name: string, tests: (stage: Stage) => void): void {
  describe(`${name} in SQLite`, () => tests(stageOf('sqlite')))
}

export function onPostgres(name: string, tests: (stage: Stage) => void): void {
  const why = postgresMissing === undefined ? '' : ` (${postgresMissing})`
  describe.skipIf(postgresMissing !== undefined)(`${name} in PostgreSQL${why}`, () => tests(stageOf('postgres')))
}

function stageOf(kind: Stage['kind']): Stage {
  const clock = { time: noon, now: () => clock.time, monotonic: () => performance.now() }
  const opened: SqlStore[] = []
  const folders: string[] = []
  let server: Postgres | undefined
  let template: string | undefined
  beforeAll(async () => {
    if (kind === 'postgres') server = await startPostgres()
  })
  afterEach(async () => {
    clock.time = noon
    await Promise.all(opened.splice(0).map(store => store.close()))
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  afterAll(() => server?.remove())

  const place = async (): Promise<StorePlace> => {
    if (kind === 'postgres') return { url: await server!.createDatabase() }
    const folder = mkdtempSync(join(tmpdir(), 'parley-store-'))
    folders.push(folder)
    return { path: join(folder, 'gateway.sqlite') }
  }
  /** A copy of a database with the schema is made faster than the schema. */
  const ready = async (): Promise<StorePlace> => {
    if (kind === 'sqlite') return await place()
    if (template === undefined) {
      template = await server!.createDatabase()
      await (await openStore({ url: template }, { clock, random: systemRandom })).close()
    }
    return { url: await server!.createDatabase(template) }
  }
  const open = async (where?: StorePlace, options: Partial<OpenStoreOptions> = {}) => {
    const store = await openStore(where ?? (await ready()), { clock, random: systemRandom, ...options })
    opened.push(store)
    return store
  }
  return { kind, clock, place, open, server: () => server! }
}
