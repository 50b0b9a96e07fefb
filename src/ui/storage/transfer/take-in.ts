import type { Chat, Message } from '../documents.ts'
import type { ChatHome, Collection } from '../port.ts'

/** What would be written, told before it is. */
export interface Plan {
  readonly newChats: number
  readonly mergedChats: number
  readonly messages: number
  readonly folders: number
}

export async function planOf(home: ChatHome, { chats, messages, folders }: Collection): Promise<Plan> {
  const there = new Set((await home.listChats()).map(({ id }) => id))
  const mergedChats = chats.filter(({ id }) => there.has(id)).length
  return { newChats: chats.length - mergedChats, mergedChats, messages: messages.length, folders: folders.length }
}

/** Chats of one transaction, so that a page stays usable while thousands come in. */
const chatsAtOnce = 50

/**
 * Writes what a file held. A clock that runs ahead would win over every later change, so no time is in the future; a chat that
 * was deleted here comes back as another one, because deletions are for good.
 */
export async function takeIn(
  home: ChatHome,
  { chats, messages, folders }: Collection,
  onProgress: (done: number) => void = () => {},
): Promise<void> {
  const now = Date.now()
  const heads = await home.heads()
  const goneChats = new Set(heads.chats.filter(({ deletedAt }) => deletedAt !== null).map(({ id }) => id))
  const goneFolders = new Set(heads.folders.filter(({ deletedAt }) => deletedAt !== null).map(({ id }) => id))
  const folderIds = new Map(folders.map(({ id }) => [id, goneFolders.has(id) ? crypto.randomUUID() : id]))
  const chatIds = new Map(chats.map(({ id }) => [id, goneChats.has(id) ? crypto.randomUUID() : id]))
  const past = <T extends Chat | Message | Collection['folders'][number]>(item: T): T => ({
    ...item,
    createdAt: Math.min(item.createdAt, now),
    updatedAt: Math.min(item.updatedAt, now),
  })
  const known = new Set(heads.folders.map(({ id }) => id))
  const folderOf = (id: string | null) => (id === null ? null : (folderIds.get(id) ?? (known.has(id) ? id : null)))
  const byChat = Map.groupBy(messages, ({ chatId }) => chatId)
  await home.merge({ chats: [], messages: [], folders: folders.map(f => past({ ...f, id: folderIds.get(f.id)! })) })
  for (let at = 0; at < chats.length; at += chatsAtOnce) {
    const some = chats.slice(at, at + chatsAtOnce)
    await home.merge({
      chats: some.map(chat => past({ ...chat, id: chatIds.get(chat.id)!, folderId: folderOf(chat.folderId) })),
      messages: some.flatMap(({ id }) =>
        (byChat.get(id) ?? []).map(message => past({ ...message, chatId: chatIds.get(id)! })),
      ),
      folders: [],
    })
    onProgress(Math.min(at + chatsAtOnce, chats.length))
  }
}
