import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import {
  type Answer,
  type FaultyUpstream,
  type Hit,
  hang,
  refuse,
  startFaultyUpstream,
  text,
} from '../faulty-upstream.ts'
import { checkerOf } from '../http/admin/stage.ts'
import { password, startManaged } from './managed.ts'

const soon = { timeout: 5_000 }
const messages = [{ role: 'user' as const, content: 'hi' }]
const chats = '0198a000-0000-7000-8000-000000000001'
const vectors = '0198a000-0000-7000-8000-000000000003'
const keys = { old: 'sk-upstream-old-0123456789', next: 'sk-upstream-next-0123456789' }

async function upstream(...models: string[]): Promise<FaultyUpstream> {
  const server = await startFaultyUpstream(models)
  onTestFinished(server.stop)
  return server
}

/** Calls at a steady rate until it is told to stop; their statuses and who answered. */
function under(send: () => Promise<Response>, perSecond = 50) {
  const calls: Promise<{ status: number; by: string | null; at: number }>[] = []
  const call = async () => {
    const at = performance.now()
    const answer = await send()
    await answer.text()
    return { status: answer.status, by: answer.headers.get('x-parley-provider'), at }
  }
  const timer = setInterval(() => void calls.push(call()), 1_000 / perSecond)
  onTestFinished(() => clearInterval(timer))
  return {
    stop: async () => {
      clearInterval(timer)
      return await Promise.all(calls)
    },
  }
}

test('a provider is changed, and its key, while 50 calls come each second, and none of them fails', async () => {
  const [a, b] = [await upstream('m'), await upstream('m')]
  const { api, chat, addProvider } = await startManaged()
  const id = await addProvider('shelf', a.url, { key: keys.old })
  const load = under(() => chat('m'))
  await sleep(500)
  const changedAt = performance.now()
  expect((await api(`PUT /providers/${id}`, { key: keys.next })).body).toMatchObject({ keyHint: '6789' })
  const rekeyedAt = performance.now()
  await sleep(300)
  expect((await api(`PUT /providers/${id}`, { config: { url: b.url }, key: keys.next })).status).toBe(200)
  const movedAt = performance.now()
  await sleep(1_500)
  expect((await api(`PUT /providers/${id}`, { name: 'rack' })).body).toMatchObject({ name: 'rack', keyHint: '6789' })
  const renamedAt = performance.now()
  await sleep(300)
  const said = await load.stop()
  expect(said.filter(({ status }) => status !== 200)).toEqual([])
  expect(said.length).toBeGreaterThan(30)
  // Each counts once it is answered; a second is what that may take.
  expect(rekeyedAt - changedAt).toBeLessThan(1_000)
  expect(movedAt - rekeyedAt - 300).toBeLessThan(1_000)
  expect(b.hits.filter(({ at }) => at > movedAt + 1_000).length).toBeGreaterThan(10)
  const bearer = ({ headers }: Hit) => headers.authorization
  expect(a.hits.filter(({ at }) => at < changedAt).every(hit => bearer(hit) === `Bearer ${keys.old}`)).toBe(true)
  expect(bearer(a.hits.at(-1)!)).toBe(`Bearer ${keys.next}`)
  expect(new Set(b.hits.map(bearer))).toEqual(new Set([`Bearer ${keys.next}`]))
  expect(a.hits.filter(({ at }) => at > movedAt + 1_000)).toEqual([])
  expect(said.filter(({ at }) => at > renamedAt).map(({ by }) => by)).not.toContain('shelf')
})

test('a path that is closed is closed alone, and a provider in use is not taken out', async () => {
  const a = await upstream('m')
  const { api, send, addProvider, ask } = await startManaged()
  const id = await addProvider('a', a.url)
  const embed = async () => (await send('/v1/embeddings', { model: 'm', input: 'hi' })).status
  expect((await api('GET /endpoints')).body).toMatchObject({
    total: 5,
    data: Array(5).fill({ active: true, updatedAt: null }),
  })
  expect((await api(`PUT /endpoints/${vectors}`, { active: false })).body).toMatchObject({ active: false })
  expect([await embed(), await ask('m')]).toEqual([404, expect.stringContaining('Hello')])
  expect((await api('GET /endpoints?status=inactive')).body.data).toMatchObject([{ path: '/v1/embeddings' }])
  await api(`PUT /endpoints/${vectors}`, { active: true })
  expect(await embed()).toBe(200)

  const mapping = { fast: { targets: [{ provider: 'a', model: 'm' }] } }
  await api(`PUT /endpoints/${chats}`, { mapping })
  const dry = await api(`POST /endpoints/${chats}/test`, { request: { model: 'fast', messages } })
  expect(dry.body).toMatchObject({ provider: 'a', model: 'm', body: { model: 'm', messages } })
  expect((await api(`DELETE /providers/${id}`)).status).toBe(409)
  await api(`PUT /endpoints/${chats}`, { mapping: {} })
  expect((await api(`DELETE /providers/${id}`)).status).toBe(204)
  expect(await ask('m')).toBe('404 model_not_found')
  await expect.poll(async () => (await api('GET /requests?provider=a')).body.total, soon).toBe(2)
})

test('a try of a provider says what is wrong, in time, and counts for nothing', { timeout: 20_000 }, async () => {
  const a = await upstream('m')
  const { api, addProvider, ask } = await startManaged()
  const id = await addProvider('a', a.url)
  const faults: [Answer, string][] = [
    [refuse(401), 'backend_refused'],
    [refuse(429), 'rate_limited'],
    [hang('headers'), 'timeout'],
    [text('application/json', '{"choices": ['), 'backend_failed'],
  ]
  for (const [answer, code] of faults) {
    a.next(answer)
    const at = performance.now()
    const { status, body } = await api(`POST /providers/${id}/test`, { model: 'm', timeoutMs: 700 })
    expect([status, body.ok, body.error.code]).toEqual([200, false, code])
    expect(performance.now() - at).toBeLessThan(3_000)
  }
  const good = await api(`POST /providers/${id}/test`, { model: 'm', prompt: 'hi' })
  expect(good.body).toMatchObject({ ok: true, model: 'm', usage: { total_tokens: 12 }, error: null })
  expect(await ask('m')).toContain('Hello')
  await expect.poll(async () => (await api('GET /requests')).body.total, soon).toBe(1)
  const { total } = (await api('GET /requests/stats')).body
  expect(total).toMatchObject({ requests: 1, failures: 0 })
  const { upstreams, targets } = (await api('GET /status')).body
  expect([upstreams[0].state, targets[0].failures]).toEqual(['up', 0])
})

test('a configuration is activated under load: every call sees the old one or the new one, also after a restart', {
  timeout: 30_000,
}, async () => {
  const [a, b] = [await upstream('m', 'old'), await upstream('m', 'new')]
  const first = await startManaged()
  const { api, chat, addProvider } = first
  const ids = [await addProvider('a', a.url), await addProvider('b', b.url)]
  const points = (provider: string, model: string) => ({ fast: { targets: [{ provider, model }] } })
  await api(`PUT /endpoints/${chats}`, { mapping: points('a', 'old') })
  const { body: old } = await api('POST /configs', { name: 'old' })
  await api(`PUT /endpoints/${chats}`, { mapping: points('b', 'new') })
  const { body: next } = await api('POST /configs', { name: 'next' })
  const load = under(() => chat('fast'))
  for (const { id } of [old, next, old, next, old]) {
    expect((await api(`POST /configs/${id}/activate`)).status).toBe(200)
    await sleep(100)
  }
  const said = await load.stop()
  expect(said.filter(({ status }) => status !== 200)).toEqual([])
  expect(new Set(a.hits.map(({ body }) => body.model))).toEqual(new Set(['old']))
  expect(new Set(b.hits.map(({ body }) => body.model))).toEqual(new Set(['new']))
  const bad = structuredClone(old.document)
  bad.routing = { policy: 'best' }
  expect((await api('POST /configs/import', { config: bad, name: 'bad' })).status).toBe(400)
  expect((await api('GET /configs')).body.data.filter(({ active }: { active: boolean }) => active)).toMatchObject([
    { name: 'old' },
  ])
  expect((await api(`DELETE /configs/${old.id}`)).status).toBe(409)
  expect(ids).toHaveLength(2)
  await first.node.stop()
  const again = await startManaged({}, { home: first.home })
  const key = (await again.api('POST /keys', { name: 'k' })).body.secret
  const answer = await again.chat('fast', {}, key)
  expect([answer.status, answer.headers.get('x-parley-provider')]).toEqual([200, 'a'])
  expect((await again.api(`GET /configs/${old.id}`)).body).toMatchObject({ active: true, document: old.document })
})

test('what one node exports another one imports and exports again, byte for byte, and without a key', async () => {
  const a = await upstream('m')
  const one = await startManaged()
  await one.addProvider('a', a.url, { key: keys.old })
  await one.api(`PUT /endpoints/${chats}`, { mapping: { fast: { targets: [{ provider: 'a', model: 'm' }] } } })
  const exported = await one.api('GET /configs/export')
  expect(exported.text).not.toContain(keys.old)
  const other = await startManaged()
  const dry = await other.api('POST /configs/import', { config: exported.body, dryRun: true })
  expect(dry.body).toMatchObject({ created: ['a'], endpoints: ['/v1/chat/completions'] })
  expect((await other.api('GET /providers')).body.total).toBe(0)
  expect((await other.api('POST /configs/import', { config: exported.body, name: 'moved' })).body).toEqual(dry.body)
  expect((await other.api('GET /configs/export')).text).toBe(exported.text)
  expect(await other.ask('fast')).toContain('Hello')
})

test('users see what is their own, through the node and its keys', async () => {
  const a = await upstream('m')
  const { api, join, send, addProvider } = await startManaged()
  await addProvider('a', a.url)
  const [ann, bob] = [await join('user', 'ann'), await join('user', 'bob')]
  const viewer = await join('viewer')
  const key = async (token: string) => (await api('POST /keys', { name: 'own' }, token)).body
  const [annKey, bobKey] = [await key(ann.token), await key(bob.token)]
  for (const { secret } of [annKey, annKey, bobKey]) {
    expect((await send('/v1/chat/completions', { model: 'm', messages }, secret)).status).toBe(200)
  }
  await expect.poll(async () => (await api('GET /requests')).body.total, soon).toBe(3)
  const totals = async (token: string) => (await api('GET /requests', undefined, token)).body.total
  expect([await totals(ann.token), await totals(bob.token), await totals(viewer.token)]).toEqual([2, 1, 3])
  expect([await totals(annKey.secret), await totals(bobKey.secret)]).toEqual([2, 1])
  const [foreign] = (await api('GET /requests', undefined, bob.token)).body.data
  expect((await api(`GET /requests/${foreign.id}`, undefined, ann.token)).status).toBe(404)
  expect((await api(`GET /requests?userId=${bob.id}`, undefined, ann.token)).body.total).toBe(2)
  expect((await api(`DELETE /keys/${bobKey.key.id}`, undefined, ann.token)).status).toBe(404)
  expect((await api('GET /providers', undefined, annKey.secret)).status).toBe(403)
  expect((await api('GET /providers', undefined, null)).status).toBe(401)
  expect((await api(`DELETE /users/${bob.id}`)).status).toBe(204)
  expect((await send('/v1/chat/completions', { model: 'm', messages }, bobKey.secret)).status).toBe(401)
  expect((await api('POST /auth/login', { email: bob.email, password }, null)).status).toBe(401)
})

test('sums are those of the requests, by each group and filter', async () => {
  const [a, b] = [await upstream('m'), await upstream('m')]
  const { api, node, addProvider } = await startManaged()
  await addProvider('a', a.url, { config: { url: a.url, prices: [{ in: '1', out: '2' }] } })
  await addProvider('b', b.url, { config: { url: b.url, prices: [{ in: '3', out: '5' }] } })
  const ai = new OpenAI({ baseURL: node.url, apiKey: node.firstKey, maxRetries: 0 })
  for (let at = 0; at < 24; at++) {
    const provider = at % 3 === 0 ? 'a' : 'b'
    if (at % 5 === 0) (provider === 'a' ? a : b).next(refuse(400))
    await ai.chat.completions.create({ model: 'm', messages, provider } as never).catch(() => undefined)
  }
  const rows = async () => (await api('GET /requests?limit=200')).body.data as Row[]
  await expect.poll(async () => (await rows()).length, soon).toBe(24)
  const all = await rows()
  for (const groupBy of ['hour', 'day', 'week', 'month']) {
    for (const provider of [undefined, 'a', 'b']) {
      const wanted = all.filter(row => provider === undefined || row.provider === provider)
      const filter = provider === undefined ? '' : `&provider=${provider}`
      const { total, buckets } = (await api(`GET /requests/stats?groupBy=${groupBy}${filter}`)).body
      const sums = sumsOf(wanted)
      expect(total).toMatchObject(sums)
      const counted = buckets.reduce((sum: number, { requests }: { requests: number }) => sum + requests, 0)
      expect(counted).toBe(sums.requests)
    }
  }
  const shares = (await api('GET /requests/shares?of=provider')).body.data
  expect(shares).toMatchObject(
    ['b', 'a'].map(name => ({ name, ...sumsOf(all.filter(({ provider }) => provider === name)) })),
  )
})

test('health asks nobody and is quick; every answer is as the document has it', async () => {
  const a = await upstream('m')
  const { api, origin, addProvider, join, chat } = await startManaged()
  const id = await addProvider('a', a.url)
  await join('viewer')
  await chat('m')
  await expect.poll(async () => (await api('GET /requests')).body.total, soon).toBe(1)
  const times: number[] = []
  for (let at = 0; at < 40; at++) {
    const startedAt = performance.now()
    expect((await fetch(`${origin}/api/status/health`)).status).toBe(200)
    times.push(performance.now() - startedAt)
  }
  expect(times.sort((one, other) => one - other)[10]).toBeLessThan(10)
  const check = checkerOf((await api('GET /openapi.json')).body)
  const [row] = (await api('GET /requests')).body.data
  const paths = [
    ...['/status', '/status/health', '/providers', `/providers/${id}`, '/endpoints', `/endpoints/${chats}`],
    ...['/configs', '/configs/export', '/requests', `/requests/${row.id}`, '/requests/stats', '/requests/shares'],
    ...['/keys', '/budgets', '/users', '/alerts', '/alerts/firing', '/logs', '/logs/level', '/auth/me'],
    ...['/route/explain?model=m', '/nothing', '/providers/nothing', '/requests?page=99'],
  ]
  for (const path of paths) expect(check('GET', path, await api(`GET ${path}`))).toBeUndefined()
})

interface Row {
  readonly provider: string
  readonly status: number
  readonly tokensInput: number
  readonly tokensOutput: number
  readonly cost: string | null
}

function sumsOf(rows: readonly Row[]) {
  const sum = (value: (row: Row) => number) => rows.reduce((total, row) => total + value(row), 0)
  return {
    requests: rows.length,
    failures: rows.filter(({ status }) => status >= 400).length,
    tokensInput: sum(row => row.tokensInput),
    tokensOutput: sum(row => row.tokensOutput),
    cost: (sum(row => Math.round(Number(row.cost ?? 0) * 1e6)) / 1e6).toFixed(6),
  }
}
