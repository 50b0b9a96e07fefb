import { createChanges } from './changes.ts'
import type { Chat, Folder, Message } from './documents.ts'
import { bare, deletedChat, deletedFolder, keyOf, laterHead, laterMessage, staying } from './merge.ts'
import type { ChatHome, Collection } from './port.ts'

/** In the memory of this tab alone, where the browser keeps nothing. */
export function createMemoryHome(): ChatHome {
  const changes = createChanges('parley.chats.memory')
  const chats = new Map<string, Chat>()
  const messages = new Map<string, Message>()
  const folders = new Map<string, Folder>()
  const living = <T extends Chat | Folder>(map: ReadonlyMap<string, T>) =>
    [...map.values()].filter(({ deletedAt }) => deletedAt === null)
  const ofChat = (id: string) => [...messages.values()].filter(({ chatId }) => chatId === id)
  const putChat = (given: Chat, some: readonly Message[], isNewest: boolean) => {
    const chat = staying(chats.get(given.id), bare(given), laterHead, isNewest)
    chats.set(chat.id, chat)
    for (const message of chat.deletedAt === null ? some : []) {
      const own = { ...message, chatId: chat.id }
      messages.set(keyOf(own), staying(messages.get(keyOf(own)), own, laterMessage, isNewest))
    }
    if (chat.deletedAt !== null) for (const message of ofChat(chat.id)) messages.delete(keyOf(message))
  }
  const putFolder = (folder: Folder, isNewest: boolean) =>
    folders.set(folder.id, staying(folders.get(folder.id), folder, laterHead, isNewest))
  const change = async (chatId: string | undefined, work: () => unknown) => {
    work()
    changes.tell(chatId)
  }
  return {
    listChats: async () => living(chats),
    getChat: async id => {
      const chat = chats.get(id)
      return chat === undefined || chat.deletedAt !== null ? undefined : { chat, messages: ofChat(id) }
    },
    saveChat: (chat, some = []) => change(chat.id, () => putChat(chat, some, true)),
    removeChat: id =>
      change(id, () => {
        const there = chats.get(id)
        if (there !== undefined) putChat(deletedChat(there, Date.now()), [], true)
      }),
    listFolders: async () => living(folders),
    saveFolder: folder => change(undefined, () => putFolder(folder, true)),
    removeFolder: id =>
      change(undefined, () => {
        const now = Date.now()
        const there = folders.get(id)
        if (there !== undefined) putFolder(deletedFolder(there, now), true)
        for (const chat of living(chats)) {
          if (chat.folderId === id)
            putChat({ ...chat, folderId: null, updatedAt: Math.max(now, chat.updatedAt + 1) }, [], true)
        }
      }),
    async *allMessages() {
      yield [...messages.values()]
    },
    onChange: listener => changes.listen(listener),
    heads: async () => ({ chats: [...chats.values()], folders: [...folders.values()] }),
    merge: (collection: Collection) =>
      change(undefined, () => {
        for (const folder of collection.folders) putFolder(folder, false)
        const byChat = Map.groupBy(collection.messages, ({ chatId }) => chatId)
        for (const chat of collection.chats) putChat(chat, byChat.get(chat.id) ?? [], false)
      }),
    clear: () =>
      change(undefined, () => {
        for (const map of [chats, messages, folders]) map.clear()
      }),
    close: () => changes.close(),
  }
}
