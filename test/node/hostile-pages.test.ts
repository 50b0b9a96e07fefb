import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { ConfigInput } from '../../src/config/index.ts'
import { startFaultyUpstream } from '../faulty-upstream.ts'
import { startManaged } from './managed.ts'

/** What a page of somebody else can make a browser send here: headers as browsers write them. */
interface Attack {
  readonly name: string
  readonly headers: (port: string) => Record<string, string>
  /** Whether the browser lets it have this method. */
  readonly sends: (method: string) => boolean
  /** Whether cookies of this node go with it: they know hosts, not ports. */
  readonly withCookies?: boolean
  /** Of the body, where it has one. */
  readonly type?: string
}

const simple = (method: string) => method === 'GET' || method === 'HEAD' || method === 'POST'
const get = (method: string) => method === 'GET'
const post = (method: string) => method === 'POST'
const any = () => true
const fetched = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
const local = 'http://127.0.0.1:9999'
const evil = 'https://evil.example'

const attacks: readonly Attack[] = [
  {
    name: 'a script of a page on another local port',
    headers: () => ({ ...fetched, origin: local, 'sec-fetch-site': 'same-site' }),
    ...{ sends: any, withCookies: true, type: 'application/json' },
  },
  {
    name: 'the same as a request that asks nobody before',
    headers: () => ({ ...fetched, 'sec-fetch-mode': 'no-cors', origin: local, 'sec-fetch-site': 'same-site' }),
    ...{ sends: simple, withCookies: true, type: 'text/plain' },
  },
  {
    name: 'a form of a page on another local port',
    headers: () => navigation('same-site', { origin: local }),
    ...{ sends: post, withCookies: true, type: 'application/x-www-form-urlencoded' },
  },
  {
    name: 'a form that sends text',
    headers: () => navigation('cross-site', { origin: evil }),
    ...{ sends: post, type: 'text/plain' },
  },
  {
    name: 'a page of the internet',
    headers: () => ({ ...fetched, origin: evil, 'sec-fetch-site': 'cross-site' }),
    ...{ sends: any, type: 'application/json' },
  },
  {
    name: 'a file, or a frame in a sandbox',
    headers: () => ({ ...fetched, origin: 'null', 'sec-fetch-site': 'cross-site' }),
    ...{ sends: any, type: 'application/json' },
  },
  {
    name: 'a browser that tells no more than the origin',
    headers: () => ({ origin: local }),
    ...{ sends: any, withCookies: true, type: 'text/plain' },
  },
  {
    name: 'a name that was bound to this machine',
    headers: port => ({
      ...{ ...fetched, host: `evil.example:${port}`, origin: `http://evil.example:${port}` },
      'sec-fetch-site': 'same-origin',
    }),
    ...{ sends: any, type: 'application/json' },
  },
  {
    name: 'a picture',
    headers: () => ({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }),
    sends: get,
  },
  {
    name: 'a script from here in a page on another local port',
    headers: () => ({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }),
    ...{ sends: get, withCookies: true },
  },
  {
    name: 'a stream of events',
    headers: () => ({ ...fetched, accept: 'text/event-stream', origin: local, 'sec-fetch-site': 'same-site' }),
    ...{ sends: get, withCookies: true },
  },
  { name: 'a link', headers: () => navigation('cross-site'), sends: get },
  { name: 'a frame', headers: () => navigation('same-site', { 'sec-fetch-dest': 'iframe' }), sends: get },
]

function navigation(site: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    'sec-fetch-site': site,
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    accept: 'text/html',
    ...more,
  }
}

const messages = [{ role: 'user', content: 'hi' }]
/** Routes of apps; those below `/api` are read from the document. */
const appRoutes: readonly [string, object?][] = [
  ['GET /v1/models'],
  ['GET /v1/models/m'],
  ['GET /v1/files'],
  ['GET /metrics'],
  ['POST /v1/chat/completions', { model: 'm', messages }],
  ['POST /v1/completions', { model: 'm', prompt: 'hi' }],
  ['POST /v1/embeddings', { model: 'm', input: 'hi' }],
  ['POST /v1/responses', { model: 'm', input: 'hi' }],
  ['POST /v1/images/generations', { model: 'm', prompt: 'hi' }],
  ['POST /v1/moderations', { input: 'hi' }],
  ['POST /v1/rerank', { model: 'm', query: 'a', documents: ['b'] }],
  ['POST /rerank', { model: 'm', query: 'a', documents: ['b'] }],
  ['POST /v1/files', {}],
  ['DELETE /v1/files/file-1'],
]
/** Answers anybody, as it tells no more than that the node runs. */
const openToAll = 'GET /api/status/health'

async function start(input: ConfigInput = {}) {
  const upstream = await startFaultyUpstream(['m'])
  onTestFinished(upstream.stop)
  const uiDirectory = mkdtempSync(join(tmpdir(), 'parley-ui-'))
  onTestFinished(() => rmSync(uiDirectory, { recursive: true, force: true }))
  mkdirSync(join(uiDirectory, 'assets'))
  writeFileSync(join(uiDirectory, 'index.html'), '<html></html>')
  writeFileSync(join(uiDirectory, 'assets', 'app-1.js'), 'first')
  const upstreams = [{ name: 'shelf', url: upstream.url, prices: [{ in: '1', out: '2' }] }]
  const stage = await startManaged({ upstreams, ...input }, { uiDirectory })
  const code = async () => new URL((await stage.node.page())!).hash.replace('#code=', '')
  const redeemed = await stage.api('POST /auth/link/redeem', { code: await code(), cookie: true }, null)
  const cookie = redeemed.headers.get('set-cookie')!.split(';')[0]!
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  onTestFinished(() => agent.destroy())
  const { accessToken: token, cookieKey } = redeemed.body as Record<string, string>
  return { ...stage, upstream, cookie, cookieKey, code, agent, token: token ?? '' }
}

type Stage = Awaited<ReturnType<typeof start>>

interface Said {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly text: string
}

function say({ origin, agent }: Stage, route: string, headers: Record<string, string>, body?: string): Promise<Said> {
  const [method, path] = route.split(' ')
  const { hostname, port } = new URL(origin)
  const { promise, resolve, reject } = Promise.withResolvers<Said>()
  const request = httpRequest({ hostname, port, path, method, headers, agent }, response => {
    response.toArray().then(pieces => {
      resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(pieces).toString() })
    }, reject)
  })
  request.on('error', reject).end(body)
  return promise
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const someId = '0198a000-0000-7000-8000-000000000001'

/** Bodies that would do something, where somebody let them. */
async function routesOf(stage: Stage): Promise<readonly (readonly [string, object?])[]> {
  const bodies: Readonly<Record<string, object>> = {
    'POST /api/auth/link': {},
    'POST /api/auth/link/redeem': { code: await stage.code(), cookie: true },
    'POST /api/auth/refresh': {},
    'POST /api/auth/logout': {},
    'POST /api/users': { email: 'mallory@example.com', name: 'mallory', role: 'admin', password: 'a long password' },
    'POST /api/keys': { name: 'mallory' },
    'POST /api/providers': { type: 'api', name: 'mallory', config: { url: 'https://evil.example/v1' } },
    [`PUT /api/endpoints/${someId}`]: { active: false },
  }
  const document = JSON.parse((await say(stage, 'GET /api/openapi.json', {})).text) as Document
  const managed = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, someId)}`),
  )
  const below = managed.filter(route => route !== openToAll).map(route => [route, bodies[route] ?? {}] as const)
  expect(below.length).toBeGreaterThan(60)
  return [...appRoutes, ...below]
}

/** Everything a page could have changed, and what was spent. */
async function traces({ api, upstream }: Stage) {
  const lists = ['users', 'keys', 'providers', 'endpoints', 'configs', 'sessions', 'budgets']
  const found = await Promise.all(lists.map(async list => (await api(`GET /${list}`)).body))
  const { body: requests } = await api('GET /requests')
  return { found, requests: requests.total, asked: upstream.hits.filter(({ method }) => method === 'POST').length }
}

/** All of these, each with all that goes with it by itself; what was said to any but a refusal. */
async function attack(stage: Stage, more: Record<string, string>): Promise<string[]> {
  const { port } = new URL(stage.origin)
  const wrong: string[] = []
  for (const [route, body] of await routesOf(stage)) {
    const [method = ''] = route.split(' ')
    const asked = attacks
      .filter(({ sends }) => sends(method))
      .map(async ({ name, headers, type, withCookies }) => {
        const hasBody = method !== 'GET' && type !== undefined
        const all = {
          ...headers(port),
          ...(hasBody && { 'content-type': type }),
          ...(withCookies && { cookie: stage.cookie }),
          ...more,
        }
        const said = await say(stage, route, all, hasBody ? JSON.stringify(body) : undefined)
        const shares = Object.keys(said.headers).some(
          each => each.startsWith('access-control-') || each === 'set-cookie',
        )
        const isRefusal = said.text.startsWith('{"error":{') && said.text.includes('"code":"forbidden"')
        if (said.status !== 403 || shares || !isRefusal) wrong.push(`${name}: ${route} was answered ${said.status}`)
      })
    await Promise.all(asked)
  }
  return wrong
}

test('pages of others change nothing, spend nothing and read nothing', async () => {
  const stage = await start()
  const before = await traces(stage)
  expect(await attack(stage, {})).toEqual([])
  expect(await traces(stage)).toEqual(before)
  // The session that a page could have ended or taken is as it was.
  const own = { origin: stage.origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  const renewal = JSON.stringify({ cookieKey: stage.cookieKey })
  const refreshed = await say(stage, 'POST /api/auth/refresh', { ...own, cookie: stage.cookie }, renewal)
  expect(refreshed.status).toBe(200)
  const authorization = `Bearer ${JSON.parse(refreshed.text).accessToken}`
  const asked = JSON.stringify({ model: 'm', messages })
  expect((await say(stage, 'GET /api/users', { ...own, authorization })).status).toBe(200)
  expect((await say(stage, 'POST /v1/chat/completions', { ...own, authorization }, asked)).status).toBe(200)
}, 30_000)

test('nor do they with a token that they came by', async () => {
  const stage = await start()
  const before = await traces(stage)
  expect(await attack(stage, { authorization: `Bearer ${stage.token}` })).toEqual([])
  expect(await traces(stage)).toEqual(before)
}, 30_000)

test('nor where apps need no key', async () => {
  const stage = await start({ http: { port: 0, requireKey: false } })
  const before = await traces(stage)
  expect(await attack(stage, {})).toEqual([])
  expect(await traces(stage)).toEqual(before)
  const asked = JSON.stringify({ model: 'm', messages })
  const app = { 'content-type': 'application/json' }
  expect((await say(stage, 'POST /v1/chat/completions', app, asked)).status).toBe(200)
}, 30_000)

test('a server on another port, to which browsers send the cookie as well, gets nothing for it', async () => {
  const stage = await start()
  const json = { 'content-type': 'application/json' }
  const [, value = ''] = stage.cookie.split('=')
  for (const body of [{}, { refreshToken: value }, { refreshToken: `${value}.` }, { cookieKey: value }]) {
    const said = await say(stage, 'POST /api/auth/refresh', { ...json, cookie: stage.cookie }, JSON.stringify(body))
    expect(said.status).toBe(401)
    await say(stage, 'POST /api/auth/logout', { ...json, cookie: stage.cookie }, JSON.stringify(body))
  }
  const renewal = JSON.stringify({ cookieKey: stage.cookieKey })
  expect((await say(stage, 'POST /api/auth/refresh', { ...json, cookie: stage.cookie }, renewal)).status).toBe(200)
})

test('who asks before whether it may is told no', async () => {
  const stage = await start()
  for (const route of [
    '/v1/chat/completions',
    '/v1/models',
    '/api/users',
    '/api/auth/refresh',
    '/',
    '/assets/app-1.js',
  ]) {
    for (const origin of [local, evil, 'null']) {
      const { status, headers } = await say(stage, `OPTIONS ${route}`, {
        ...{ ...fetched, origin, 'sec-fetch-site': origin === local ? 'same-site' : 'cross-site' },
        ...{ 'access-control-request-method': 'POST', 'access-control-request-private-network': 'true' },
        'access-control-request-headers': 'authorization,content-type',
      })
      expect([route, status]).toEqual([route, 403])
      expect(Object.keys(headers).filter(name => name.startsWith('access-control-'))).toEqual([])
    }
  }
})

test('no page gets a socket', async () => {
  const { origin, token } = await start()
  const { hostname, port } = new URL(origin)
  const socketTo = async (path: string, from: string) => {
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    const upgrade = `connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==`
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n${upgrade}\r\norigin: ${from}\r\nauthorization: Bearer ${token}\r\nsec-fetch-mode: websocket\r\nsec-fetch-site: same-site\r\n\r\n`,
    )
    return await new Promise<string>(resolve => socket.once('data', data => resolve(data.toString().slice(0, 12))))
  }
  for (const path of ['/', '/api/events', '/v1/chat/completions', '/v1/realtime']) {
    for (const from of [local, evil, 'null']) expect(await socketTo(path, from)).toBe('HTTP/1.1 403')
  }
})

test('the page itself can be linked to, and neither framed nor read', async () => {
  const stage = await start()
  expect((await say(stage, 'GET /', navigation('cross-site'))).status).toBe(200)
  const { port } = new URL(stage.origin)
  const wrong: string[] = []
  for (const { name, headers, sends } of attacks) {
    for (const path of ['/', '/chat/x', '/assets/app-1.js']) {
      if (!sends('GET') || (name === 'a link' && !path.startsWith('/assets'))) continue
      const { status } = await say(stage, `GET ${path}`, headers(port))
      if (status !== 403) wrong.push(`${name}: ${path} was answered ${status}`)
    }
  }
  expect(wrong).toEqual([])
})
