import i18next from 'i18next'
import { toast } from 'sonner'
import { create } from 'zustand'
import { beforeSignOut } from '../client/session.ts'
import type { Chat, Folder } from '../storage/documents.ts'
import { chatStore } from '../storage/store.ts'
import { fileOpenChat } from './desk.ts'
import { stopRun } from './runs.ts'

/** What is told when something could not be written; the page goes on. */
export function report(work: Promise<unknown>): void {
  work.catch((cause: unknown) => toast.error(i18next.t('storage.history.failed', { reason: String(cause) })))
}

/** Where a chat is does not make it newer: it stays where it is in the list. */
export function fileChat(chat: Chat, change: Pick<Partial<Chat>, 'isPinned' | 'folderId' | 'title'>): void {
  if (fileOpenChat(chat.id, change)) return
  report(chatStore().saveChat({ ...chat, ...change, updatedAt: chat.updatedAt + 1 }))
}

export function changeFolder(folder: Folder, change: Partial<Folder>): void {
  report(chatStore().saveFolder({ ...folder, ...change, updatedAt: Math.max(Date.now(), folder.updatedAt + 1) }))
}

export function newFolder(name: string, systemPrompt = ''): Folder {
  const now = Date.now()
  const folder = { id: crypto.randomUUID(), name, systemPrompt, createdAt: now, updatedAt: now, deletedAt: null }
  report(chatStore().saveFolder(folder))
  return folder
}

/** Chats that are deleted as soon as it can no longer be undone: a deletion is for good. */
export const useLeaving = create<{ readonly ids: ReadonlySet<string> }>(() => ({ ids: new Set() }))

const undoMs = 8_000

function leave(id: string, isLeaving: boolean): void {
  const next = new Set(useLeaving.getState().ids)
  if (isLeaving) next.add(id)
  else next.delete(id)
  useLeaving.setState({ ids: next })
}

/** Takes a chat out of sight, and deletes it when nobody wants it back. */
export function deleteChat({ id, title }: Chat): void {
  leave(id, true)
  stopRun(id)
  const finish = () => {
    if (!useLeaving.getState().ids.has(id)) return
    report(
      chatStore()
        .removeChat(id)
        .finally(() => leave(id, false)),
    )
  }
  toast(i18next.t('storage.history.deleted', { title: title.slice(0, 60) || i18next.t('storage.history.untitled') }), {
    duration: undoMs,
    action: { label: i18next.t('storage.history.undo'), onClick: () => leave(id, false) },
    onAutoClose: finish,
    onDismiss: finish,
  })
}

// Who leaves did not want it back.
const removeLeaving = () => Promise.allSettled([...useLeaving.getState().ids].map(id => chatStore().removeChat(id)))
window.addEventListener('pagehide', () => void removeLeaving())
beforeSignOut(removeLeaving)
