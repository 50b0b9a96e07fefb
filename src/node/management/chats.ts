import {
  type Actor,
  type ChatDesk,
  type ChatStore,
  type JsonDocument,
  type MessageDraft,
  machineOwner,
  ParleyError,
} from '../../core/index.ts'
import { knownOr } from './common.ts'

/** Chats by who asks: an actor has no way to name somebody else's. */
export function createChatDesk({ chats }: { readonly chats: ChatStore }): ChatDesk {
  const head: ChatDesk['head'] = async (actor, given) => {
    const id = given.toLowerCase()
    return knownOr(await chats.get(ownerOf(actor), id), 'chat', id)
  }
  return {
    head,
    list: (actor, filter, page) => chats.list(ownerOf(actor), filter, page),
    get: async (actor, id, since) => {
      const chat = await head(actor, id)
      return { chat, messages: await chats.messages(ownerOf(actor), chat.id, since) }
    },
    merge: (actor, chat, documents) => chats.merge(ownerOf(actor), chat, documents.map(draftOf)),
    remove: (actor, id) => chats.remove(ownerOf(actor), id.toLowerCase()),
    folders: actor => chats.folders(ownerOf(actor)),
    mergeFolder: (actor, folder) => chats.mergeFolder(ownerOf(actor), folder),
    removeFolder: (actor, id) => chats.removeFolder(ownerOf(actor), id.toLowerCase()),
  }
}

function ownerOf({ kind, id }: Actor): string {
  if (kind === 'machine') return machineOwner
  if (kind === 'user') return id
  throw new ParleyError('forbidden', 'an API key has no chats; log in instead')
}

function draftOf(document: JsonDocument & { readonly id: string; readonly updatedAt: number }): MessageDraft {
  const { id, updatedAt } = document
  return { id, updatedAt, document, bytes: Buffer.byteLength(JSON.stringify(document)) }
}
