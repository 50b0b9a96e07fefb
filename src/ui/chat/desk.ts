import { create } from 'zustand'
import { useSession } from '../client/session.ts'
import { ownerName } from '../storage/choice.ts'
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
/** Chats of which something could not be stored. */
const unsaved = new Set<string>()
/** Chats whose answer is being written: they stay open. */
const held = new Set<string>()
const reloads = new Map<string, ReturnType<typeof setTimeout>>()

export function opened(id: string): OpenChat | undefined {
  return useDesk.getState().open[id]
}

/** Keeps a chat open until the function it returns is called. */
export function holdChat(id: string): () => void {
  held.add(id)
  return () => held.delete(id)
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

/** Chats that were looked for in vain, and have come since: from the node, from another tab. */
function lookAgain(changed: string | undefined): void {
  const { missing } = useDesk.getState()
  for (const id of Object.keys(missing)) {
    if (changed === undefined || changed === id) void openChat(id).catch(() => undefined)
  }
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

/** Changes a chat, adds messages or newer versions of them, and stores both. Messages alone make a chat no newer. */
export function changeChat(id: string, change: Partial<Chat>, messages: readonly Message[] = []): void {
  const before = opened(id)
  if (before === undefined) return
  const isChanged = Object.keys(change).length > 0
  const updatedAt = isChanged ? Math.max(Date.now(), before.chat.updatedAt + 1) : before.chat.updatedAt
  const chat = isChanged ? { ...before.chat, ...change, updatedAt } : before.chat
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

/** Until all that was changed is stored, or could not be. */
export async function settled(): Promise<void> {
  await Promise.all(saving.values())
}

/** Where a chat is, and what it is called, does not make it newer; false when it is not open here. */
export function fileOpenChat(id: string, change: Partial<Chat>): boolean {
  const before = opened(id)
  if (before === undefined) return false
  const chat = { ...before.chat, ...change, updatedAt: before.chat.updatedAt + 1 }
  place(id, { ...before, chat })
  if (!before.isTemporary) save(id, chat, [])
  return true
}

/** Tries to store all that is open once more. */
export function saveAll(): void {
  unsaved.clear()
  useDesk.setState({ saveError: undefined })
  for (const [id, { chat, messages, isTemporary }] of Object.entries(useDesk.getState().open)) {
    if (!isTemporary) save(id, chat, messages)
  }
}

function save(id: string, chat: Chat, messages: readonly Message[]): void {
  const owner = ownerName()
  const work = async () => {
    // Somebody else is here by now, and these chats are not his.
    if (ownerName() !== owner) return
    try {
      const all = unsaved.has(id) ? (opened(id)?.messages ?? messages) : messages
      await chatStore().saveChat(chat, merged(all, messages))
      savedOnce.add(id)
      if (unsaved.delete(id) && unsaved.size === 0) useDesk.setState({ saveError: undefined })
    } catch (saveError) {
      unsaved.add(id)
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
    const staying = Object.entries(others).filter(([name]) => !old.includes(name) || isNeeded(name))
    return { open: { ...Object.fromEntries(staying), [id]: chat }, missing: gone }
  })
}

function isNeeded(id: string): boolean {
  return saving.has(id) || unsaved.has(id) || held.has(id)
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
  if (mine === undefined || mine.isTemporary) return
  await saving.get(id)
  const found = await chatStore()
    .getChat(id)
    .catch(() => null)
  const now = opened(id)
  if (found === null || now === undefined || now.isTemporary) return
  if (found === undefined) {
    if (!savedOnce.has(id) || saving.has(id)) return
    forget(id)
    return useDesk.setState(({ missing }) => ({ missing: { ...missing, [id]: true } }))
  }
  const chat = found.chat.updatedAt > now.chat.updatedAt ? found.chat : now.chat
  const messages = merged(now.messages, found.messages)
  if (chat !== now.chat || messages !== now.messages) place(id, { ...now, chat, messages })
}

chatStore().onChange(changed => {
  lookAgain(changed)
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

// Who comes next finds nothing of who was here.
useSession.subscribe((now, before) => {
  if (before.state !== 'signed_in' || (now.state === 'signed_in' && now.me?.user?.id === before.me?.user?.id)) return
  unsaved.clear()
  useDesk.setState({ open: {}, missing: {}, saveError: undefined })
})
