import { createHash, timingSafeEqual } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock, Random } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { openDatabase } from './database.ts'

/** What a key may spend; absent means no limit of its own. */
export interface KeyLimits {
  /** The most one call may cost, in the smallest unit of the escrow's token. */
  readonly maxPrice?: bigint
  /** The most all calls of a day may cost. */
  readonly maxPerDay?: bigint
}

/** A key as it may be shown: never its secret. */
export interface ApiKey extends KeyLimits {
  readonly id: string
  readonly name: string
  /** The last four characters, to tell keys apart. */
  readonly tail: string
  readonly createdAt: number
  readonly revokedAt: number | undefined
}

/** Virtual API keys of this node. Only hashes are kept: whoever loses the secret makes a new key. */
export interface KeyStore {
  /** The secret is returned here and never again. */
  create: (name: string, limits?: KeyLimits) => ApiKey & { readonly secret: string }
  /** The key with this secret, unless it is unknown or revoked. Served from memory. */
  verify: (secret: string) => ApiKey | undefined
  list: () => ApiKey[]
  /** Takes effect at once here and within a second in other processes. Throws `not_found`. */
  revoke: (id: string) => ApiKey
  close: () => void
}

export interface KeyStoreOptions {
  readonly clock: Clock
  readonly random: Random
}

const prefix = 'sk-parley-'
const keysMax = 100_000
const refreshMs = 500

const migrations = [
  `create table api_keys (
    id text primary key,
    hash blob not null unique,
    name text not null,
    tail text not null,
    created_at integer not null,
    revoked_at integer,
    max_price text,
    max_per_day text
  ) strict;`,
]

export function createKeyStore(path: string, options: KeyStoreOptions): KeyStore {
  const database = openDatabase(path, { migrations })
  const table = new KeyTable(database, options.clock)
  return {
    create: (name, limits = {}) => create(database, table, { ...options, name, limits }),
    verify: secret => table.verify(secret),
    list: () => table.read().map(row => row.key),
    revoke: id => revoke(database, table, id, options.clock.now()),
    close: () => database.close(),
  }
}

interface KeyRow {
  readonly key: ApiKey
  readonly hash: Uint8Array
}

/** The keys in memory, by hash; read again when another process has written to the file. */
class KeyTable {
  readonly #database: DatabaseSync
  readonly #clock: Clock
  #byHash = new Map<string, KeyRow>()
  #version: unknown
  #checkedAt = Number.NEGATIVE_INFINITY

  constructor(database: DatabaseSync, clock: Clock) {
    this.#database = database
    this.#clock = clock
    this.reload()
  }

  /** The lookup is by hash, which an attacker cannot steer byte by byte; the last comparison takes constant time. */
  verify(secret: string): ApiKey | undefined {
    const hash = hashOf(secret)
    const row = this.#find(hash.toString('hex'))
    if (row === undefined || !timingSafeEqual(row.hash, hash)) return undefined
    return row.key.revokedAt === undefined ? row.key : undefined
  }

  read(): KeyRow[] {
    return this.#database.prepare('select * from api_keys order by created_at, id').all().map(toRow)
  }

  reload(): void {
    this.#version = this.#dataVersion()
    this.#checkedAt = this.#clock.monotonic()
    this.#byHash = new Map(this.read().map(row => [Buffer.from(row.hash).toString('hex'), row]))
  }

  /** One that is not known may have been made a moment ago by another process: a new key works at once. */
  #find(hash: string): KeyRow | undefined {
    this.#follow(refreshMs)
    const known = this.#byHash.get(hash)
    if (known !== undefined) return known
    this.#follow(0)
    return this.#byHash.get(hash)
  }

  #follow(afterMs: number): void {
    if (this.#clock.monotonic() - this.#checkedAt < afterMs) return
    if (this.#dataVersion() === this.#version) this.#checkedAt = this.#clock.monotonic()
    else this.reload()
  }

  #dataVersion(): unknown {
    return this.#database.prepare('pragma data_version').get()?.data_version
  }
}

function create(
  database: DatabaseSync,
  table: KeyTable,
  { clock, random, name, limits }: KeyStoreOptions & { name: string; limits: KeyLimits },
): ApiKey & { readonly secret: string } {
  const trimmed = name.trim()
  if (trimmed.length === 0 || trimmed.length > 100) {
    throw new ParleyError('invalid_request', 'a key needs a name of 1 to 100 characters', { param: 'name' })
  }
  const count = Number(database.prepare('select count(*) as count from api_keys').get()?.count)
  if (count >= keysMax) throw new ParleyError('too_large', `there are ${count} keys already, the most is ${keysMax}`)
  const secret = prefix + Buffer.from(random.bytes(32)).toString('base64url')
  const key: ApiKey = {
    id: `key-${Buffer.from(random.bytes(8)).toString('hex')}`,
    name: trimmed,
    tail: secret.slice(-4),
    createdAt: clock.now(),
    revokedAt: undefined,
    ...limits,
  }
  database
    .prepare(
      'insert into api_keys (id, hash, name, tail, created_at, max_price, max_per_day) values (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(
      key.id,
      hashOf(secret),
      key.name,
      key.tail,
      key.createdAt,
      limits.maxPrice?.toString() ?? null,
      limits.maxPerDay?.toString() ?? null,
    )
  table.reload()
  return { ...key, secret }
}

function revoke(database: DatabaseSync, table: KeyTable, id: string, now: number): ApiKey {
  database.prepare('update api_keys set revoked_at = coalesce(revoked_at, ?) where id = ?').run(now, id)
  table.reload()
  const row = table.read().find(({ key }) => key.id === id)
  if (row === undefined) throw new ParleyError('not_found', `there is no key ${id}; run parley key list`)
  return row.key
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

function toRow(row: Record<string, unknown>): KeyRow {
  const key: ApiKey = {
    id: row.id as string,
    name: row.name as string,
    tail: row.tail as string,
    createdAt: row.created_at as number,
    revokedAt: (row.revoked_at as number | null) ?? undefined,
    ...(row.max_price !== null && { maxPrice: BigInt(row.max_price as string) }),
    ...(row.max_per_day !== null && { maxPerDay: BigInt(row.max_per_day as string) }),
  }
  return { key, hash: row.hash as Uint8Array }
}
