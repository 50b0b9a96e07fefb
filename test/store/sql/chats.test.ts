import { expect, test } from 'vitest'
import {
  type ChatDraft,
  chatLimits,
  type FolderDraft,
  type MessageDraft,
  systemRandom,
} from '../../../src/core/index.ts'
import { noon } from './calls.ts'
import { onBoth, onFile } from './stage.ts'

const all = { page: 1, limit: 1_000 }
const code = (expected: string) => expect.objectContaining({ code: expected })
const idOf = (at: number) => `0198a000-0000-7000-8000-${String(at).padStart(12, '0')}`

const chat = (at: number, more: Partial<ChatDraft> = {}): ChatDraft => ({
  id: idOf(at),
  title: `chat ${at}`,
  folderId: null,
  isPinned: false,
  model: 'm',
  systemPrompt: 'be brief',
  parameters: { temperature: 0.5 },
  headId: null,
  createdAt: 1_000,
  updatedAt: 1_000,
  deletedAt: null,
  ...more,
})

const message = (id: string, text = id, updatedAt = 1_000): MessageDraft => {
  const document = { id, text, role: 'user', createdAt: 1_000, updatedAt }
  return { id, document, bytes: JSON.stringify(document).length, updatedAt }
}

const folder = (at: number, more: Partial<FolderDraft> = {}): FolderDraft => ({
  ...{ id: idOf(at), name: `folder ${at}`, systemPrompt: '', createdAt: 1_000, updatedAt: 1_000, deletedAt: null },
  ...more,
})

const texts = (rows: readonly { readonly document: object }[]) =>
  rows.map(({ document }) => (document as { text: string }).text).sort()

onBoth('chats', stage => {
  test('what is merged is read again, word for word', async () => {
    const { chats } = await stage.open()
    const odd = { id: 'odd', text: '🦜 "quoted" \n \\ \u2028', list: [1, { deep: null }], role: 'assistant' }
    const made = await chats.merge('ada', chat(1, { isPinned: true, headId: 'odd', folderId: idOf(9) }), [
      message('a'),
      { id: 'odd', document: odd, bytes: 10, updatedAt: 5 },
    ])
    expect(made).toEqual({
      ...chat(1),
      isPinned: true,
      headId: 'odd',
      folderId: idOf(9),
      owner: 'ada',
      changedAt: noon,
      bytes: message('a').bytes + 10,
    })
    expect(await chats.get('ada', idOf(1))).toEqual(made)
    const rows = await chats.messages('ada', idOf(1))
    expect(rows.map(({ id }) => id)).toEqual(['a', 'odd'])
    expect(rows[1]!.document).toEqual(odd)
  })

  test('two versions become one: every message, the later of each, the later head', async () => {
    const { chats } = await stage.open()
    await chats.merge('ada', chat(1, { title: 'old' }), [message('a'), message('b', 'b1', 2_000)])
    stage.clock.time += 5
    await chats.merge('ada', chat(1, { title: 'new', updatedAt: 3_000 }), [message('b', 'b0'), message('c')])
    stage.clock.time += 5
    const late = await chats.merge('ada', chat(1, { title: 'late', updatedAt: 2_000 }), [message('b', 'b2', 2_500)])
    expect(late).toMatchObject({ title: 'new', updatedAt: 3_000, changedAt: noon + 10 })
    expect(texts(await chats.messages('ada', idOf(1)))).toEqual(['a', 'b2', 'c'])
    expect(texts(await chats.messages('ada', idOf(1), noon + 5))).toEqual(['b2', 'c'])
    stage.clock.time += 5
    const same = await chats.merge('ada', chat(1, { updatedAt: 2_000 }), [message('a', 'other')])
    expect(same.changedAt).toBe(noon + 10)
    expect(texts(await chats.messages('ada', idOf(1)))).toEqual(['a', 'b2', 'c'])
  })

  test('the outcome is the same in whatever order versions come, and at the same time', async () => {
    const { chats } = await stage.open()
    const versions = Array.from({ length: 8 }, (_, at) => ({
      head: chat(1, { title: `t${at}`, updatedAt: 1_000 + at }),
      messages: [message('x', `x${at}`, 1_000 + at), message(`own-${at}`)],
    }))
    const shuffled = versions.toSorted(() => systemRandom.bytes(1)[0]! - 128)
    await Promise.all(shuffled.map(({ head, messages }) => chats.merge('ada', head, messages)))
    expect(await chats.get('ada', idOf(1))).toMatchObject({ title: 't7' })
    expect(texts(await chats.messages('ada', idOf(1)))).toContain('x7')
    expect(await chats.messages('ada', idOf(1))).toHaveLength(9)
    const twice = [message('y', 'y1', 1), message('y', 'y3', 3), message('y', 'y2', 2)]
    await chats.merge('ada', chat(1), twice)
    expect(texts(await chats.messages('ada', idOf(1)))).toContain('y3')
  })

  test('nobody sees what belongs to somebody else, not even under the same ids', async () => {
    const { chats } = await stage.open()
    await chats.merge('ada', chat(1), [message('a', 'of ada')])
    await chats.merge('bob', chat(1, { title: 'of bob' }), [message('a', 'of bob')])
    await chats.mergeFolder('ada', folder(2))
    expect(texts(await chats.messages('ada', idOf(1)))).toEqual(['of ada'])
    expect(texts(await chats.messages('bob', idOf(1)))).toEqual(['of bob'])
    expect(await chats.get('eve', idOf(1))).toBeUndefined()
    expect(await chats.messages('eve', idOf(1))).toEqual([])
    expect(await chats.folders('bob')).toEqual([])
    await expect(chats.remove('eve', idOf(1))).rejects.toThrow(code('not_found'))
    await expect(chats.removeFolder('bob', idOf(2))).rejects.toThrow(code('not_found'))
    await chats.remove('bob', idOf(1))
    expect(texts(await chats.messages('ada', idOf(1)))).toEqual(['of ada'])
  })

  test('lists come in pages, last changed first; deleted ones only to whoever asks what changed', async () => {
    const { chats } = await stage.open()
    for (let at = 1; at <= 5; at++) {
      stage.clock.time = noon + at
      await chats.merge('ada', chat(at), [])
    }
    stage.clock.time = noon + 10
    await chats.remove('ada', idOf(2))
    const ids = async (filter: { since?: number }, page = all) => {
      const { rows, total } = await chats.list('ada', filter, page)
      return [rows.map(({ id }) => Number(id.slice(-2))), total]
    }
    expect(await ids({})).toEqual([[5, 4, 3, 1], 4])
    expect(await ids({}, { page: 2, limit: 3 })).toEqual([[1], 4])
    expect(await ids({ since: noon + 4 })).toEqual([[2, 5, 4], 3])
  })

  test('what is deleted loses its words at once, stays deleted, and is forgotten in time', async () => {
    const { chats } = await stage.open()
    await chats.merge('ada', chat(1, { title: 'secret title', systemPrompt: 'secret prompt' }), [message('a')])
    await chats.mergeFolder('ada', folder(2, { name: 'secret name' }))
    await chats.remove('ada', idOf(1))
    await chats.removeFolder('ada', idOf(2))
    await chats.remove('ada', idOf(1))
    const left = await chats.get('ada', idOf(1))
    expect(left).toMatchObject({ title: '', systemPrompt: '', parameters: {}, headId: null, deletedAt: noon })
    expect(await chats.messages('ada', idOf(1))).toEqual([])
    const again = await chats.merge('ada', chat(1, { updatedAt: noon * 2 }), [message('late')])
    expect(again).toEqual(left)
    expect(await chats.messages('ada', idOf(1))).toEqual([])
    expect(JSON.stringify(await chats.folders('ada'))).not.toContain('secret')
    expect(await chats.mergeFolder('ada', folder(2, { updatedAt: noon * 2 }))).toMatchObject({ deletedAt: noon })
    expect(await chats.removeDeleted(noon, 10)).toBe(0)
    expect(await chats.removeDeleted(noon + 1, 10)).toBe(2)
    expect(await chats.get('ada', idOf(1))).toBeUndefined()
    expect(await chats.folders('ada')).toEqual([])
  })

  test('a deletion that another device brings counts, whatever its time', async () => {
    const { chats } = await stage.open()
    await chats.merge('ada', chat(1, { updatedAt: 9_000 }), [message('a')])
    const gone = await chats.merge('ada', chat(1, { updatedAt: 2_000, deletedAt: 2_000, title: 'words' }), [
      message('b'),
    ])
    expect(gone).toMatchObject({ deletedAt: 2_000, title: '' })
    expect(await chats.messages('ada', idOf(1))).toEqual([])
  })

  test('too many messages or bytes are refused, and nothing of them is kept', async () => {
    const { chats } = await stage.open()
    const many = Array.from({ length: chatLimits.messagesPerChat }, (_, at) => message(`m${at}`))
    await chats.merge('ada', chat(1), many)
    await expect(chats.merge('ada', chat(1, { updatedAt: 2_000 }), [message('more')])).rejects.toThrow(
      code('too_large'),
    )
    expect(await chats.get('ada', idOf(1))).toMatchObject({ updatedAt: 1_000 })
    expect(await chats.messages('ada', idOf(1))).toHaveLength(chatLimits.messagesPerChat)
    const big = { ...message('big'), bytes: chatLimits.chatBytes + 1 }
    await expect(chats.merge('ada', chat(2), [big])).rejects.toThrow(code('too_large'))
    expect(await chats.get('ada', idOf(2))).toBeUndefined()
  })

  test('all chats of somebody together are bounded, and what is deleted makes room', async () => {
    const { chats } = await stage.open()
    const large = (id: string) => ({ ...message(id), bytes: chatLimits.chatBytes })
    const fitting = chatLimits.bytesPerOwner / chatLimits.chatBytes
    for (let at = 1; at <= fitting; at++) await chats.merge('ada', chat(at), [large('m')])
    await expect(chats.merge('ada', chat(99), [message('more')])).rejects.toThrow(code('too_large'))
    expect(await chats.get('ada', idOf(99))).toBeUndefined()
    await chats.merge('bob', chat(99), [message('more')])
    await chats.remove('ada', idOf(1))
    expect(await chats.get('ada', idOf(1))).toMatchObject({ bytes: 0 })
    const { bytes } = await chats.merge('ada', chat(99), [message('more')])
    expect(bytes).toBe(message('more').bytes)
    expect(await chats.merge('ada', chat(99, { title: 'same', updatedAt: 2_000 }), [])).toMatchObject({ bytes })
  })

  test('there are as many folders as may be', async () => {
    const { chats } = await stage.open()
    for (let at = 0; at < chatLimits.foldersPerOwner; at++) await chats.mergeFolder('ada', folder(at))
    await expect(chats.mergeFolder('ada', folder(5_000))).rejects.toThrow(code('too_large'))
    await chats.mergeFolder('bob', folder(5_000))
    await chats.removeFolder('ada', idOf(0))
    await chats.mergeFolder('ada', folder(5_000))
  })

  test('somebody who is removed takes their chats along', async () => {
    const { chats, users } = await stage.open()
    const ada = await users.create({ email: 'ada@example.com', name: 'Ada', role: 'user' })
    await chats.merge(ada.id, chat(1), [message('a')])
    await chats.mergeFolder(ada.id, folder(2))
    await chats.merge('bob', chat(1), [])
    await users.remove(ada.id)
    expect(await chats.get(ada.id, idOf(1))).toBeUndefined()
    expect(await chats.messages(ada.id, idOf(1))).toEqual([])
    expect(await chats.folders(ada.id)).toEqual([])
    expect(await chats.get('bob', idOf(1))).toBeDefined()
  })

  test('a chat counts as no change of the setup', async () => {
    const { chats, revision } = await stage.open()
    const before = await revision()
    await chats.merge('ada', chat(1), [message('a')])
    await chats.remove('ada', idOf(1))
    expect(await revision()).toBe(before)
  })
})

onFile('what was deleted', stage => {
  test('is not remembered without end', async () => {
    const { chats } = await stage.open()
    const max = 2 * chatLimits.foldersPerOwner
    for (let at = 0; at < max; at++) await chats.mergeFolder('ada', folder(at, { deletedAt: 1_000 }))
    await expect(chats.mergeFolder('ada', folder(max, { deletedAt: 1_000 }))).rejects.toThrow(code('too_large'))
    await chats.mergeFolder('ada', folder(0, { deletedAt: 2_000 }))
  })
})
