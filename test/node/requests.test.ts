import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { refuse, startFaultyUpstream } from '../faulty-upstream.ts'
import { startManaged } from './managed.ts'

const messages = [{ role: 'user' as const, content: 'hi' }]

async function startWith(...names: string[]) {
  const servers = await Promise.all(names.map(() => startFaultyUpstream(['m'])))
  const managed = await startManaged({
    upstreams: names.map((name, at) => ({ name, url: servers[at]!.url })),
    archive: { enabled: true },
  })
  const ai = new OpenAI({ baseURL: managed.node.url, apiKey: managed.node.firstKey, maxRetries: 0 })
  const rows = async (count: number, query = '') => {
    const list = async () => (await managed.api(`GET /requests?limit=200${query}`)).body
    await expect.poll(async () => (await list()).total, { timeout: 5_000 }).toBe(count)
    return (await list()).data
  }
  return { ...managed, servers, ai, rows }
}

test('a request is found by the id of its answer, and by its app’s name for it in its details', async () => {
  const { api, ai, rows, send } = await startWith('a')
  const { response } = await ai.chat.completions.create({ model: 'm', messages }).withResponse()
  const own = response.headers.get('x-request-id')!
  const [row] = await rows(1)
  expect(row.id).toBe(own)
  const { body } = await api(`GET /requests/${own}`)
  expect(body).toMatchObject({ id: own, provider: 'a', model: 'm', status: 200 })
  expect(body.request).not.toHaveProperty('requestId')
  expect(body.attempts).toEqual([{ provider: 'a', model: 'm', code: 'ok', ms: expect.any(Number) }])

  const named = await fetch(`${response.url}`, {
    method: 'POST',
    headers: { ...headersOf(ai), 'x-request-id': 'a-name-of-the-app' },
    body: JSON.stringify({ model: 'm', messages }),
  })
  expect(named.headers.get('x-request-id')).toBe('a-name-of-the-app')
  const [newest] = await rows(2)
  const detail = await api(`GET /requests/${newest.id}`)
  expect(detail.body.request).toMatchObject({ requestId: 'a-name-of-the-app' })
  await send('/v1/chat/completions', { model: 'nobody has it', messages })
  const [lost] = await rows(3)
  expect((await api(`GET /requests/${lost.id}`)).body).toMatchObject({ status: 404, attempts: [] })
})

test('those an app names are asked in its order, each once, and see nothing of it; its request says who answered', async () => {
  const { api, ai, rows, servers } = await startWith('a', 'b', 'c')
  servers[0]!.always(refuse(500))
  servers[1]!.always(refuse(500))
  const wish = { provider: 'a', fallback_providers: ['b', 'c'] }
  const chat = { model: 'm', messages, ...wish }
  const { response } = await ai.chat.completions.create(chat).withResponse()
  const hits = () => servers.map(server => server.hits.length)
  expect([hits(), response.headers.get('x-parley-provider')]).toEqual([[1, 1, 1], 'c'])
  const asked: string[] = []
  for (const { hits } of servers) for (const { body } of hits) asked.push(Object.keys(body).sort().join())
  expect(new Set(asked)).toEqual(new Set(['messages,model,stream,stream_options']))
  const [row] = await rows(1)
  const { attempts } = (await api(`GET /requests/${row.id}`)).body
  expect(attempts.map(({ provider, code }: Record<string, string>) => [provider, code])).toEqual([
    ['a', 'backend_failed'],
    ['b', 'backend_failed'],
    ['c', 'ok'],
  ])
  expect((await ai.completions.create({ model: 'm', prompt: 'hi', provider: 'c' } as never)).object).toBeTruthy()
  expect((await ai.embeddings.create({ model: 'm', input: 'hi', provider: 'c' } as never)).data).toHaveLength(1)
  expect(hits()).toEqual([1, 1, 3])
  await expect(ai.chat.completions.create({ model: 'm', messages, provider: 'nobody' } as never)).rejects.toThrow(
    /400.*"nobody".*a, b, c/,
  )
})

test('a range has its beginning and not its end, to the millisecond and in every zone', async () => {
  const { ai, api, rows } = await startWith('a')
  await ai.chat.completions.create({ model: 'm', messages })
  const [{ timestamp }] = await rows(1)
  const at = Date.parse(timestamp)
  const total = async (query: string) => (await api(`GET /requests?${query}`)).body.total
  const [iso, next] = [timestamp, new Date(at + 1).toISOString()]
  expect(await total(`from=${iso}`)).toBe(1)
  expect(await total(`from=${next}`)).toBe(0)
  expect(await total(`to=${iso}`)).toBe(0)
  expect(await total(`from=${iso}&to=${next}`)).toBe(1)
  expect(await total(`from=${at}&to=${at + 1}`)).toBe(1)
  const berlin = new Date(at + 3_600_000).toISOString().replace('Z', '+01:00')
  expect([await total(`from=${berlin}`), await total(`to=${encodeURIComponent(berlin)}`)]).toEqual([1, 0])
})

test('texts of a key whose rule nobody can read are not kept, and nothing fails', async () => {
  const { node, api, store: open, send, rows } = await startWith('a')
  const { store } = await open()
  const { body } = await api('POST /keys', { name: 'odd', redact: { words: ['gold'] } })
  const ask = () =>
    send('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'gold' }] }, body.secret)
  expect((await ask()).status).toBe(200)
  const [first] = await rows(1)
  expect((await api(`GET /requests/${first.id}`)).body.input).toContain('[word]')
  await store.keys.update(body.key.id, { redact: { everything: true } })
  await expect
    .poll(
      async () => {
        await ask()
        const [row] = (await api('GET /requests?limit=1')).body.data
        return (await api(`GET /requests/${row.id}`)).body.input
      },
      { timeout: 5_000 },
    )
    .toBeNull()
  expect(node.log.recent().filter(({ type }) => type === 'service.failed')).toEqual([])
})

function headersOf(ai: OpenAI): Record<string, string> {
  return { authorization: `Bearer ${ai.apiKey}`, 'content-type': 'application/json' }
}
