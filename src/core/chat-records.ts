import type { Listing, Page } from './page.ts'
import type { JsonDocument } from './records.ts'

/**
 * Conversations of people, kept where they chose this node for it. Times of documents are what the writer's clock said, in
 * Unix milliseconds: of two versions the later one counts. `changedAt` is when this node heard of it.
 */
export interface ChatRow {
  /** Whose it is: the id of a user, or `machineOwner`. Nobody else reads it, whatever their role. */
  readonly owner: string
  readonly id: string
  readonly title: string
  readonly folderId: string | null
  readonly isPinned: boolean
  readonly model: string | null
  readonly systemPrompt: string
  readonly parameters: JsonDocument
  /** The last message of the branch that is shown. */
  readonly headId: string | null
  readonly createdAt: number
  readonly updatedAt: number
  /** A deleted chat has lost its words; that it was deleted is kept, so that other devices hear of it. */
  readonly deletedAt: number | null
  readonly changedAt: number
  /** Of all its messages. */
  readonly bytes: number
}

export interface MessageRow {
  readonly owner: string
  readonly chatId: string
  readonly id: string
  /** All of it, ids and times included. */
  readonly document: JsonDocument
  /** Of the document. */
  readonly bytes: number
  readonly updatedAt: number
  readonly changedAt: number
}

export interface FolderRow {
  readonly owner: string
  readonly id: string
  readonly name: string
  readonly systemPrompt: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly deletedAt: number | null
  readonly changedAt: number
}

/** Whoever can read the run directory of this machine. No user has this id. */
export const machineOwner = 'machine'

export const chatLimits = {
  chatsPerOwner: 10_000,
  foldersPerOwner: 1_000,
  messagesPerChat: 20_000,
  /** Of all messages of one chat. */
  chatBytes: 64 * 1024 * 1024,
  /** Of all chats of one person: nobody fills the disk of others. */
  bytesPerOwner: 1024 * 1024 * 1024,
} as const

export const tombstoneDays = 90

export type ChatDraft = Omit<ChatRow, 'owner' | 'changedAt' | 'bytes'>
export type MessageDraft = Omit<MessageRow, 'owner' | 'chatId' | 'changedAt'>
export type FolderDraft = Omit<FolderRow, 'owner' | 'changedAt'>

/** Every function sees what one owner has. Beyond a limit it is `too_large`, and nothing is written. */
export interface ChatStore {
  /** What changed last comes first. Without `since` only what is not deleted, else what changed from then on. */
  readonly list: (owner: string, filter: { readonly since?: number }, page: Page) => Promise<Listing<ChatRow>>
  readonly get: (owner: string, id: string) => Promise<ChatRow | undefined>
  /** Oldest change first. */
  readonly messages: (owner: string, chatId: string, since?: number) => Promise<readonly MessageRow[]>
  /**
   * Adds what is not there and replaces what is older, all or nothing; returns the chat as it is then. What was deleted
   * stays so.
   */
  readonly merge: (owner: string, chat: ChatDraft, messages: readonly MessageDraft[]) => Promise<ChatRow>
  /** Its words are gone at once. An unknown one is `not_found`. */
  readonly remove: (owner: string, id: string) => Promise<void>
  /** By name; deleted ones too. */
  readonly folders: (owner: string) => Promise<readonly FolderRow[]>
  readonly mergeFolder: (owner: string, folder: FolderDraft) => Promise<FolderRow>
  readonly removeFolder: (owner: string, id: string) => Promise<void>
  /** Forgets what was deleted before a time, at most `limit` of either kind; how many went. */
  readonly removeDeleted: (before: number, limit: number) => Promise<number>
}
