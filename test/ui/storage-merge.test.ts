import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rowsOf } from '../../src/ui/chat/history-rows.ts'
import { createMemoryHome } from '../../src/ui/storage/memory-home.ts'
import { canonical, mergeCollections } from '../../src/ui/storage/merge.ts'
import type { Collection } from '../../src/ui/storage/port.ts'
import { portions } from '../../src/ui/storage/portions.ts'
import { anyCollection, chat, folder, message, uuid } from './storage-documents.ts'

const none: Collection = { chats: [], messages: [], folders: [] }
function same(one: Collection, other: Collection): void {
  expect(canonical(one)).toBe(canonical(other))
}

describe('the merge of two homes', () => {
  test('does not depend on who merges with whom', () => {
    fc.assert(
      fc.property(anyCollection, anyCollection, (one, other) => {
        same(mergeCollections(one, other), mergeCollections(other, one))
      }),
    )
  })

  test('does not depend on the order of merges', () => {
    fc.assert(
      fc.property(anyCollection, anyCollection, anyCollection, (one, other, third) => {
        same(
          mergeCollections(mergeCollections(one, other), third),
          mergeCollections(one, mergeCollections(other, third)),
        )
      }),
    )
  })

  test('does not depend on how often', () => {
    fc.assert(
      fc.property(anyCollection, anyCollection, (one, other) => {
        const merged = mergeCollections(one, other)
        same(mergeCollections(merged, other), merged)
        same(mergeCollections(merged, merged), merged)
      }),
    )
  })

  test('loses no message but those of deleted chats, and no deletion', () => {
    fc.assert(
      fc.property(anyCollection, anyCollection, (one, other) => {
        const merged = mergeCollections(one, other)
        const all = [...one.chats, ...other.chats]
        const deleted = new Set(all.filter(({ deletedAt }) => deletedAt !== null).map(({ id }) => id))
        for (const { chatId, id, updatedAt } of [...one.messages, ...other.messages]) {
          const found = merged.messages.find(each => each.chatId === chatId && each.id === id)
          if (deleted.has(chatId)) expect(found).toBeUndefined()
          else expect(found!.updatedAt).toBeGreaterThanOrEqual(updatedAt)
        }
        for (const { id } of all) {
          const found = merged.chats.find(each => each.id === id)!
          expect(found.deletedAt !== null).toBe(deleted.has(id))
          if (deleted.has(id)) expect(found.title).toBe('')
        }
      }),
    )
  })

  test('is what a home does', async () => {
    await fc.assert(
      fc.asyncProperty(anyCollection, anyCollection, async (one, other) => {
        const known = (given: Collection) => {
          const ids = new Set(given.chats.map(({ id }) => id))
          return { ...given, messages: given.messages.filter(({ chatId }) => ids.has(chatId)) }
        }
        const home = createMemoryHome()
        await home.merge(known(one))
        await home.merge(known(other))
        const { chats, folders } = await home.heads()
        const messages = []
        for await (const some of home.allMessages()) messages.push(...some)
        const wanted = mergeCollections(mergeCollections(none, known(one)), known(other))
        same(mergeCollections({ chats, folders, messages }, none), wanted)
        home.close()
      }),
      { numRuns: 50 },
    )
  })

  test('of two changes in one millisecond the one that was made here stays', async () => {
    const home = createMemoryHome()
    await home.saveChat(chat(1, { title: 'z' }))
    await home.saveChat(chat(1, { title: 'a' }))
    expect((await home.listChats())[0]!.title).toBe('a')
    home.close()
  })

  test('a chat that is deleted stays so, and the chats of a folder outlive it', async () => {
    const home = createMemoryHome()
    await home.saveFolder(folder(1))
    await home.saveChat(chat(1, { folderId: uuid(1, 9) }), [message(1, 'a', 'words')])
    await home.removeFolder(uuid(1, 9))
    expect(await home.listFolders()).toEqual([])
    expect((await home.getChat(uuid(1)))!.chat.folderId).toBeNull()
    await home.removeChat(uuid(1))
    await home.saveChat(chat(1, { updatedAt: Date.now() + 60_000 }), [message(1, 'b', 'late')])
    expect(await home.listChats()).toEqual([])
    const messages = []
    for await (const some of home.allMessages()) messages.push(...some)
    expect(messages).toEqual([])
    home.close()
  })
})

test('the history: pinned on top, folders, then days; what is in a closed folder is not drawn', () => {
  const now = new Date(2026, 5, 15, 12).getTime()
  const day = 86_400_000
  const chats = [
    chat(1, { updatedAt: now }),
    chat(2, { updatedAt: now - day }),
    chat(3, { updatedAt: now - 3 * day }),
    chat(4, { updatedAt: now - 40 * day }),
    chat(5, { updatedAt: now, isPinned: true, folderId: uuid(1, 9) }),
    chat(6, { updatedAt: now, folderId: uuid(1, 9) }),
    chat(7, { updatedAt: now, folderId: uuid(9, 9) }),
  ]
  const shown = (open: ReadonlySet<string>) =>
    rowsOf(chats, [folder(1)], open, now).map(row =>
      row.kind === 'group' ? row.group : row.kind === 'folder' ? `${row.folder.name} ${row.count}` : row.chat.title,
    )
  const rest = ['today', 'Chat 1', 'Chat 7', 'yesterday', 'Chat 2', 'week', 'Chat 3', 'older', 'Chat 4']
  expect(shown(new Set())).toEqual(['pinned', 'Chat 5', 'folders', 'Folder 1 1', ...rest])
  expect(shown(new Set([uuid(1, 9)]))).toEqual(['pinned', 'Chat 5', 'folders', 'Folder 1 1', 'Chat 6', ...rest])
})

describe('messages on their way to a node', () => {
  test('go in portions it takes, counted in bytes; one that is too large goes alone', () => {
    const texts = ['a'.repeat(4_000_000), '世'.repeat(1_500_000), 'b', 'c'.repeat(30_000_000), 'd']
    const sent = portions(texts.map((text, at) => message(1, `m${at}`, text)))
    expect(sent.map(portion => portion.map(({ id }) => id))).toEqual([['m0'], ['m1', 'm2'], ['m3'], ['m4']])
  })

  test('there is one for a head without messages', () => {
    expect(portions([])).toEqual([[]])
  })
})

test('whoever deletes a folder frees its chats, also those of a clock that runs ahead', async () => {
  const home = createMemoryHome()
  await home.saveFolder(folder(1))
  await home.saveChat(chat(1, { folderId: folder(1).id, updatedAt: Date.now() + 60_000 }))
  await home.removeFolder(folder(1).id)
  expect((await home.listChats()).map(({ folderId }) => folderId)).toEqual([null])
})
