import Dexie, { type Table } from 'dexie'
import type { Chat, Folder, Message } from './documents.ts'

/** What another home has not heard of yet. */
export interface Unsent {
  readonly kind: 'chat' | 'folder'
  readonly id: string
  readonly messageIds: readonly string[]
  /** Grows with each change: what was sent may not be the newest. */
  readonly turn?: number
  /** Why the other home does not take it; it is offered again when it changes. */
  readonly refusal?: string
}

/** Small things that are kept beside chats, like file handles and where a synchronisation stood. */
export interface Note {
  readonly name: string
  readonly value: unknown
}

/** The tables of the browser's database. */
export class ChatDatabase extends Dexie {
  declare chats: Table<Chat, string>
  declare messages: Table<Message, [chatId: string, id: string]>
  declare folders: Table<Folder, string>
  declare unsent: Table<Unsent, [kind: string, id: string]>
  declare notes: Table<Note, string>

  constructor(name: string) {
    super(name)
    this.version(1).stores({
      chats: 'id',
      messages: '[chatId+id]',
      folders: 'id',
      unsent: '[kind+id]',
      notes: 'name',
    })
  }
}

const openMs = 8_000

/** Undefined where the browser keeps nothing for this page: a private window, storage that was switched off, a full disk. */
export async function openDatabase(name: string): Promise<ChatDatabase | undefined> {
  const database = new ChatDatabase(name)
  // Another tab with a newer version of these pages comes first.
  database.on('versionchange', ({ newVersion }) => {
    database.close()
    if (newVersion !== null) dispatchEvent(new Event('parley:outdated'))
  })
  try {
    await within(openMs, database.open())
    return database
  } catch {
    database.close()
    return undefined
  }
}

async function within<T>(ms: number, work: PromiseLike<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new DOMException('late', 'TimeoutError')), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
