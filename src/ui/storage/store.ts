import { useEffect, useState } from 'react'
import { create } from 'zustand'
import { useSession } from '../client/session.ts'
import type { ChangeListener } from './changes.ts'
import { type HomeKind, keepChoice, ownerName, readChoice, useStorageChoice } from './choice.ts'
import { openDatabase } from './database.ts'
import type { Chat, Folder, Message } from './documents.ts'
import { copyAll, databaseName, forgetOld, type OpenHome, openKind } from './homes.ts'
import type { ChatStore } from './port.ts'

export type { OpenHome } from './homes.ts'

const forgetAfterMs = 10_000

interface Opened {
  readonly owner: string
  readonly open: Promise<OpenHome>
}

let opened: Opened | undefined
const listeners = new Set<ChangeListener>()

const tell: ChangeListener = chatId => {
  for (const listener of [...listeners]) listener(chatId)
}

/** The home that was chosen by who is signed in, opened when it is first needed. */
export function openHome(): Promise<OpenHome> {
  const owner = ownerName()
  if (opened?.owner !== owner) {
    closeHome()
    opened = { owner, open: open(owner) }
  }
  return opened!.open
}

/** The next one who needs it opens what is chosen then. */
export function closeHome(): void {
  const { open: before } = opened ?? {}
  opened = undefined
  void before?.then(({ home }) => home.close())
}

async function open(owner: string): Promise<OpenHome> {
  const choice = readChoice()
  useStorageChoice.setState(choice, true)
  const found = await openKind(choice.home, owner)
  const { home, database } = found
  home.onChange(tell)
  // Another tab has deleted it: whoever signed out there.
  database?.on('versionchange', ({ newVersion }) => {
    if (newVersion === null && opened?.owner === owner) opened = undefined
  })
  useHistory.setState({ isMemory: database === undefined })
  // The browser may clear what it was not asked to keep.
  if (database !== undefined) void navigator.storage?.persist?.().catch(() => false)
  const { retentionDays } = choice
  if (retentionDays !== undefined) setTimeout(() => void forgetOld(home, retentionDays).catch(() => 0), forgetAfterMs)
  return found
}

/** Copies everything to another home, and lives there from then on. What is here stays. */
export async function moveIn(kind: HomeKind, onProgress: (share: number) => void): Promise<void> {
  const from = await openHome()
  const owner = ownerName()
  if (databaseName(kind, owner) !== databaseName(from.kind, owner)) await copyTo(kind, onProgress)
  keepChoice({ home: kind })
  reopen()
}

/** Copies everything to another home; how many chats there were. */
export async function copyTo(kind: HomeKind, onProgress: (share: number) => void): Promise<number> {
  const from = await openHome()
  const to = await openKind(kind, ownerName())
  try {
    const count = await copyAll(from.home, to.home, onProgress)
    await to.home.settle?.()
    return count
  } finally {
    to.home.close()
  }
}

/** The chats of who is signed in, wherever they live. */
export function chatStore(): ChatStore {
  return store
}

const store: ChatStore = {
  listChats: async () => (await openHome()).home.listChats(),
  getChat: async id => (await openHome()).home.getChat(id),
  saveChat: async (chat, messages) => (await openHome()).home.saveChat(chat, messages),
  removeChat: async id => (await openHome()).home.removeChat(id),
  listFolders: async () => (await openHome()).home.listFolders(),
  saveFolder: async folder => (await openHome()).home.saveFolder(folder),
  removeFolder: async id => (await openHome()).home.removeFolder(id),
  async *allMessages() {
    yield* (await openHome()).home.allMessages()
  },
  onChange: listener => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

interface History {
  readonly chats: readonly Chat[]
  readonly folders: readonly Folder[]
  readonly isLoading: boolean
  readonly isMemory: boolean
  readonly error: unknown
}

export const useHistory = create<History>(() => ({
  chats: [],
  folders: [],
  isLoading: true,
  isMemory: false,
  error: undefined,
}))

let reading: Promise<void> | undefined
let isStale = false

/** One reading at a time, and once more when something changed meanwhile. */
export function refreshHistory(): void {
  isStale = true
  reading ??= readHistory().finally(() => (reading = undefined))
}

async function readHistory(): Promise<void> {
  while (isStale) {
    isStale = false
    try {
      const [chats, folders] = await Promise.all([store.listChats(), store.listFolders()])
      const newestFirst = chats.toSorted((one, other) => other.updatedAt - one.updatedAt)
      useHistory.setState({ chats: newestFirst, folders, isLoading: false, error: undefined })
    } catch (error) {
      useHistory.setState({ isLoading: false, error })
    }
  }
}

store.onChange(refreshHistory)
// Somebody else has other chats.
useSession.subscribe((now, before) => {
  const isLeaving = before.state === 'signed_in' && now.state === 'signed_out' && now.problem === undefined
  if (isLeaving) void forgetCopy(ownerName(before.me)).catch(() => undefined)
  if (now.me?.user?.id !== before.me?.user?.id) reopen()
})

/** Who signs out leaves no copy of what the node keeps; what the node has not heard of stays. */
async function forgetCopy(owner: string): Promise<void> {
  closeHome()
  const database = await openDatabase(databaseName('node', owner))
  if (database === undefined) return
  if ((await database.unsent.count()) === 0) await database.delete()
  else database.close()
}

/** Closes what is open and reads what is chosen now. */
export function reopen(): void {
  closeHome()
  useHistory.setState({ chats: [], folders: [], isLoading: true })
  tell(undefined)
}

/** All chats, what changed last first, and all folders. */
export function useChats(): Pick<History, 'chats' | 'folders' | 'isLoading' | 'error'> {
  useEffect(refreshHistory, [])
  return useHistory()
}

interface OneChat {
  readonly id: string | undefined
  readonly chat: Chat | undefined
  readonly messages: readonly Message[]
  readonly isLoading: boolean
}

const noMessages: readonly Message[] = []

/** One chat with all its messages; `chat` is undefined when there is none. */
export function useChat(id: string | undefined): OneChat {
  const [read, setRead] = useState<OneChat>()
  useEffect(() => {
    if (id === undefined) return
    let newest = 0
    const load = async () => {
      const mine = ++newest
      const found = await store.getChat(id).catch(() => undefined)
      if (mine === newest) setRead({ id, chat: found?.chat, messages: found?.messages ?? noMessages, isLoading: false })
    }
    void load()
    const stop = store.onChange(changed => {
      if (changed === undefined || changed === id) void load()
    })
    return () => {
      newest = Number.POSITIVE_INFINITY
      stop()
    }
  }, [id])
  if (read !== undefined && read.id === id) return read
  return { id, chat: undefined, messages: noMessages, isLoading: id !== undefined }
}
