import fc from 'fast-check'
import type { Chat, Folder, Message } from '../../src/ui/storage/documents.ts'
import type { Collection } from '../../src/ui/storage/port.ts'

/** The same number is the same id. */
export function uuid(at: number, kind = 8): string {
  return `00000000-0000-4000-${kind}000-${String(at).padStart(12, '0')}`
}

export function chat(at: number, given: Partial<Chat> = {}): Chat {
  return {
    id: uuid(at),
    title: `Chat ${at}`,
    folderId: null,
    isPinned: false,
    model: null,
    systemPrompt: '',
    parameters: {},
    headId: null,
    createdAt: 1_000,
    updatedAt: 1_000,
    deletedAt: null,
    ...given,
  }
}

export function message(chatAt: number, id: string, text: string, given: Partial<Message> = {}): Message {
  return {
    id,
    chatId: uuid(chatAt),
    parentId: null,
    role: 'user',
    text,
    state: 'done',
    createdAt: 1_000,
    updatedAt: 1_000,
    ...given,
  }
}

export function folder(at: number, given: Partial<Folder> = {}): Folder {
  const times = { createdAt: 1_000, updatedAt: 1_000, deletedAt: null }
  return { id: uuid(at, 9), name: `Folder ${at}`, systemPrompt: '', ...times, ...given }
}

const time = fc.integer({ min: 1, max: 5 })
const deletedAt = fc.option(time, { nil: null, freq: 4 })

const anyChat = fc
  .record({ at: fc.integer({ min: 0, max: 4 }), title: fc.string({ maxLength: 3 }), updatedAt: time, deletedAt })
  .map(({ at, ...given }) => chat(at, given))
const anyMessage = fc
  .record({
    at: fc.integer({ min: 0, max: 4 }),
    id: fc.constantFrom('a', 'b', 'c', '__proto__'),
    text: fc.string({ maxLength: 3 }),
    updatedAt: time,
  })
  .map(({ at, id, text, updatedAt }) => message(at, id, text, { updatedAt }))
const anyFolder = fc
  .record({ at: fc.integer({ min: 0, max: 2 }), name: fc.string({ maxLength: 3 }), updatedAt: time, deletedAt })
  .map(({ at, ...given }) => folder(at, given))

/** Few ids and few times, so that they meet. */
export const anyCollection: fc.Arbitrary<Collection> = fc.record({
  chats: fc.array(anyChat, { maxLength: 5 }),
  messages: fc.array(anyMessage, { maxLength: 10 }),
  folders: fc.array(anyFolder, { maxLength: 3 }),
})
