import Dexie from 'dexie'
import { createChanges } from './changes.ts'
import type { ChatDatabase, Unsent } from './database.ts'
import type { Chat, Folder, Message } from './documents.ts'
import { bare, deletedChat, deletedFolder, laterHead, laterMessage, staying } from './merge.ts'
import type { ChatHome, Collection } from './port.ts'

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
  const putChat = async (given: Chat, some: readonly Message[], isNewest: boolean, isHere = true) => {
    const there = await chats.get(given.id)
    const chat = staying(there, bare(given), laterHead, isNewest)
    if (chat !== there) await chats.put(chat)
    const told = (messageIds: readonly string[]) =>
      isHere ? onWrite?.({ kind: 'chat', id: chat.id, messageIds }) : undefined
    if (chat.deletedAt !== null) {
      await ofChat(chat.id).delete()
      if (chat !== there) await told([])
      return chat !== there
    }
    const known = new Map((await messages.bulkGet(some.map(({ id }) => [given.id, id]))).map(m => [m?.id, m]))
    const latest = new Map<string, Message>()
    for (const message of some) {
      const { id } = message
      latest.set(id, staying(latest.get(id) ?? known.get(id), { ...message, chatId: given.id }, laterMessage, isNewest))
    }
    const changed = [...latest.values()].filter(message => known.get(message.id) !== message)
    await messages.bulkPut(changed)
    if (chat === there && changed.length === 0) return false
    await told(changed.map(({ id }) => id))
    return true
  }
  const putFolder = async (given: Folder, isNewest: boolean, isHere = true) => {
    const there = await folders.get(given.id)
    const folder = staying(there, given, laterHead, isNewest)
    if (folder === there) return false
    await folders.put(folder)
    if (isHere) await onWrite?.({ kind: 'folder', id: folder.id, messageIds: [] })
    return true
  }
  const mergeAll = async (collection: Collection, isHere: boolean) => {
    const byChat = Map.groupBy(collection.messages, ({ chatId }) => chatId)
    let isChanged = false
    const note = (changed: boolean) => (isChanged ||= changed)
    await writing(async () => {
      for (const folder of collection.folders) note(await putFolder(folder, false, isHere))
      for (const chat of collection.chats) note(await putChat(chat, byChat.get(chat.id) ?? [], false, isHere))
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
        for (const chat of inside) await putChat({ ...chat, folderId: null, updatedAt: now }, [], true)
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
