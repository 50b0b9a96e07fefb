import type { Chat, Folder, Message } from './documents.ts'

export interface ChatWithMessages {
  readonly chat: Chat
  readonly messages: readonly Message[]
}

/** Where chats live. What is deleted is not listed. Temporary chats never come here. */
export interface ChatStore {
  listChats(): Promise<readonly Chat[]>
  /** Undefined for what is not there or was deleted. */
  getChat(id: string): Promise<ChatWithMessages | undefined>
  /** Merges: messages are united by id, of two versions the one with the later `updatedAt` stays. */
  saveChat(chat: Chat, messages?: readonly Message[]): Promise<void>
  /** For good: a deletion wins over every version of the chat that comes later. */
  removeChat(id: string): Promise<void>
  listFolders(): Promise<readonly Folder[]>
  saveFolder(folder: Folder): Promise<void>
  /** Its chats stay, outside of folders. */
  removeFolder(id: string): Promise<void>
  /** Of all chats, in portions. */
  allMessages(): AsyncIterable<readonly Message[]>
  /** Calls a listener with the chat that changed, here or in another tab; undefined when it may be anything. Returns how to stop. */
  onChange(listener: (chatId: string | undefined) => void): () => void
}

/** All there is, with what was deleted: what is copied from one home to another. */
export interface Collection {
  readonly chats: readonly Chat[]
  readonly messages: readonly Message[]
  readonly folders: readonly Folder[]
}

/** A store that can be copied from and to. */
export interface ChatHome extends ChatStore {
  /** Chats and folders with what was deleted, without messages. */
  heads(): Promise<Omit<Collection, 'messages'>>
  /** Merges a collection, all of it or nothing. */
  merge(collection: Collection): Promise<void>
  /** Everything goes, also what tells of deletions. */
  clear(): Promise<void>
  /** Until others have what was written; missing where there are none. */
  settle?(): Promise<void>
  close(): void
}
