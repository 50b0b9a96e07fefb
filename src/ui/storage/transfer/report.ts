import type { Chat, Folder, Message } from '../documents.ts'
import type { Collection } from '../port.ts'

/** Why something of a file is not taken; the words are below `storage.import.reasons`. */
export type SkipReason =
  | 'too_large'
  | 'not_json'
  | 'too_deep'
  | 'bad_zip'
  | 'unknown_format'
  | 'version'
  | 'chat'
  | 'message'
  | 'folder'
  | 'empty'
  | 'too_many'

export interface Skip {
  readonly reason: SkipReason
  readonly what: string
  readonly count: number
}

/** What a file holds, before anything is written. */
export interface Draft {
  readonly collection: Collection
  readonly skipped: readonly Skip[]
}

export const chatsMost = 10_000
export const messagesMost = 500_000
const skipsMost = 200

export function createReport() {
  const chats: Chat[] = []
  const messages: Message[] = []
  const folders: Folder[] = []
  const skipped = new Map<string, Skip>()
  const skip = (reason: SkipReason, what: string) => {
    const name = JSON.stringify([reason, what])
    const count = (skipped.get(name)?.count ?? 0) + 1
    if (skipped.has(name) || skipped.size < skipsMost) skipped.set(name, { reason, what, count })
  }
  return {
    skip,
    folder: (folder: Folder) => void folders.push(folder),
    chat: (chat: Chat, some: readonly Message[]) => {
      if (chats.length >= chatsMost || messages.length + some.length > messagesMost) return skip('too_many', '–')
      chats.push(chat)
      for (const message of some) messages.push(message)
    },
    draft: (): Draft => ({ collection: { chats, messages, folders }, skipped: [...skipped.values()] }),
  }
}
