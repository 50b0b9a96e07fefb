import { expect, onTestFinished, test } from 'vitest'
import { createTokens } from '../../src/auth/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { readOrMakeMasterKey } from '../../src/store/index.ts'
import { type FaultyUpstream, startFaultyUpstream } from '../faulty-upstream.ts'
import { startManaged } from './managed.ts'
import { createHome } from './stage.ts'

const soon = { timeout: 5_000 }
const messages = [{ role: 'user', content: 'hi' }]

async function upstream(): Promise<FaultyUpstream> {
  const server = await startFaultyUpstream(['m'])
  onTestFinished(server.stop)
  return server
}

async function startPriced(home?: string) {
  const { url } = await upstream()
  const upstreams = [{ name: 'shelf', url, prices: [{ in: '1000', out: '2000' }] }]
  return await startManaged({ upstreams }, home === undefined ? {} : { home })
}

interface Refusal {
  readonly error?: { readonly code: string }
}

type Node = Awaited<ReturnType<typeof startPriced>>

/** Whoever redeems a code of the page. */
async function comeIn({ node, api }: Node) {
  const link = new URL((await node.page())!)
  const { status, body, headers } = await api(
    'POST /auth/link/redeem',
    { code: link.hash.replace('#code=', ''), cookie: true },
    null,
  )
  expect([link.origin, status]).toEqual([new URL(node.url).origin, 200])
  const { accessToken: token, cookieKey } = body as Record<'accessToken' | 'cookieKey', string>
  return { token, cookieKey, cookie: headers.get('set-cookie')!.split(';')[0]! }
}

test('a person calls models by an access token, in their own name and for their own price', async () => {
  const { api, join, chat, send } = await startPriced()
  const [ann, bob] = [await join('user', 'ann'), await join('user', 'bob')]
  expect((await api(`PUT /users/${ann.id}`, { priceMultiplier: 3_000 })).status).toBe(200)
  for (const [token, times] of [
    [ann.token, 2],
    [bob.token, 1],
  ] as const)
    for (let call = 0; call < times; call++) expect((await chat('m', {}, token)).status).toBe(200)
  const own = async (token: string) => (await api('GET /requests', undefined, token)).body
  await expect.poll(async () => (await own(ann.token)).total, soon).toBe(2)
  await expect.poll(async () => (await own(bob.token)).total, soon).toBe(1)
  const [first] = (await own(ann.token)).data
  const [other] = (await own(bob.token)).data
  expect(first).toMatchObject({ userId: ann.id, keyId: null, status: 200, provider: 'shelf' })
  expect(Number(first.cost)).toBeCloseTo(3 * Number(other.cost), 6)
  expect((await send('/v1/embeddings', { model: 'm', input: 'hi' }, ann.token)).status).toBe(200)
})

test('budgets of a person count what they call by a token, and end it', async () => {
  const { api, join, chat } = await startPriced()
  const ann = await join('user', 'ann')
  const bob = await join('user', 'bob')
  const budget = { scope: 'user', scopeId: ann.id, amount: '5', window: 'total', hard: true }
  const { body } = await api('POST /budgets', budget)
  expect((await chat('m', { max_tokens: 5 }, ann.token)).status).toBe(200)
  await expect.poll(async () => Number((await api(`GET /budgets/${body.id}`)).body.spent), soon).toBeGreaterThan(0)
  expect((await api(`PUT /budgets/${body.id}`, { amount: '0.000001' })).status).toBe(200)
  const refused = async () => (await (await chat('m', { max_tokens: 5 }, ann.token)).json()) as Refusal
  await expect.poll(async () => (await refused()).error?.code, soon).toBe('budget_exceeded')
  expect((await chat('m', { max_tokens: 5 }, bob.token)).status).toBe(200)
})

test('a token opens nothing any more once its session or its account is over', async () => {
  const { api, join, chat } = await startPriced()
  const [ann, bob] = [await join('user', 'ann'), await join('viewer', 'bob')]
  expect((await chat('m', {}, ann.token)).status).toBe(200)
  expect((await api('DELETE /sessions', undefined, ann.token)).status).toBe(200)
  expect((await chat('m', {}, ann.token)).status).toBe(401)
  expect((await chat('m', {}, bob.token)).status).toBe(200)
  expect((await api(`PUT /users/${bob.id}`, { status: 'disabled' })).status).toBe(200)
  expect((await chat('m', {}, bob.token)).status).toBe(401)
})

test('only access tokens do, and only of this node', async () => {
  const { api, chat, join, paths } = await startPriced()
  const { id } = await join('admin', 'root')
  const masterKey = readOrMakeMasterKey(paths.masterKeyFile, systemRandom)
  const tokens = createTokens({ masterKey, clock: systemClock })
  const others = createTokens({ masterKey: systemRandom.bytes(32), clock: systemClock })
  const claims = { subject: id, session: '0198a000-0000-7000-8000-0000000000ff' }
  const guesses = await Promise.all([
    tokens.sign('setup', claims, 60_000),
    tokens.sign('invitation', claims, 60_000),
    tokens.sign('access', claims, 60_000),
    tokens.sign('access', { ...claims, subject: '' }, 60_000),
    others.sign('access', claims, 60_000),
    Promise.resolve('eyJhbGciOiJub25lIn0.eyJzdWIiOiIifQ.x'),
  ])
  for (const guess of guesses) {
    expect((await chat('m', {}, guess)).status).toBe(401)
    expect((await api('GET /auth/me', undefined, guess)).status).toBe(401)
  }
})

test('a machine session calls models as the node, and outlives a restart of it', async () => {
  const { path: home, remove } = createHome()
  onTestFinished(remove)
  const first = await startPriced(home)
  const { token, cookie, cookieKey } = await comeIn(first)
  expect((await first.chat('m', {}, token)).status).toBe(200)
  expect((await fetch(`${first.node.url}/models`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
  const requests = async () => (await first.api('GET /requests', undefined, token)).body
  await expect.poll(async () => (await requests()).total, soon).toBe(1)
  expect((await requests()).data[0]).toMatchObject({ userId: null, keyId: null, status: 200 })
  const port = new URL(first.origin).port
  await first.node.stop()
  const second = await startPriced(home)
  expect((await second.chat('m', {}, token)).status).toBe(200)
  // The jar of a browser goes by name, and the node listens on another port now.
  const moved = cookie.replace(port, new URL(second.origin).port)
  const refreshed = await fetch(`${second.origin}/api/auth/refresh`, {
    ...{ method: 'POST', headers: { cookie: moved, 'content-type': 'application/json' } },
    body: JSON.stringify({ cookieKey }),
  })
  expect(refreshed.status).toBe(200)
  const { accessToken } = (await refreshed.json()) as { accessToken: string }
  expect((await second.api('GET /auth/me', undefined, accessToken)).body).toMatchObject({
    kind: 'machine',
    role: 'admin',
  })
  expect((await second.chat('m', {}, accessToken)).status).toBe(200)
})

test('cookies alone open neither /v1 nor /api', async () => {
  const stage = await startPriced()
  const { cookie } = await comeIn(stage)
  const headers = { cookie, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'm', messages })
  const statuses = await Promise.all([
    fetch(`${stage.node.url}/models`, { headers }),
    fetch(`${stage.node.url}/chat/completions`, { method: 'POST', headers, body }),
    fetch(`${stage.origin}/api/auth/me`, { headers }),
    fetch(`${stage.origin}/api/users`, { headers }),
    fetch(`${stage.origin}/api/auth/link`, { method: 'POST', headers, body: '{}' }),
  ])
  expect(statuses.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401])
})

test('a node that is told so has no page', async () => {
  const { node, origin } = await startManaged({ ui: { enabled: false } })
  expect(await node.page()).toBeUndefined()
  expect((await fetch(origin, { headers: { accept: 'text/html' } })).status).toBe(401)
})
