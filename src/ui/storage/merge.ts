import type { Chat, Folder, Message } from './documents.ts'
import type { Collection } from './port.ts'

/**
 * How two homes of the same chats become one. Every rule takes the greater of two versions by a total order, so it does not
 * matter who merges with whom, in which order, or how often.
 */
export function mergeCollections(one: Collection, other: Collection): Collection {
  const chats = united(one.chats.map(bare), other.chats.map(bare), ({ id }) => id, laterHead)
  const deleted = new Set(chats.filter(({ deletedAt }) => deletedAt !== null).map(({ id }) => id))
  return {
    chats,
    messages: united(one.messages, other.messages, keyOf, laterMessage).filter(({ chatId }) => !deleted.has(chatId)),
    folders: united(one.folders, other.folders, ({ id }) => id, laterHead),
  }
}

export function keyOf({ chatId, id }: Pick<Message, 'chatId' | 'id'>): string {
  return JSON.stringify([chatId, id])
}

/** Of a chat or folder: a deletion wins, then the later change. */
export function laterHead<T extends Chat | Folder>(one: T, other: T): T {
  const isOneDeleted = one.deletedAt !== null
  if (isOneDeleted !== (other.deletedAt !== null)) return isOneDeleted ? one : other
  return later(one, other)
}

export function laterMessage(one: Message, other: Message): Message {
  return later(one, other)
}

function later<T extends { readonly updatedAt: number }>(one: T, other: T): T {
  if (one.updatedAt !== other.updatedAt) return one.updatedAt > other.updatedAt ? one : other
  // Two clocks said the same: any rule will do that all devices have in common.
  return canonical(one) >= canonical(other) ? one : other
}

function united<T>(
  ones: readonly T[],
  others: readonly T[],
  key: (item: T) => string,
  pick: (one: T, other: T) => T,
): readonly T[] {
  const found = new Map<string, T>()
  for (const item of [...ones, ...others]) {
    const known = found.get(key(item))
    found.set(key(item), known === undefined ? item : pick(known, item))
  }
  return [...found.values()].toSorted((one, other) => (key(one) < key(other) ? -1 : 1))
}

/** A chat that was deleted has no words. */
export function bare(chat: Chat): Chat {
  const { id, createdAt, updatedAt, deletedAt } = chat
  if (deletedAt === null) return chat
  return {
    id,
    title: '',
    folderId: null,
    isPinned: false,
    model: null,
    systemPrompt: '',
    parameters: {},
    headId: null,
    createdAt,
    updatedAt,
    deletedAt,
  }
}

export function deletedChat(chat: Chat, now: number): Chat {
  return bare({ ...chat, updatedAt: Math.max(now, chat.updatedAt), deletedAt: now })
}

export function deletedFolder(folder: Folder, now: number): Folder {
  return { ...folder, name: '', systemPrompt: '', updatedAt: Math.max(now, folder.updatedAt), deletedAt: now }
}

/** JSON whose keys are in order, so that equal documents are equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  )
}

/**
 * What stays of the version that is there and the one that is given. With `isNewest` the given one was made here and now: it
 * stays also when both are of the same millisecond.
 */
export function staying<T extends { readonly updatedAt: number }>(
  there: T | undefined,
  given: T,
  pick: (one: T, other: T) => T,
  isNewest: boolean,
): T {
  if (there === undefined) return given
  const isTie = there.updatedAt === given.updatedAt
  if (isTie && canonical(there) === canonical(given)) return there
  return pick(there, isTie && isNewest ? { ...given, updatedAt: given.updatedAt + 1 } : given)
}
