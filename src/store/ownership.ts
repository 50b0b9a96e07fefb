import type { DatabaseSync } from 'node:sqlite'
import type { Clock, KeptThing, Ownership } from '../core/index.ts'
import { ParleyError } from '../core/index.ts'
import { openDatabase } from './database.ts'

export interface OwnershipOptions {
  readonly clock: Clock
  /** The most things of one owner, and of all together. */
  readonly maxPerOwner?: number
  readonly maxInAll?: number
}

/** Whose the things are that servers keep, on disk: their ids and nothing of what is in them. */
export interface OwnershipStore extends Ownership {
  close: () => void
}

const defaultMaxPerOwner = 10_000
const defaultMaxInAll = 200_000

/** Two may own the same thing: some servers give equal files one id. */
const migrations = [
  `create table things (
    kind text not null check (kind in ('file', 'job')),
    provider text not null,
    id text not null,
    owner text not null,
    added_at integer not null,
    primary key (kind, id, provider, owner)
  ) strict, without rowid;
  create index things_by_owner on things (owner);`,
]

export function createOwnership(path: string, options: OwnershipOptions): OwnershipStore {
  const { clock, maxPerOwner = defaultMaxPerOwner, maxInAll = defaultMaxInAll } = options
  const database = openDatabase(path, { migrations })
  const sql = prepared(database)
  const hasRoom = (owner: string) => count(sql.ofOwner, owner) < maxPerOwner && count(sql.inAll) < maxInAll
  const add = (owner: string, { kind, provider, id }: KeptThing) =>
    void sql.add.run(kind, provider, id, owner, clock.now())
  return {
    makeRoom: owner => {
      if (hasRoom(owner)) return
      const message = `servers keep ${count(sql.ofOwner, owner)} files and jobs for this caller, more than fit; delete some`
      throw new ParleyError('too_large', message)
    },
    add,
    adopt: (owner, thing) => {
      const isTaken = sql.find.get(thing.kind, thing.provider, thing.id) !== undefined
      if (!isTaken && hasRoom(owner)) add(owner, thing)
    },
    remove: ({ kind, provider, id }) => void sql.remove.run(kind, provider, id),
    providersOf: (owner, kind, id) => sql.providers.all(kind, id, owner).map(({ provider }) => provider as string),
    close: () => database.close(),
  }
}

function prepared(database: DatabaseSync) {
  return {
    add: database.prepare('insert or ignore into things (kind, provider, id, owner, added_at) values (?, ?, ?, ?, ?)'),
    remove: database.prepare('delete from things where kind = ? and provider = ? and id = ?'),
    find: database.prepare('select 1 from things where kind = ? and provider = ? and id = ?'),
    providers: database.prepare('select provider from things where kind = ? and id = ? and owner = ?'),
    ofOwner: database.prepare('select count(*) as count from things where owner = ?'),
    inAll: database.prepare('select count(*) as count from things'),
  }
}

type Statement = ReturnType<DatabaseSync['prepare']>

function count(statement: Statement, ...values: string[]): number {
  return Number(statement.get(...values)?.count)
}
