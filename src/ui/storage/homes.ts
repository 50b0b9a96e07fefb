import { isNode } from '../client/session.ts'
import { createBrowserHome } from './browser-home.ts'
import type { HomeKind } from './choice.ts'
import { type ChatDatabase, openDatabase } from './database.ts'
import { createFileHome } from './file-home.ts'
import { createMemoryHome } from './memory-home.ts'
import { createNodeHome } from './node-home.ts'
import type { ChatHome } from './port.ts'

export interface OpenHome {
  readonly kind: HomeKind
  readonly home: ChatHome
  /** Undefined where the browser keeps nothing: what is written is gone with the tab. */
  readonly database: ChatDatabase | undefined
}

/** Where chats can live here. */
export const homeKinds: readonly HomeKind[] = isNode ? ['browser', 'file', 'node'] : ['browser', 'file']

/** The copy of what the node keeps is apart from what lives in the browser. */
export function databaseName(kind: HomeKind, owner: string): string {
  return kind === 'node' ? `${owner}-node` : owner
}

export async function openKind(kind: HomeKind, owner: string): Promise<OpenHome> {
  const database = await openDatabase(databaseName(kind, owner))
  if (database === undefined) return { kind, home: createMemoryHome(), database }
  if (kind === 'node') return { kind, home: createNodeHome(database), database }
  const home = createBrowserHome(database)
  return { kind, home: kind === 'file' ? createFileHome(home, database) : home, database }
}

const chatsAtOnce = 20

/** All that is not deleted, some chats at a time; what is there already is merged. */
export async function copyAll(from: ChatHome, to: ChatHome, onProgress: (share: number) => void): Promise<number> {
  const [chats, folders] = await Promise.all([from.listChats(), from.listFolders()])
  await to.merge({ chats: [], messages: [], folders })
  for (let at = 0; at < chats.length; at += chatsAtOnce) {
    const read = await Promise.all(chats.slice(at, at + chatsAtOnce).map(({ id }) => from.getChat(id)))
    const found = read.filter(each => each !== undefined)
    await to.merge({
      chats: found.map(({ chat }) => chat),
      messages: found.flatMap(({ messages }) => messages),
      folders: [],
    })
    onProgress(Math.min(1, (at + chatsAtOnce) / chats.length))
  }
  return chats.length
}

const dayMs = 86_400_000

/** Chats nobody has touched for so long go; what is pinned stays. How many went. */
export async function forgetOld(home: ChatHome, days: number, now = Date.now()): Promise<number> {
  const chats = await home.listChats()
  const old = chats.filter(({ isPinned, updatedAt }) => !isPinned && updatedAt < now - days * dayMs)
  for (const { id } of old) await home.removeChat(id)
  return old.length
}
