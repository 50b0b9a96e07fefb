import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { createConfig, resolvePaths } from '../../src/config/index.ts'
import { startFaultyUpstream } from '../faulty-upstream.ts'
import { createHome, startNode } from './stage.ts'

const run = promisify(execFile)

async function startManaged(home: string) {
  const config = createConfig(
    { http: { port: 0 }, models: { nano: false }, management: { allowPrivateUpstreams: true } },
    resolvePaths({ PARLEY_HOME: home }),
  )
  const node = await startNode(config)
  const origin = new URL(node.url).origin
  const api = async (route: string, body?: unknown, token?: string) => {
    const [method = '', path = ''] = route.split(' ')
    const response = await fetch(`${origin}/api${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  return { node, config, api }
}

const parley = async (home: string, ...args: string[]) => {
  const { stdout } = await run(process.execPath, ['src/cli/main.ts', ...args], {
    env: { ...process.env, PARLEY_HOME: home },
  })
  return stdout.trim()
}

test('from the first admin to an answer of a provider he set up, and a new master key', async () => {
  const upstream = await startFaultyUpstream(['m'])
  onTestFinished(upstream.stop)
  const home = createHome()
  onTestFinished(home.remove)
  let { node, api } = await startManaged(home.path)
  const token = await parley(home.path, 'admin', 'setup')
  const person = { email: 'ann@example.com', name: 'Ann', password: 'correct horse battery staple' }
  const first = await api('POST /auth/setup', { token, ...person })
  expect(first.status).toBeLessThan(300)
  expect((await api('POST /auth/setup', { token, ...person })).status).toBe(409)
  await expect(parley(home.path, 'admin', 'setup')).rejects.toThrow(/has an admin already/)
  const { body: pass } = await api('POST /auth/login', { email: person.email, password: person.password })
  const access = pass.accessToken as string
  const made = await api(
    'POST /providers',
    { type: 'api', name: 'shelf', provider: 'openai', config: { url: upstream.url }, key: 'sk-upstream-0123456789' },
    access,
  )
  expect(made).toMatchObject({ status: 201, body: { name: 'shelf', keyHint: '6789' } })
  const key = await api('POST /keys', { name: 'app', project: 'shop' }, access)
  const ai = new OpenAI({ baseURL: node.url, apiKey: key.body.secret, maxRetries: 0 })
  const ask = () => ai.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'hi' }] })
  expect((await ask()).choices).toHaveLength(1)
  expect(upstream.hits[0]!.headers.authorization).toBe('Bearer sk-upstream-0123456789')
  await expect
    .poll(async () => (await api('GET /requests?provider=shelf', undefined, access)).body.total, { timeout: 5_000 })
    .toBe(1)
  const { body: requests } = await api('GET /requests', undefined, access)
  expect(requests.data[0]).toMatchObject({ provider: 'shelf', providerId: made.body.id, project: 'shop', status: 200 })
  expect((await api('GET /status', undefined, access)).body).toMatchObject({ store: 'up' })
  await node.stop()

  const newKey = join(home.path, 'new.key')
  writeFileSync(newKey, 'ab'.repeat(32))
  expect(await parley(home.path, 'admin', 'rotate-secrets', '--new-key-file', newKey)).toContain('1 secrets')
  const { masterKeyFile } = resolvePaths({ PARLEY_HOME: home.path })
  expect(readFileSync(masterKeyFile, 'utf8').trim()).toBe('ab'.repeat(32))
  expect(existsSync(`${masterKeyFile}.old`)).toBe(true)
  ;({ node, api } = await startManaged(home.path))
  onTestFinished(() => node.stop())
  ai.baseURL = node.url
  await expect
    .poll(
      () =>
        ask().then(
          ({ choices }) => choices.length,
          () => 0,
        ),
      { timeout: 5_000 },
    )
    .toBe(1)
  expect(upstream.hits.at(-1)!.headers.authorization).toBe('Bearer sk-upstream-0123456789')
})
