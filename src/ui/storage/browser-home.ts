import Dexie from 'dexie'
import { createChanges } from './changes.ts'
import type { ChatDatabase } from './database.ts'
import type { Chat, Folder, Message } from './documents.ts'
import { bare, deletedChat, deletedFolder, laterHead, laterMessage, staying } from './merge.ts'
import type { ChatHome } from './port.ts'

const messagesAtOnce = 500

/** The browser's own database. Tabs of the same database tell each other what they changed. */
export function createBrowserHome(database: ChatDatabase): ChatHome {
  const changes = createChanges(`parley.chats.${database.name}`)
  const { chats, messages, folders } = database
  const ofChat = (id: string) => messages.where(':id').between([id, Dexie.minKey], [id, Dexie.maxKey])
  const writing = <T>(work: () => Promise<T>) => database.transaction('rw', chats, messages, folders, work)

  /** `isNewest`: of two versions of the same millisecond the given one stays. */
  const putChat = async (given: Chat, some: readonly Message[], isNewest: boolean) => {
    const there = await chats.get(given.id)
    const chat = staying(there, bare(given), laterHead, isNewest)
    if (chat !== there) await chats.put(chat)
    if (chat.deletedAt !== null) return void (await ofChat(chat.id).delete())
    const known = new Map((await messages.bulkGet(some.map(({ id }) => [given.id, id]))).map(m => [m?.id, m]))
    const latest = new Map<string, Message>()
    for (const message of some) {
      const { id } = message
      latest.set(id, staying(latest.get(id) ?? known.get(id), { ...message, chatId: given.id }, laterMessage, isNewest))
    }
    await messages.bulkPut([...latest.values()].filter(message => known.get(message.id) !== message))
  }
  const putFolder = async (given: Folder, isNewest: boolean) => {
    const there = await folders.get(given.id)
    const folder = staying(there, given, laterHead, isNewest)
    if (folder !== there) await folders.put(folder)
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
    merge: async collection => {
      const byChat = Map.groupBy(collection.messages, ({ chatId }) => chatId)
      await writing(async () => {
        for (const folder of collection.folders) await putFolder(folder, false)
      })
      for (const chat of collection.chats) await writing(() => putChat(chat, byChat.get(chat.id) ?? [], false))
      changes.tell(undefined)
    },
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
