import fc from 'fast-check'
import { strToU8, unzipSync, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { createMemoryHome } from '../../src/ui/storage/memory-home.ts'
import { seal, unseal } from '../../src/ui/storage/sealed.ts'
import { branchOf, markdownOf, markdownZip } from '../../src/ui/storage/transfer/markdown.ts'
import { exportHome } from '../../src/ui/storage/transfer/own-format.ts'
import { isTooDeep, readFile } from '../../src/ui/storage/transfer/read-file.ts'
import { planOf, takeIn } from '../../src/ui/storage/transfer/take-in.ts'
import { anyCollection, chat, folder, message, uuid } from './storage-documents.ts'

const bytesOf = (value: unknown) => strToU8(typeof value === 'string' ? value : JSON.stringify(value))
const reasons = async (bytes: Uint8Array) => (await readFile(bytes)).skipped.map(({ reason }) => reason)

async function filled() {
  const home = createMemoryHome()
  await home.saveFolder(folder(1))
  const attachment = { id: 'f', name: 'a.txt', mediaType: 'text/plain', bytes: 2, kind: 'text' as const, text: 'hi' }
  await home.saveChat(
    chat(1, { folderId: uuid(1, 9), headId: 'b', title: 'Café "é" 😀', parameters: { temperature: 0.5 } }),
    [
      message(1, 'a', 'line\nbreak \u2028 </script>', { attachments: [attachment] }),
      message(1, 'b', 'answer', {
        parentId: 'a',
        role: 'assistant',
        model: 'm',
        reasoning: 'thought',
        usage: { prompt: 1, completion: 2 },
        facts: { ttftMs: 12.5, cost: '0.01', notices: [{ text: 'n' }] },
        toolCalls: [{ id: 't', name: 'f', arguments: '{}' }],
      }),
      message(1, 'c', 'other', {
        parentId: 'a',
        role: 'assistant',
        state: 'failed',
        error: { code: 'x', message: 'y' },
      }),
    ],
  )
  return home
}

describe('our own format', () => {
  test('comes back byte by byte', async () => {
    const home = await filled()
    const text = await (await exportHome(home)).text()
    const { collection, skipped, format } = await readFile(bytesOf(text))
    expect({ skipped, format }).toEqual({ skipped: [], format: 'own' })
    const other = createMemoryHome()
    await takeIn(other, collection)
    expect(await (await exportHome(other)).text()).toBe(text)
    expect(await planOf(other, collection)).toEqual({ newChats: 0, mergedChats: 1, messages: 3, folders: 1 })
  })

  test('of whatever a home holds', async () => {
    await fc.assert(
      fc.asyncProperty(anyCollection, async given => {
        const [home, other] = [createMemoryHome(), createMemoryHome()]
        await home.merge(given)
        const text = await (await exportHome(home)).text()
        await takeIn(other, (await readFile(bytesOf(text))).collection)
        expect(await (await exportHome(other)).text()).toBe(text)
        home.close()
        other.close()
      }),
      { numRuns: 40 },
    )
  })

  test('brings back what was deleted here as another chat, and deletes nothing', async () => {
    const home = await filled()
    const { collection } = await readFile(bytesOf(await (await exportHome(home)).text()))
    await home.removeChat(uuid(1))
    await takeIn(home, collection)
    const [back] = await home.listChats()
    expect(back!.id).not.toBe(uuid(1))
    expect((await home.getChat(back!.id))!.messages).toHaveLength(3)
    const deletion = { format: 'parley.chats', version: 1, chats: [{ ...back, deletedAt: 5, messages: [] }] }
    await takeIn(home, (await readFile(bytesOf(deletion))).collection)
    expect(await home.listChats()).toHaveLength(1)
  })

  test('what was deleted comes back once, however often its file is taken in', async () => {
    const home = await filled()
    const { collection } = await readFile(bytesOf(await (await exportHome(home)).text()))
    await home.removeChat(chat(1).id)
    for (let time = 0; time < 3; time++) await takeIn(home, collection)
    const [first, ...others] = await home.listChats()
    expect(others).toEqual([])
    expect(first!.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/)
    await home.removeChat(first!.id)
    await takeIn(home, collection)
    expect((await home.listChats()).map(({ id }) => id)).not.toContain(first!.id)
    expect(await home.listChats()).toHaveLength(1)
  })

  test('a clock that runs ahead does not win for ever', async () => {
    const home = createMemoryHome()
    const ahead = {
      format: 'parley.chats',
      version: 1,
      chats: [{ ...chat(1, { updatedAt: Date.UTC(9000, 1) }), messages: [] }],
    }
    await takeIn(home, (await readFile(bytesOf(ahead))).collection)
    expect((await home.listChats())[0]!.updatedAt).toBeLessThanOrEqual(Date.now())
  })
})

describe('files of others', () => {
  const node = (id: string, parent: string | null, role: string | undefined, text: string) => ({
    id,
    parent,
    children: [],
    message: role && {
      author: { role },
      content: { content_type: 'text', parts: [text] },
      create_time: 1_700_000_000.5,
      metadata: role === 'assistant' ? { model_slug: 'big-model' } : {},
    },
  })
  const chatGpt = [
    {
      title: 'Trees',
      create_time: 1_700_000_000,
      update_time: 1_700_000_100,
      conversation_id: uuid(7),
      current_node: 'd',
      mapping: {
        root: node('root', null, undefined, ''),
        s: node('s', 'root', 'system', 'hidden'),
        a: node('a', 's', 'user', 'question'),
        t: node('t', 'a', 'tool', 'tool output'),
        b: node('b', 't', 'assistant', 'first answer'),
        d: node('d', 'a', 'assistant', 'second answer'),
      },
    },
    { title: 'Empty', conversation_id: uuid(8), mapping: { r: node('r', null, 'system', 'x') } },
  ]

  test('ChatGPT: the tree of messages without what is no message, also inside of the ZIP', async () => {
    const zip = zipSync({
      'conversations.json': bytesOf(chatGpt),
      'file-1.png': strToU8('x'),
      'chat.html': strToU8('<html>'),
    })
    for (const bytes of [bytesOf(chatGpt), zip]) {
      const { collection, skipped, format } = await readFile(bytes)
      expect(format).toBe('chatgpt')
      expect(skipped).toEqual([{ reason: 'empty', what: 'Empty', count: 1 }])
      expect(collection.chats[0]).toMatchObject({
        id: uuid(7),
        title: 'Trees',
        headId: 'd',
        createdAt: 1_700_000_000_000,
      })
      expect(
        collection.messages.map(({ id, parentId, role, text, model }) => [id, parentId, role, text, model]),
      ).toEqual([
        ['a', null, 'user', 'question', undefined],
        ['b', 'a', 'assistant', 'first answer', 'big-model'],
        ['d', 'a', 'assistant', 'second answer', 'big-model'],
      ])
    }
  })

  test('Open WebUI: the tree of its history', async () => {
    const messages = {
      u1: {
        id: 'u1',
        parentId: null,
        childrenIds: ['a1', 'a2'],
        role: 'user',
        content: 'question',
        timestamp: 1_700_000_000,
      },
      a1: { id: 'a1', parentId: 'u1', role: 'assistant', content: 'one', model: 'llama', timestamp: 1_700_000_001 },
      a2: { id: 'a2', parentId: 'u1', role: 'assistant', content: 'two', model: 'llama', timestamp: 1_700_000_002 },
    }
    const chatOf = {
      title: 'Open',
      models: ['llama'],
      params: { system: 'Be brief' },
      history: { messages, currentId: 'a2' },
    }
    const { collection, format } = await readFile(
      bytesOf([{ id: 'not a uuid', pinned: true, chat: chatOf, created_at: 1_700_000_000 }]),
    )
    expect(format).toBe('open_webui')
    expect(collection.chats[0]).toMatchObject({
      title: 'Open',
      model: 'llama',
      systemPrompt: 'Be brief',
      isPinned: true,
      headId: 'a2',
    })
    expect(collection.messages.map(({ id, parentId }) => [id, parentId])).toEqual([
      ['u1', null],
      ['a1', 'u1'],
      ['a2', 'u1'],
    ])
    const again = await readFile(bytesOf([{ id: 'not a uuid', chat: chatOf }]))
    expect(again.collection.chats[0]!.id).toBe(collection.chats[0]!.id)
  })
})

describe('files that are made to do harm', () => {
  const file = (chats: unknown) => ({ format: 'parley.chats', version: 1, folders: [], chats })

  test('no prototype is touched, and no field comes from one', async () => {
    const text = `{"format":"parley.chats","version":1,"__proto__":{"polluted":1},"folders":[],"chats":[${JSON.stringify(
      {
        ...chat(1),
        messages: [],
      },
    ).replace('{', '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"polluted":1}},')}]}`
    const { collection } = await readFile(bytesOf(text))
    expect(collection.chats).toEqual([chat(1)])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    const tree = `[{"title":"t","mapping":{"__proto__":{"parent":null,"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["words"]}}},"b":{"parent":"__proto__","message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["more"]}}}}}]`
    const { collection: found } = await readFile(bytesOf(tree))
    expect(found.messages.map(({ text: words }) => words)).toEqual(['words', 'more'])
    expect(({} as Record<string, unknown>).message).toBeUndefined()
  })

  test.each([
    ['no JSON', '{"a":', 'not_json'],
    ['bytes', new Uint8Array([0xff, 0xfe, 0x00]), 'not_json'],
    ['nothing', '', 'not_json'],
    ['JSON of something else', '{"hello":1}', 'unknown_format'],
    ['a number', '5', 'unknown_format'],
    ['a newer version', { format: 'parley.chats', version: 2 }, 'version'],
    ['depth', '['.repeat(100_000) + ']'.repeat(100_000), 'too_deep'],
    ['a torn ZIP', new Uint8Array([0x50, 0x4b, 3, 4, 1, 2, 3]), 'bad_zip'],
    ['a ZIP of something else', zipSync({ 'readme.txt': strToU8('x') }), 'unknown_format'],
  ])('%s is told, not thrown', async (_, given, reason) => {
    expect(await reasons(given instanceof Uint8Array ? given : bytesOf(given))).toEqual([reason])
  })

  test('a ZIP that grows too much is not unpacked', async () => {
    const bomb = zipSync({ 'conversations.json': new Uint8Array(5_000_000).fill(0x20) }, { level: 9 })
    expect(await reasons(bomb)).toEqual(['bad_zip'])
    // It says it is small, and is not.
    const liar = bomb.slice()
    const view = new DataView(liar.buffer)
    for (let at = 0; at < liar.length - 4; at++) {
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 100, true)
      if (view.getUint32(at, true) === 0x04034b50) view.setUint32(at + 22, 100, true)
    }
    expect((await readFile(liar)).collection.chats).toEqual([])
  })

  test('more than 50 MB is not looked at', async () => {
    expect(await reasons(new Uint8Array(50 * 1024 * 1024 + 1))).toEqual(['too_large'])
  })

  test('what is wrong in a document leaves that document out and no other', async () => {
    const good = {
      ...chat(1),
      messages: [message(1, 'a', 'fine'), { ...message(1, 'b', 'x'), role: 'system' }, message(2, 'c', 'of another')],
    }
    const wrong = [
      { ...chat(2), id: '../../etc/passwd' },
      { ...chat(3), title: 5 },
      { ...chat(4), createdAt: Number.MAX_VALUE },
      { ...chat(5), parameters: { temperature: 'hot' } },
      null,
      [],
      'text',
    ]
    const { collection, skipped } = await readFile(bytesOf(file([good, ...wrong])))
    expect(collection.chats.map(({ id }) => id)).toEqual([uuid(1)])
    expect(collection.messages.map(({ id }) => id)).toEqual(['a'])
    const counts = Object.groupBy(skipped, ({ reason }) => reason)
    expect(counts.message![0]!.count).toBe(2)
    expect(counts.chat!.reduce((sum, { count }) => sum + count, 0)).toBe(wrong.length)
  })

  test('parents that are missing or go in a circle end', async () => {
    const circle = [
      message(1, 'a', '1', { parentId: 'c' }),
      message(1, 'b', '2', { parentId: 'a' }),
      message(1, 'c', '3', { parentId: 'b' }),
      message(1, 'd', '4', { parentId: 'gone' }),
    ]
    const { collection } = await readFile(bytesOf(file([{ ...chat(1, { headId: 'c' }), messages: circle }])))
    expect(collection.messages).toHaveLength(4)
    expect(branchOf(collection.chats[0]!, collection.messages).length).toBeLessThanOrEqual(3)
    expect(collection.messages.find(({ id }) => id === 'd')!.parentId).toBeNull()
  })

  test('a long conversation is no deep one', async () => {
    const long = Array.from({ length: 20_000 }, (_, at) =>
      message(1, `m${at}`, 'x', { parentId: at === 0 ? null : `m${at - 1}` }),
    )
    const { collection } = await readFile(bytesOf(file([{ ...chat(1, { headId: 'm19999' }), messages: long }])))
    expect(branchOf(collection.chats[0]!, collection.messages)).toHaveLength(20_000)
  })

  test('brackets in texts are no depth', () => {
    expect(isTooDeep(JSON.stringify({ text: `${'['.repeat(1_000)}\\"${'{'.repeat(1_000)}` }))).toBe(false)
    expect(isTooDeep('['.repeat(201))).toBe(true)
  })
})

test('Markdown: the branch that is shown, one file for each chat, names every file system takes', async () => {
  const home = await filled()
  const found = (await home.getChat(uuid(1)))!
  const speakers = { user: 'You', assistant: 'Assistant' }
  expect(markdownOf(found, speakers)).toBe(
    '# Café "é" 😀\n\n## You\n\nline\nbreak \u2028 </script>\n\n- a.txt (text/plain)\n\n## Assistant (m)\n\nanswer\n',
  )
  const every = async function* () {
    yield found
    yield { ...found, chat: chat(2, { title: '../../CON:<>|*' }) }
    yield { ...found, chat: chat(3, { title: '__proto__' }) }
    yield { ...found, chat: chat(4, { title: '__proto__' }) }
  }
  const names = Object.keys(unzipSync(await markdownZip(every(), speakers)))
  expect(names).toEqual([
    '1970-01-01 Café é.md',
    '1970-01-01 CON.md',
    '1970-01-01 __proto__.md',
    '1970-01-01 __proto__ 2.md',
  ])
})

test('secrets are sealed under their passphrase alone', async () => {
  const sealed = await seal('correct horse', { key: 'sk-secret' })
  expect(sealed.rounds).toBe(600_000)
  expect(JSON.stringify(sealed)).not.toContain('sk-secret')
  expect((await unseal('correct horse', sealed))!.value).toEqual({ key: 'sk-secret' })
  expect((await unseal('correct horse', sealed))!.key.extractable).toBe(false)
  expect(await unseal('wrong horse', sealed)).toBeUndefined()
  expect(await unseal('correct horse', { ...sealed, data: `${sealed.data.slice(0, -8)}AAAAAAA=` })).toBeUndefined()
})
