import { create } from 'zustand'
import type { Chat, Message } from '../storage/documents.ts'
import { chatStore } from '../storage/store.ts'
import { merged } from './tree.ts'

/** A chat that is open in this tab, as it is now; the store gets what changes, unless the chat is temporary. */
export interface OpenChat {
  readonly chat: Chat
  readonly messages: readonly Message[]
  readonly isTemporary: boolean
}

interface Desk {
  readonly open: Readonly<Record<string, OpenChat>>
  /** Chats that were looked for and are not there. */
  readonly missing: Readonly<Record<string, true>>
  /** Why the newest change could not be stored. */
  readonly saveError: unknown
}

export const useDesk = create<Desk>(() => ({ open: {}, missing: {}, saveError: undefined }))

const openMax = 30
const reloadMs = 100
/** Changes on their way to the store, by chat, one after the other. */
const saving = new Map<string, Promise<void>>()
const savedOnce = new Set<string>()
const reloads = new Map<string, ReturnType<typeof setTimeout>>()

export function opened(id: string): OpenChat | undefined {
  return useDesk.getState().open[id]
}

/** Reads a chat that is not open yet. */
export async function openChat(id: string): Promise<void> {
  if (opened(id) !== undefined) return
  const found = await chatStore().getChat(id)
  if (opened(id) !== undefined) return
  if (found === undefined) return useDesk.setState(({ missing }) => ({ missing: { ...missing, [id]: true } }))
  savedOnce.add(id)
  place(id, { ...found, isTemporary: false })
}

export function beginChat(given: Pick<Chat, 'title' | 'model'> & Partial<Chat>, isTemporary: boolean): Chat {
  const now = Date.now()
  const chat: Chat = {
    ...{ id: crypto.randomUUID(), folderId: null, isPinned: false, systemPrompt: '', parameters: {}, headId: null },
    ...{ createdAt: now, updatedAt: now, deletedAt: null },
    ...given,
  }
  place(chat.id, { chat, messages: [], isTemporary })
  return chat
}

/** Changes a chat, adds messages or newer versions of them, and stores both. */
export function changeChat(id: string, change: Partial<Chat>, messages: readonly Message[] = []): void {
  const before = opened(id)
  if (before === undefined) return
  const chat = { ...before.chat, ...change, updatedAt: Math.max(Date.now(), before.chat.updatedAt + 1) }
  place(id, { ...before, chat, messages: merged(before.messages, messages) })
  if (!before.isTemporary) save(id, chat, messages)
}

/** A temporary chat that shall be kept after all. */
export function keepChat(id: string): void {
  const before = opened(id)
  if (before === undefined) return
  place(id, { ...before, isTemporary: false })
  save(id, before.chat, before.messages)
}

export async function deleteChat(id: string): Promise<void> {
  const before = opened(id)
  await saving.get(id)
  if (before?.isTemporary !== true) await chatStore().removeChat(id)
  forget(id)
}

/** Tries to store all that is open once more. */
export function saveAll(): void {
  useDesk.setState({ saveError: undefined })
  for (const [id, { chat, messages, isTemporary }] of Object.entries(useDesk.getState().open)) {
    if (!isTemporary) save(id, chat, messages)
  }
}

function save(id: string, chat: Chat, messages: readonly Message[]): void {
  const work = async () => {
    try {
      await chatStore().saveChat(chat, messages)
      savedOnce.add(id)
    } catch (saveError) {
      useDesk.setState({ saveError })
    }
  }
  const queued = (saving.get(id) ?? Promise.resolve()).then(work)
  saving.set(id, queued)
  void queued.finally(() => {
    if (saving.get(id) === queued) saving.delete(id)
  })
}

function place(id: string, chat: OpenChat): void {
  useDesk.setState(({ open, missing }) => {
    const { [id]: _, ...others } = open
    const { [id]: __, ...gone } = missing
    const kept = Object.entries(others).filter(([, { isTemporary }]) => !isTemporary)
    const old = kept.slice(0, Math.max(0, kept.length - openMax)).map(([name]) => name)
    const staying = Object.entries(others).filter(([name]) => !old.includes(name) || saving.has(name))
    return { open: { ...Object.fromEntries(staying), [id]: chat }, missing: gone }
  })
}

function forget(id: string): void {
  useDesk.setState(({ open }) => {
    const { [id]: _, ...others } = open
    return { open: others }
  })
}

/** What changed elsewhere: in another tab, in the list of chats, on another device. */
async function reload(id: string): Promise<void> {
  const mine = opened(id)
  if (mine === undefined || mine.isTemporary || saving.has(id)) return
  const found = await chatStore()
    .getChat(id)
    .catch(() => null)
  const now = opened(id)
  if (found === null || now === undefined || saving.has(id)) return
  if (found === undefined) {
    if (!savedOnce.has(id)) return
    forget(id)
    return useDesk.setState(({ missing }) => ({ missing: { ...missing, [id]: true } }))
  }
  const chat = found.chat.updatedAt > now.chat.updatedAt ? found.chat : now.chat
  const messages = merged(now.messages, found.messages)
  if (chat !== now.chat || messages !== now.messages) place(id, { ...now, chat, messages })
}

chatStore().onChange(changed => {
  for (const id of changed === undefined ? Object.keys(useDesk.getState().open) : [changed]) {
    clearTimeout(reloads.get(id))
    reloads.set(
      id,
      setTimeout(() => {
        reloads.delete(id)
        void reload(id)
      }, reloadMs),
    )
  }
})
