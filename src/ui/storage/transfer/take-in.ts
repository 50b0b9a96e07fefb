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
 * was deleted here comes back as another one, because deletions are for good; the same one, however often it is taken in.
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
  const folderIds = await livingIds(folders, goneFolders)
  const chatIds = await livingIds(chats, goneChats)
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

const livesMost = 100

/** By the id in the file. */
async function livingIds(items: readonly { readonly id: string }[], gone: ReadonlySet<string>) {
  const ids = new Map<string, string>()
  for (const { id } of items) {
    let living = id
    for (let life = 1; gone.has(living) && life < livesMost; life++) living = await nextId(id, life)
    ids.set(id, gone.has(living) ? crypto.randomUUID() : living)
  }
  return ids
}

/** A UUID that follows from another one. */
async function nextId(id: string, life: number): Promise<string> {
  if (crypto.subtle === undefined) return crypto.randomUUID()
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${id} ${life}`))
  const hex = Array.from(new Uint8Array(hash), byte => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
