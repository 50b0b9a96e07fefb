import { type ClientRequest, request as httpRequest } from 'node:http'
import { beforeEach, expect, test } from 'vitest'
import { machineOwner, roles } from '../../../src/core/index.ts'
import { adminToken, type Stage, startStage, unknownId } from './stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await startStage()
})

const id = '0198a000-0000-4000-8000-000000000001'
const folderId = '0198a000-0000-4000-8000-000000000002'

const chat = (more: object = {}) => ({
  ...{ id, title: 'a talk', folderId: null, isPinned: false, model: 'm', systemPrompt: '', parameters: { topP: 1 } },
  ...{ headId: 'm1', createdAt: 1_000, updatedAt: 1_000, deletedAt: null, ...more },
})
const message = (name: string, more: object = {}) => ({
  ...{ id: name, chatId: id, parentId: null, role: 'user', text: `words of ${name}`, state: 'done' },
  ...{ createdAt: 1_000, updatedAt: 1_000, ...more },
})
const folder = { id: folderId, name: 'work', systemPrompt: 'x', createdAt: 1, updatedAt: 1, deletedAt: null }

const put = (token: string | undefined, document: object, messages: object[] = []) =>
  stage.ask(`PUT /chats/${id}`, { token, body: { chat: document, messages } })

test('a chat is merged, read, listed, and deleted', async () => {
  const token = stage.tokens.user
  const told: object[] = []
  stage.log.subscribe(event => void told.push(event))
  const rich = message('m1', {
    role: 'assistant',
    reasoning: 'because',
    attachments: [{ id: 'a1', name: 'x.txt', mediaType: 'text/plain', bytes: 3, kind: 'text', text: 'abc' }],
    toolCalls: [{ id: 't', function: { name: 'f' } }],
    usage: { prompt: 1, completion: 2 },
    facts: { ttftMs: 12.5, cost: '0.1', notices: [{ text: 'moved', kind: 'later field' }], later: 1 },
    futureField: { kept: true },
  })
  const first = await put(token, chat(), [rich])
  expect(first.status).toBe(200)
  expect(first.body.chat).toMatchObject(chat())
  await put(token, chat({ title: 'renamed', updatedAt: 2_000 }), [message('m2')])
  const { body } = await stage.ask(`GET /chats/${id}`, { token })
  expect(body.chat.title).toBe('renamed')
  expect(body.messages).toEqual([rich, message('m2')])
  const since = body.chat.changedAt
  const news = await stage.ask(`GET /chats/${id}?since=${since}`, { token })
  expect(news.body.messages.map((each: { id: string }) => each.id)).toContain('m2')
  expect((await stage.ask('GET /chats', { token })).body).toMatchObject({ total: 1, data: [{ id, title: 'renamed' }] })
  expect((await stage.ask(`DELETE /chats/${id}`, { token })).status).toBe(204)
  expect((await stage.ask('GET /chats', { token })).body.data).toEqual([])
  const deleted = (await stage.ask(`GET /chats?since=${since}`, { token })).body.data
  expect(deleted).toMatchObject([{ id, title: '', deletedAt: expect.any(Number) }])
  expect((await stage.ask(`GET /chats/${id}`, { token })).body.messages).toEqual([])
  expect(JSON.stringify(told)).not.toMatch(/words of|a talk|renamed|because|chats/)
})

test('folders are kept, renamed and deleted', async () => {
  const token = stage.tokens.viewer
  expect((await stage.ask(`PUT /folders/${folderId}`, { token, body: folder })).body).toMatchObject(folder)
  await stage.ask(`PUT /folders/${folderId}`, { token, body: { ...folder, name: 'home', updatedAt: 2 } })
  expect((await stage.ask('GET /folders', { token })).body.data).toMatchObject([{ name: 'home' }])
  expect((await stage.ask(`DELETE /folders/${folderId}`, { token })).status).toBe(204)
  expect((await stage.ask('GET /folders', { token })).body.data).toMatchObject([
    { name: '', deletedAt: expect.any(Number) },
  ])
  expect((await stage.ask(`DELETE /folders/${unknownId}`, { token })).status).toBe(404)
})

test('nobody reads, changes or deletes what is somebody else’s, an admin and the machine included', async () => {
  await put(stage.tokens.user, chat(), [message('m1')])
  for (const token of [...roles.filter(role => role !== 'user').map(role => stage.tokens[role]), adminToken]) {
    expect((await stage.ask(`GET /chats/${id}`, { token })).status).toBe(404)
    expect((await stage.ask(`DELETE /chats/${id}`, { token })).status).toBe(404)
    expect((await stage.ask('GET /chats?since=0', { token })).body.total).toBe(0)
    await put(token, chat({ title: 'mine' }), [message('m1', { text: 'mine' })])
  }
  const { body } = await stage.ask(`GET /chats/${id}`, { token: stage.tokens.user })
  expect(body).toMatchObject({ chat: { title: 'a talk' }, messages: [{ text: 'words of m1' }] })
  expect((await stage.store.chats.get(machineOwner, id))?.title).toBe('mine')
  const { secret } = await stage.makeKey(stage.people.user.user.id)
  expect((await stage.ask('GET /chats', { token: secret })).status).toBe(403)
  expect((await stage.ask('GET /chats')).status).toBe(401)
})

test('what does not fit is refused with the field that is wrong', async () => {
  const token = stage.tokens.user
  const wrong: [object, object[], number][] = [
    [chat({ id: folderId }), [], 400],
    [chat(), [message('m1', { chatId: folderId })], 400],
    [chat({ updatedAt: -1 }), [], 400],
    [chat({ updatedAt: 1e300 }), [], 400],
    [chat(), [message('../x')], 400],
    [chat(), [message('m1', { role: 'system' })], 400],
    [chat(), [message('m1', { state: 'streaming' })], 400],
    [chat(), [message('m1', { text: 'x'.repeat(4 * 1024 * 1024 + 1) })], 400],
    [
      chat(),
      [
        message('m1', {
          attachments: [{ id: 'a', name: '', mediaType: '', bytes: 0, kind: 'image', dataUrl: 'http://x' }],
        }),
      ],
      400,
    ],
    [chat(), Array.from({ length: 6 }, (_, at) => message(`m${at}`, { text: 'x'.repeat(4_000_000) })), 413],
  ]
  for (const [document, messages, status] of wrong) {
    const said = await put(token, document, messages)
    expect([said.status, said.body.error.message]).toEqual([status, expect.any(String)])
    expect(said.text).not.toContain('words of')
  }
  expect((await stage.ask('GET /chats', { token })).body.total).toBe(0)
})

test('bodies that are large and slow take room from their sender, not from others', async () => {
  const sending: ClientRequest[] = []
  const begin = (token: string) =>
    new Promise<number | undefined>(resolve => {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': 20 << 20,
      }
      const request = httpRequest(`${stage.url}/api/chats/${id}`, { method: 'PUT', headers })
      request.on('response', ({ statusCode }) => resolve(statusCode)).on('error', () => {})
      request.flushHeaders()
      sending.push(request)
    })
  const waiting = Array.from({ length: 3 }, () => begin(stage.tokens.user))
  await expect.poll(() => begin(stage.tokens.user)).toBe(503)
  expect((await put(stage.tokens.viewer, chat())).status).toBe(200)
  for (const request of sending) request.destroy()
  await expect.poll(async () => (await put(stage.tokens.user, chat())).status).toBe(200)
  expect(await Promise.race([...waiting, 'none was answered'])).toBe('none was answered')
})

/** Without the words, which are many. */
async function statusOf(path: string, token: string): Promise<number> {
  const { status, body } = await fetch(`${stage.url}/api${path}`, { headers: { authorization: `Bearer ${token}` } })
  await body?.cancel()
  return status
}

test('a chat is read by as many at once as there is memory for', async () => {
  const token = stage.tokens.user
  const words = 'x'.repeat(4_000_000)
  for (let at = 0; at < 6; at += 3) {
    const messages = [0, 1, 2].map(each => message(`m${at + each}`, { text: words }))
    expect((await put(token, chat(), messages)).status).toBe(200)
  }
  const leave = new AbortController()
  const read = () =>
    fetch(`${stage.url}/api/chats/${id}`, { headers: { authorization: `Bearer ${token}` }, signal: leave.signal })
  const [first, second] = [await read(), await read()]
  expect([first.status, second.status, (await read()).status]).toEqual([200, 200, 503])
  leave.abort()
  await expect.poll(() => statusOf(`/chats/${id}`, token), { timeout: 15_000 }).toBe(200)
})

test('a list of very long prompts is read by as many at once as there is memory for', async () => {
  const token = stage.tokens.user
  const owner = stage.people.user.user.id
  const systemPrompt = 'x'.repeat(256 * 1024)
  for (let at = 0; at < 120; at++) {
    const own = `0198a000-0000-4000-8000-${String(at).padStart(12, '0')}`
    await stage.store.chats.mergeFolder(owner, { ...folder, id: own, systemPrompt })
  }
  const leave = new AbortController()
  const read = () =>
    fetch(`${stage.url}/api/folders`, { headers: { authorization: `Bearer ${token}` }, signal: leave.signal })
  const [first, second, third] = [await read(), await read(), await read()]
  expect([first.status, second.status, third.status]).toEqual([200, 200, 503])
  leave.abort()
  await expect.poll(() => statusOf('/folders', token), { timeout: 15_000 }).toBe(200)
})
