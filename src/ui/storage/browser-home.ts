import Dexie from 'dexie'
import { createChanges } from './changes.ts'
import type { ChatDatabase, Unsent } from './database.ts'
import type { Chat, Folder, Message } from './documents.ts'
import { bare, deletedChat, deletedFolder, keyOf, laterHead, laterMessage, staying } from './merge.ts'
import type { ChatHome, ChatWithMessages, Collection } from './port.ts'

const messagesAtOnce = 500

export interface BrowserHomeOptions {
  /** Told of what was changed here, as part of the same transaction. */
  readonly onWrite?: (changed: Unsent) => Promise<void>
}

/** What came from elsewhere, as it is told to this home alone. */
export interface BrowserHome extends ChatHome {
  /** Merges without telling `onWrite`. */
  readonly take: (collection: Collection) => Promise<void>
}

/** The browser's own database. Tabs of the same database tell each other what they changed. */
export function createBrowserHome(database: ChatDatabase, { onWrite }: BrowserHomeOptions = {}): BrowserHome {
  const changes = createChanges(`parley.chats.${database.name}`)
  const { chats, messages, folders, unsent } = database
  const ofChat = (id: string) => messages.where(':id').between([id, Dexie.minKey], [id, Dexie.maxKey])
  const writing = <T>(work: () => Promise<T>) => database.transaction('rw', chats, messages, folders, unsent, work)

  /** `isNewest`: of two versions of the same millisecond the given one stays. Whether anything changed. */
  const putChats = async (given: readonly ChatWithMessages[], isNewest: boolean, isHere = true) => {
    if (given.length === 0) return false
    const known = await knownOf(given)
    const changedChats: Chat[] = []
    const changedMessages: Message[] = []
    for (const { chat: wanted, messages: some } of given) {
      const there = known.chats.get(wanted.id)
      const chat = staying(there, bare(wanted), laterHead, isNewest)
      const isNew = chat !== there
      if (isNew) changedChats.push(chat)
      if (chat.deletedAt !== null) {
        if (isNew) await ofChat(chat.id).delete()
        if (isNew && isHere && onWrite) await onWrite({ kind: 'chat', id: chat.id, messageIds: [] })
        continue
      }
      const latest = new Map<string, Message>()
      for (const message of some) {
        const own = { ...message, chatId: chat.id }
        const before = latest.get(own.id) ?? known.messages.get(keyOf(own))
        latest.set(own.id, staying(before, own, laterMessage, isNewest))
      }
      const changed = [...latest.values()].filter(message => known.messages.get(keyOf(message)) !== message)
      for (const message of changed) changedMessages.push(message)
      if (!isHere || !onWrite || (!isNew && changed.length === 0)) continue
      await onWrite({ kind: 'chat', id: chat.id, messageIds: changed.map(({ id }) => id) })
    }
    if (changedChats.length > 0) await chats.bulkPut(changedChats)
    if (changedMessages.length > 0) await messages.bulkPut(changedMessages)
    return changedChats.length > 0 || changedMessages.length > 0
  }
  const putChat = (chat: Chat, some: readonly Message[], isNewest: boolean) =>
    putChats([{ chat, messages: some }], isNewest)
  const knownOf = async (given: readonly ChatWithMessages[]) => {
    const keys = given.flatMap(({ chat, messages: some }) => some.map(({ id }): [string, string] => [chat.id, id]))
    const knownChats = await chats.bulkGet(given.map(({ chat }) => chat.id))
    // A transaction ends where nothing is asked of it.
    const knownMessages = keys.length === 0 ? [] : await messages.bulkGet(keys)
    return {
      chats: new Map(knownChats.flatMap(chat => (chat === undefined ? [] : [[chat.id, chat] as const]))),
      messages: new Map(knownMessages.flatMap(found => (found === undefined ? [] : [[keyOf(found), found] as const]))),
    }
  }
  const putFolder = async (given: Folder, isNewest: boolean, isHere = true) => {
    const there = await folders.get(given.id)
    const folder = staying(there, given, laterHead, isNewest)
    if (folder === there) return false
    await folders.put(folder)
    if (isHere && onWrite) await onWrite({ kind: 'folder', id: folder.id, messageIds: [] })
    return true
  }
  const mergeAll = async (collection: Collection, isHere: boolean) => {
    const byChat = Map.groupBy(collection.messages, ({ chatId }) => chatId)
    let isChanged = false
    const note = (changed: boolean) => (isChanged ||= changed)
    await writing(async () => {
      for (const folder of collection.folders) note(await putFolder(folder, false, isHere))
      const given = collection.chats.map(chat => ({ chat, messages: byChat.get(chat.id) ?? [] }))
      note(await putChats(given, false, isHere))
    })
    if (isChanged) changes.tell(undefined)
  }

  return {
    listChats: async () => (await chats.toArray()).filter(({ deletedAt }) => deletedAt === null),
    getChat: id =>
      database.transaction('r', chats, messages, async () => {
        const chat = await chats.get(id)
        if (chat === undefined || chat.deletedAt !== null) return undefined
        return { chat, messages: await ofChat(id).toArray() }
      }),
    saveChat: async (chat, some = []) => {
      await writing(() => putChat(chat, some, true))
      changes.tell(chat.id)
    },
    removeChat: async id => {
      await writing(async () => {
        const there = await chats.get(id)
        if (there !== undefined) await putChat(deletedChat(there, Date.now()), [], true)
      })
      changes.tell(id)
    },
    listFolders: async () => (await folders.toArray()).filter(({ deletedAt }) => deletedAt === null),
    saveFolder: async folder => {
      await writing(() => putFolder(folder, true))
      changes.tell(undefined)
    },
    removeFolder: async id => {
      await writing(async () => {
        const now = Date.now()
        const there = await folders.get(id)
        if (there !== undefined) await putFolder(deletedFolder(there, now), true)
        const inside = (await chats.toArray()).filter(({ folderId }) => folderId === id)
        for (const chat of inside)
          await putChat({ ...chat, folderId: null, updatedAt: Math.max(now, chat.updatedAt + 1) }, [], true)
      })
      changes.tell(undefined)
    },
    async *allMessages() {
      let after: [string, string] | undefined
      for (;;) {
        const rows = after === undefined ? messages.orderBy(':id') : messages.where(':id').above(after)
        const some = await rows.limit(messagesAtOnce).toArray()
        if (some.length > 0) yield some
        if (some.length < messagesAtOnce) return
        const last = some.at(-1)!
        after = [last.chatId, last.id]
      }
    },
    onChange: listener => changes.listen(listener),
    heads: async () => ({ chats: await chats.toArray(), folders: await folders.toArray() }),
    merge: collection => mergeAll(collection, true),
    take: collection => mergeAll(collection, false),
    clear: async () => {
      await database.transaction('rw', database.tables, async () => {
        for (const table of database.tables) await table.clear()
      })
      changes.tell(undefined)
    },
    close: () => {
      changes.close()
      database.close()
    },
  }
}
