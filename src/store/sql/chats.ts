import { sql } from 'kysely'
import {
  type ChatDraft,
  type ChatRow,
  type ChatStore,
  chatLimits,
  type FolderDraft,
  type FolderRow,
  type MessageDraft,
  ParleyError,
  tombstoneDays,
} from '../../core/index.ts'
import type { Database, Query } from './database.ts'
import { guarded } from './failures.ts'
import { insertOf, snakeCase } from './insert-new.ts'
import { all, type Condition, compare, createTable, equal } from './table.ts'
import type { Cell } from './tables.ts'

/** Of chats and folders: with those that were deleted there may be so many times as many. */
const rememberedTimes = 2
/** Rows of one statement. */
const rowsAtOnce = 64

const living = sql<boolean>`deleted_at is null`
const newestFirst = [
  ['changedAt', 'desc'],
  ['id', 'desc'],
] as const

/** What is left of a chat that was deleted. */
const wordless = {
  title: '',
  folderId: null,
  isPinned: false,
  model: null,
  systemPrompt: '',
  parameters: {},
  headId: null,
  bytes: 0,
} as const

export function createChats(database: Database): ChatStore {
  const { db, clock } = database
  const chats = createTable(database, 'chats')
  const folders = createTable(database, 'folders')
  const messages = createTable(database, 'messages')
  const transacted = <T>(work: (trx: Query) => Promise<T>) => guarded(() => db.transaction().execute(work))
  return {
    list: (owner, { since }, page) =>
      chats.list([equal('owner', owner), since === undefined ? living : changedFrom(since)], page, newestFirst),
    get: (owner, id) => chats.find({ owner, id }),
    messages: (owner, chatId, since) =>
      guarded(async () => {
        const conditions = [
          equal('owner', owner),
          equal('chatId', chatId),
          ...(since === undefined ? [] : [changedFrom(since)]),
        ]
        const query = db.selectFrom('messages').selectAll().where(all(conditions))
        return (await query.orderBy('changedAt').orderBy('id').execute()).map(messages.codec.decode)
      }),
    merge: (owner, chat, drafts) => transacted(trx => merge(database, trx, owner, chat, drafts)),
    remove: (owner, id) =>
      transacted(async trx => {
        const there = await chats.find({ owner, id }, trx)
        if (there === undefined) throw unknown('chat')
        if (there.deletedAt !== null) return
        const now = clock.now()
        const deleted = { ...there, updatedAt: Math.max(now, there.updatedAt), deletedAt: now }
        await merge(database, trx, owner, deleted, [])
      }),
    folders: owner =>
      guarded(async () => {
        const query = db.selectFrom('folders').selectAll().where('owner', '=', owner)
        return (await query.orderBy('name').orderBy('id').execute()).map(folders.codec.decode)
      }),
    mergeFolder: (owner, folder) => transacted(trx => mergeFolder(database, trx, owner, folder)),
    removeFolder: (owner, id) =>
      transacted(async trx => {
        const there = await folders.find({ owner, id }, trx)
        if (there === undefined) throw unknown('folder')
        if (there.deletedAt !== null) return
        const now = clock.now()
        await mergeFolder(database, trx, owner, { ...there, updatedAt: Math.max(now, there.updatedAt), deletedAt: now })
      }),
    removeDeleted: async (before, limit) =>
      (await removeDeleted(database, 'chats', before, limit)) +
      (await removeDeleted(database, 'folders', before, limit)),
  }
}

/** All that somebody had, when they are gone. */
export async function removeChatsOf(trx: Query, owner: string): Promise<void> {
  for (const table of ['messages', 'chats', 'folders'] as const) {
    await trx.deleteFrom(table).where('owner', '=', owner).execute()
  }
}

async function merge(
  database: Database,
  trx: Query,
  owner: string,
  chat: ChatDraft,
  drafts: readonly MessageDraft[],
): Promise<ChatRow> {
  const { clock } = database
  const table = createTable(database, 'chats')
  const { id } = chat
  const isNew = (await table.find({ owner, id }, trx)) === undefined
  const words = chat.deletedAt === null ? {} : wordless
  const changedAt = clock.now()
  await upsert(database, trx, 'chats', ['owner', 'id'], [table.codec.encode({ ...chat, ...words, owner, changedAt })])
  if (isNew) await refuseMany(trx, 'chats', owner, chatLimits.chatsPerOwner)
  const there = (await table.find({ owner, id }, trx))!
  if (there.deletedAt !== null) {
    await trx.deleteFrom('messages').where('owner', '=', owner).where('chatId', '=', id).execute()
    return there
  }
  const bytes = await mergeMessages(database, trx, { owner, chatId: id, changedAt }, drafts)
  if (bytes === undefined) return there
  await trx.updateTable('chats').set({ changedAt, bytes }).where('owner', '=', owner).where('id', '=', id).execute()
  await refuseMuch(trx, owner)
  return { ...there, changedAt, bytes }
}

interface Place {
  readonly owner: string
  readonly chatId: string
  readonly changedAt: number
}

/** The bytes of the chat with them; undefined where nothing was new. */
async function mergeMessages(
  database: Database,
  trx: Query,
  place: Place,
  drafts: readonly MessageDraft[],
): Promise<number | undefined> {
  const { codec } = createTable(database, 'messages')
  const rows = [...latest(drafts)].map(draft => codec.encode({ ...draft, ...place }))
  let changed = 0
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    const some = rows.slice(at, at + rowsAtOnce)
    changed += await upsert(database, trx, 'messages', ['owner', 'chatId', 'id'], some)
  }
  if (changed === 0) return undefined
  const { owner, chatId } = place
  const { count, bytes } = await trx
    .selectFrom('messages')
    .select(({ fn }) => [fn.countAll().as('count'), fn.sum('bytes').as('bytes')])
    .where('owner', '=', owner)
    .where('chatId', '=', chatId)
    .executeTakeFirstOrThrow()
  refuseAbove(Number(count), chatLimits.messagesPerChat, 'messages in one chat')
  refuseAbove(Number(bytes), chatLimits.chatBytes, 'bytes in one chat')
  return Number(bytes)
}

/** One of each id: a statement cannot change a row twice. */
function latest(drafts: readonly MessageDraft[]): Iterable<MessageDraft> {
  const byId = new Map<string, MessageDraft>()
  for (const draft of drafts) {
    const known = byId.get(draft.id)
    if (known === undefined || known.updatedAt < draft.updatedAt) byId.set(draft.id, draft)
  }
  return byId.values()
}

async function mergeFolder(database: Database, trx: Query, owner: string, folder: FolderDraft): Promise<FolderRow> {
  const table = createTable(database, 'folders')
  const { id } = folder
  const isNew = (await table.find({ owner, id }, trx)) === undefined
  const words = folder.deletedAt === null ? {} : { name: '', systemPrompt: '' }
  const row = table.codec.encode({ ...folder, ...words, owner, changedAt: database.clock.now() })
  await upsert(database, trx, 'folders', ['owner', 'id'], [row])
  if (isNew) await refuseMany(trx, 'folders', owner, chatLimits.foldersPerOwner)
  return (await table.find({ owner, id }, trx))!
}

/** Adds rows, or puts them in the place of older ones; how many it did that for. A deletion wins over any version. */
async function upsert(
  { dialect }: Database,
  trx: Query,
  table: 'chats' | 'messages' | 'folders',
  keys: readonly string[],
  rows: readonly Record<string, Cell>[],
): Promise<number> {
  const name = (column: string) => `"${snakeCase(column)}"`
  const others = Object.keys(rows[0]!).filter(column => !keys.includes(column))
  const set = others.map(column => `${name(column)} = excluded.${name(column)}`).join(', ')
  const isLater = `"${table}"."updated_at" < excluded."updated_at"`
  const isWanted =
    table === 'messages'
      ? isLater
      : `"${table}"."deleted_at" is null and (${isLater} or excluded."deleted_at" is not null)`
  const tail = `on conflict (${keys.map(name).join(', ')}) do update set ${set} where ${isWanted} returning "id"`
  const { rows: changed } = await trx.executeQuery(insertOf(dialect, table, rows, tail))
  return changed.length
}

async function refuseMany(trx: Query, table: 'chats' | 'folders', owner: string, max: number): Promise<void> {
  const { count, alive } = await trx
    .selectFrom(table)
    .select(({ fn }) => [fn.countAll().as('count'), sql`count(case when ${living} then 1 end)`.as('alive')])
    .where('owner', '=', owner)
    .executeTakeFirstOrThrow()
  refuseAbove(Number(alive), max, table)
  if (Number(count) <= max * rememberedTimes) return
  const message = `too many ${table} were deleted lately; ${tombstoneDays} days after it each makes room`
  throw new ParleyError('too_large', message)
}

async function refuseMuch(trx: Query, owner: string): Promise<void> {
  const { bytes } = await trx
    .selectFrom('chats')
    .select(({ fn }) => fn.sum('bytes').as('bytes'))
    .where('owner', '=', owner)
    .executeTakeFirstOrThrow()
  refuseAbove(Number(bytes), chatLimits.bytesPerOwner, 'bytes in all your chats')
}

function refuseAbove(count: number, max: number, what: string): void {
  if (count > max) throw new ParleyError('too_large', `there can be ${max} ${what} and no more; delete some`)
}

function removeDeleted({ db }: Database, table: 'chats' | 'folders', before: number, limit: number): Promise<number> {
  return guarded(async () => {
    const old = await db
      .selectFrom(table)
      .select(['owner', 'id'])
      .where(sql<boolean>`deleted_at is not null`)
      .where('changedAt', '<', before)
      .limit(limit)
      .execute()
    for (const { owner, id } of old) {
      await db.deleteFrom(table).where('owner', '=', owner).where('id', '=', id).execute()
    }
    return old.length
  })
}

function changedFrom(time: number): Condition {
  return compare('changedAt', '>=', time)
}

function unknown(what: string): ParleyError {
  return new ParleyError('not_found', `there is no such ${what}; list them`)
}
