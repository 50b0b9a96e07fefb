import type { Chat, Folder, Message } from '../documents.ts'
import { canonical } from '../merge.ts'
import type { ChatHome, Collection } from '../port.ts'
import { isSealed, type Sealed } from '../sealed.ts'
import { checkedChat, checkedFolder, checkedMessage, isRecord, mended, own } from './check.ts'
import { createReport, type Draft } from './report.ts'

const format = 'parley.chats'
const version = 1

/** Everything of a home as one JSON text, but for what was deleted. Equal contents are equal bytes. */
export async function exportHome(home: ChatHome, keys?: Sealed): Promise<Blob> {
  const [chats, folders] = await Promise.all([home.listChats(), home.listFolders()])
  const byChat = new Map<string, Message[]>(chats.map(({ id }) => [id, []]))
  for await (const some of home.allMessages()) for (const message of some) byChat.get(message.chatId)?.push(message)
  const parts = chats.toSorted(byId).map(chat => textOf(chat, byChat.get(chat.id)!))
  return new Blob([fileOf(folders, parts, keys)], { type: 'application/json' })
}

function textOf(chat: Chat, messages: readonly Message[]): string {
  return canonical({ ...chat, messages: messages.toSorted(byId) })
}

function fileOf(folders: readonly Folder[], chats: readonly string[], keys?: Sealed): string {
  const secrets = keys === undefined ? '' : `"keys":${canonical(keys)},`
  const head = `{"format":${JSON.stringify(format)},"version":${version},${secrets}`
  return `${head}"folders":${canonical(folders.toSorted(byId))},"chats":[\n${chats.join(',\n')}\n]}\n`
}

/** The same of a collection, for a single chat. */
export function exportCollection({ chats, messages, folders }: Collection): string {
  const byChat = Map.groupBy(messages, ({ chatId }) => chatId)
  const parts = chats.toSorted(byId).map(chat => textOf(chat, byChat.get(chat.id) ?? []))
  return fileOf(folders, parts)
}

/** The keys a file carries, still sealed. */
export function sealedKeysOf(value: unknown): Sealed | undefined {
  const keys = own(value, 'keys')
  return isSealed(keys) ? keys : undefined
}

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return one.id < other.id ? -1 : 1
}

export function isOwn(value: unknown): boolean {
  return own(value, 'format') === format
}

export function readOwn(value: unknown): Draft {
  const report = createReport()
  if (own(value, 'version') !== version) {
    report.skip('version', String(own(value, 'version')).slice(0, 40))
    return report.draft()
  }
  for (const folder of arrayOf(own(value, 'folders'))) {
    const good = checkedFolder(folder)
    if (good === undefined) report.skip('folder', named(folder, 'name'))
    else if (good.deletedAt === null) report.folder(good)
  }
  for (const entry of arrayOf(own(value, 'chats'))) readChat(entry, report)
  return report.draft()
}

function readChat(entry: unknown, report: ReturnType<typeof createReport>): void {
  const chat = checkedChat(entry)
  if (chat === undefined) report.skip('chat', named(entry, 'title'))
  // A file brings chats; it does not delete any.
  if (chat === undefined || chat.deletedAt !== null) return
  const messages: Message[] = []
  for (const message of arrayOf(own(entry, 'messages'))) {
    const good = checkedMessage(message)
    if (good === undefined || good.chatId !== chat.id) report.skip('message', chat.title)
    else messages.push(good)
  }
  report.chat(chat, mended(messages))
}

export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function named(value: unknown, name: string): string {
  const text = isRecord(value) ? own(value, name) : undefined
  return typeof text === 'string' ? text.slice(0, 80) : '–'
}
