import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { proxied } from '../../src/http/proxied.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { createScripted } from '../scripted.ts'
import { password, startStage } from './admin/stage.ts'

const name = 'ai.example.com'
let behind: LocalServer
let plain: LocalServer

beforeAll(async () => {
  behind = await serveLocally(createScripted(), { allowedHosts: [name], behindProxy: true })
  plain = await serveLocally(createScripted(), { allowedHosts: [name] })
})
afterAll(async () => {
  await behind.stop()
  await plain.stop()
})

/** As a proxy asks: with the name the browser asked for. */
async function ask({ url }: Pick<LocalServer, 'url'>, path: string, headers: Record<string, string>, body?: object) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; headers: Record<string, unknown> }>()
  const method = body === undefined ? 'GET' : 'POST'
  const own = { host: name, authorization: 'Bearer sk-parley-test', 'content-type': 'application/json' }
  request(new URL(path, url), { method, headers: { ...own, ...headers } }, response => {
    response.resume().once('end', () => resolve({ status: response.statusCode!, headers: response.headers }))
  })
    .once('error', reject)
    .end(body && JSON.stringify(body))
  return await promise
}

test('behind a proxy who came by HTTPS is told to stay with it, and who came without is refused', async () => {
  const https = await ask(behind, '/v1/models', { 'x-forwarded-proto': 'https' })
  expect([https.status, https.headers['strict-transport-security']]).toEqual([200, 'max-age=31536000'])
  for (const proto of ['http', 'https, http', '']) {
    const refused = await ask(behind, '/v1/models', { 'x-forwarded-proto': proto })
    expect([refused.status, refused.headers['strict-transport-security']]).toEqual([403, undefined])
  }
})

test('what the proxy did not touch comes from this machine and is answered', async () => {
  for (const path of ['/v1/models', '/healthz/ready']) expect((await ask(behind, path, {})).status).toBe(200)
})

test('without a proxy nobody can say what he came by', async () => {
  const said = await ask(plain, '/v1/models', { 'x-forwarded-proto': 'http' })
  expect([said.status, said.headers['strict-transport-security']]).toEqual([200, undefined])
})

test('cookies go over HTTPS alone, but on this machine', async () => {
  const stage = await startStage({ front: { allowedHosts: [name] } })
  const login = { email: 'viewer@example.com', password, cookie: true }
  const cookieOf = async (headers: Record<string, string>) =>
    String((await ask(stage, '/api/auth/login', { authorization: '', ...headers }, login)).headers['set-cookie'])
  expect(await cookieOf({})).toMatch(/HttpOnly; SameSite=Strict; Secure$/)
  expect(await cookieOf({ host: 'localhost' })).toMatch(/HttpOnly; SameSite=Strict$/)
  // A proxy that asks by the address of the node.
  expect(await cookieOf({ host: '127.0.0.1', 'x-forwarded-proto': 'https' })).toMatch(/; Secure$/)
})

test.each([true, false])('failed logins count for who the proxy says, if it is believed: %s', async behindProxy => {
  const stage = await startStage({ front: { behindProxy } })
  const from = async (address: string, account: number) => {
    const headers = { host: 'localhost', authorization: '', 'x-forwarded-for': `203.0.113.9, ${address}` }
    const credentials = { email: `nobody-${account}@example.com`, password: 'wrong password' }
    return (await ask(stage, '/api/auth/login', headers, credentials)).status
  }
  for (let account = 0; account < 10; account++) expect(await from('198.51.100.1', account)).toBe(401)
  expect(await from('198.51.100.1', 10)).toBe(429)
  expect(await from('198.51.100.2', 11)).toBe(behindProxy ? 401 : 429)
})

test.each([
  ['127.0.0.0/8', true],
  ['127.0.0.1', true],
  ['10.0.0.0/8', false],
  ['fd00::/8', false],
])('of proxies in %s this one is believed: %s', async (network, isBelieved) => {
  const front = { allowedHosts: [name], behindProxy: true, trustedProxies: [network] }
  const server = await serveLocally(createScripted(), front)
  const said = await ask(server, '/v1/models', { 'x-forwarded-proto': 'https' })
  expect(said.headers['strict-transport-security'] !== undefined).toBe(isBelieved)
  expect((await ask(server, '/v1/models', { 'x-forwarded-proto': 'http' })).status).toBe(isBelieved ? 403 : 200)
  await server.stop()
  const stage = await startStage({ front })
  const login = (address: string, account: number) =>
    ask(
      stage,
      '/api/auth/login',
      { host: 'localhost', authorization: '', 'x-forwarded-for': address, 'x-forwarded-proto': 'https' },
      { email: `nobody-${account}@example.com`, password: 'wrong password' },
    )
  for (let account = 0; account < 10; account++) await login('198.51.100.1', account)
  expect((await login('198.51.100.2', 11)).status).toBe(isBelieved ? 401 : 429)
})

test('what is no network is refused by name', () => {
  expect(() => proxied({ behindProxy: true, trustedProxies: ['10.0.0.0/99'] })).toThrow(
    /trustedProxies: 10\.0\.0\.0\/99/,
  )
})
