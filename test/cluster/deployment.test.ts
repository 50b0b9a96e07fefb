import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configKeys } from '../../src/config/index.ts'
import { startParley } from '../cli/parley.ts'
import { startFaultyUpstream } from '../faulty-upstream.ts'
import { localhostTls } from '../localhost-tls.ts'
import { checkNginx } from '../nginx.ts'
import { createHome } from '../node/stage.ts'
import { type Postgres, startPostgres } from '../postgres.ts'
import { type Redis, startRedis } from '../redis.ts'
import { ask, describeWith, masterKey, startClusterNode, statusOf } from './stage.ts'

const examples = 'docs/examples'
const host = 'ai.example.com'

test('every variable in the examples is one that a node knows', () => {
  const known = new Set(['PARLEY_HOME', ...configKeys.map(({ variable }) => variable)])
  const files = [...readdirSync(examples).map(name => join(examples, name)), 'docs/deployment.md']
  const named = files.flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(/PARLEY_[A-Z_]+/g)].map(([name]) => ({ file, name })),
  )
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter(({ name }) => !known.has(name))).toEqual([])
})

describeWith(['nginx'], 'the example of nginx', () => {
  test('is one that nginx starts with, TLS included', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-tls-'))
    try {
      writeFileSync(join(folder, 'fullchain.pem'), localhostTls.cert)
      writeFileSync(join(folder, 'privkey.pem'), localhostTls.key)
      const config = readFileSync(join(examples, 'nginx.conf'), 'utf8')
      expect(() => checkNginx(config.replaceAll('/etc/ssl/parley', folder))).not.toThrow()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describeWith(['postgres', 'redis'], 'a node set up by the example of an environment', () => {
  let postgres: Postgres
  let redis: Redis
  let env: Record<string, string>
  const folder = mkdtempSync(join(tmpdir(), 'parley-secrets-'))

  beforeAll(async () => {
    ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
    const secret = (name: string, text: string) => {
      writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 })
      return join(folder, name)
    }
    env = {
      ...exampleEnvironment(),
      PARLEY_STORE_URL_FILE: secret('store-url', await postgres.createDatabase()),
      PARLEY_REDIS_URL_FILE: secret('redis-url', redis.url),
      PARLEY_STORE_MASTER_KEY: '',
      PARLEY_STORE_MASTER_KEY_FILE: secret('master-key', masterKey),
    }
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await Promise.all([postgres?.remove(), redis?.close()])
  })

  test('takes the key that was made before it, answers to its name alone, and wants the master key of the database', async () => {
    const upstream = await startFaultyUpstream(['m'])
    const home = createHome()
    const made = await startParley(home.path, ['key', 'new', 'ops', '--json'], { env }).ended
    expect(made.code).toBe(0)
    const { secret } = JSON.parse(made.stdout) as { secret: string }
    const upstreams = JSON.stringify([{ name: 'openai', url: upstream.url, keyEnv: 'OPENAI_API_KEY' }])
    const node = await startClusterNode({ env: { ...env, PARLEY_UPSTREAMS: upstreams, OPENAI_API_KEY: 'sk-canary' } })
    expect(node.firstKey).toBeNull()
    const origin = `http://127.0.0.1:${new URL(node.origin).port}`
    expect(await statusOf(ask(origin, secret))).toBe(200)
    expect(upstream.hits[0]?.headers.authorization).toBe('Bearer sk-canary')
    const models = (name: string) => get(origin, '/v1/models', name, secret)
    expect(await Promise.all([models(host), models('another.example.com')])).toEqual([200, 403])
    const health = ['/healthz/live', '/healthz/ready', '/healthz/startup', '/api/status/health']
    const asked = await Promise.all(health.map(path => get(origin, path, '10.1.2.3')))
    expect(asked).toEqual([200, 200, 200, 200])
    expect(await node.stop()).toBe(0)
    const wrong = { ...env, PARLEY_STORE_MASTER_KEY_FILE: '', PARLEY_STORE_MASTER_KEY: 'b'.repeat(64) }
    const refused = await startParley(home.path, ['up', '--json'], { env: { ...wrong, PARLEY_UPSTREAMS: '[]' } }).ended
    expect([refused.code, JSON.parse(refused.stderr).error.code]).toEqual([4, 'secret_unreadable'])
    await node.remove()
    home.remove()
    await upstream.stop()
  })
})

/** The file as systemd reads it. */
function exampleEnvironment(): Record<string, string> {
  const lines = readFileSync(join(examples, 'parley.env'), 'utf8').split('\n')
  const pairs = lines.flatMap(line => {
    const [, name, value = ''] = /^([A-Z_]+)=(.*)$/.exec(line) ?? []
    return name === undefined ? [] : [[name, value.replace(/^'(.*)'$/, '$1')] as const]
  })
  return Object.fromEntries(pairs)
}

function get(origin: string, path: string, name: string, key?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: name, ...(key !== undefined && { authorization: `Bearer ${key}` }) }
    request(`${origin}${path}`, { headers }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .end()
  })
}
