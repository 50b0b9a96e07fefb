import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createKeys } from '../../src/auth/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { migrations, openStore, type StorePlace } from '../../src/store/index.ts'
import { startParley } from '../cli/parley.ts'
import { type FaultyUpstream, startFaultyUpstream } from '../faulty-upstream.ts'
import { createHome, freePort } from '../node/stage.ts'
import { type Postgres, ask as query, startPostgres } from '../postgres.ts'
import { ask, commonEnv, describeWith, openRows, startClusterNode, statusOf } from './stage.ts'

const stores = ['a file', 'PostgreSQL'] as const

interface Place {
  readonly home: string
  readonly place: StorePlace
  readonly env: Readonly<Record<string, string>>
}

describeWith(['postgres'], 'a node that starts', () => {
  let postgres: Postgres
  let upstream: FaultyUpstream
  let upstreams: string

  beforeAll(async () => {
    ;[postgres, upstream] = await Promise.all([startPostgres(), startFaultyUpstream(['m'])])
    upstreams = JSON.stringify([{ name: 'upstream', url: upstream.url }])
  })
  afterAll(async () => {
    await Promise.all([postgres?.remove(), upstream?.stop()])
  })

  /** Where a store is, and what tells a node so. */
  const placeOf = async (kind: (typeof stores)[number]): Promise<Place> => {
    const home = createHome()
    onTestFinished(home.remove)
    if (kind === 'a file') return { home: home.path, place: { path: `${home.path}/data/gateway.db` }, env: {} }
    const url = await postgres.createDatabase()
    return { home: home.path, place: { url }, env: { PARLEY_STORE_URL: url } }
  }

  test.each(stores)('finds what was there, also in a schema of before, and the same a second time: %s', async kind => {
    const { home, place, env } = await placeOf(kind)
    mkdirSync(`${home}/data`, { recursive: true, mode: 0o700 })
    const parts = { clock: systemClock, random: systemRandom, revisions: { changed: () => undefined } }
    const old = await openStore(place, { ...parts, migrations: migrations.slice(0, 1) })
    const { secret } = await createKeys({ ...parts, ...old }).create({ name: 'from before' })
    await old.close()
    for (let start = 0; start < 2; start++) {
      const node = await startClusterNode({ home, env: { ...env, PARLEY_UPSTREAMS: upstreams } })
      try {
        expect(node.firstKey).toBeNull()
        expect(await statusOf(ask(node.origin, secret))).toBe(200)
        expect(await node.stop()).toBe(0)
      } finally {
        await node.kill()
      }
    }
    const after = await openRows(place)
    expect((await after.store.requests.list({}, { page: 1, limit: 9 })).total).toBe(2)
    await after.close()
  })

  test('is heard of within two seconds, set up by its environment alone', { timeout: 90_000 }, async () => {
    const home = createHome()
    onTestFinished(home.remove)
    const took: number[] = []
    // This machine is busy with other tests: the best of some is what a start takes.
    for (let start = 0; start < 4 && Math.min(...took, Infinity) > 2_000; start++)
      took.push(await healthyAfter(home.path))
    expect(Math.min(...took)).toBeLessThan(2_000)
  })

  async function healthyAfter(home: string): Promise<number> {
    const port = await freePort()
    const startedAt = performance.now()
    const env = { ...commonEnv, PARLEY_UPSTREAMS: upstreams, PARLEY_HTTP_PORT: String(port) }
    const { child, ended } = startParley(home, ['up', '--json'], { env })
    try {
      for (;;) {
        const health = await fetch(`http://127.0.0.1:${port}/api/status/health`).catch(() => undefined)
        if (health?.status === 200) return performance.now() - startedAt
        if (performance.now() - startedAt > 20_000) return Number.POSITIVE_INFINITY
        await sleep(10)
      }
    } finally {
      child.kill('SIGTERM')
      await ended
    }
  }

  test.each(stores)('does not without the master key its secrets are sealed with: %s', async kind => {
    const { home, place, env } = await placeOf(kind)
    mkdirSync(`${home}/data`, { recursive: true, mode: 0o700 })
    const rows = await openRows(place)
    const id = systemRandom.uuid()
    const secret = rows.sealer.seal('sk-sealed-canary', `provider:${id}`)
    const provider = { id, name: 'stored', type: 'api', provider: 'openai-compatible', secret } as const
    await rows.store.providers.create({ ...provider, config: { url: upstream.url } })
    await rows.close()
    const up = async (key: Record<string, string>) => {
      const all = { ...env, PARLEY_HTTP_PORT: '0', PARLEY_MODELS_NANO: 'false', ...key }
      return await startParley(home, ['up', '--json'], { env: all }).ended
    }
    const wrong = randomBytes(32).toString('hex')
    const other = await up({ PARLEY_STORE_MASTER_KEY: wrong })
    expect(other).toMatchObject({ code: 4, stdout: '' })
    expect(other.stderr).toMatch(/sealed by another master key.*start with that one/)
    expect(other.stderr).not.toContain(wrong)
    for (let start = 0; start < 2; start++) {
      const missing = await up({})
      expect(missing).toMatchObject({ code: 4, stdout: '' })
      expect(missing.stderr).toMatch(/sealed by a master key that is not here.*PARLEY_STORE_MASTER_KEY/)
    }
    const short = await up({ PARLEY_STORE_MASTER_KEY: 'not-a-key' })
    expect(short.code).toBe(3)
    expect(short.stderr).toMatch(/a master key is 32 bytes in hexadecimal or base64/)
    expect(short.stderr).not.toContain('not-a-key')
    const node = await startClusterNode({ home, env })
    expect(await statusOf(ask(node.origin, node.firstKey!))).toBe(200)
    await node.kill()
  })

  test('asks its database who calls no more than twice in a thousand calls, and nothing for its health', async () => {
    const log = await logOf(postgres)
    const node = await startClusterNode({ env: { PARLEY_STORE_URL: log.url, PARLEY_UPSTREAMS: upstreams } })
    try {
      const atStart = (await log.statements()).length
      for (let call = 0; call < 50; call++) {
        expect((await fetch(`${node.origin}/api/status/health`)).status).toBe(200)
      }
      const before = (await log.statements()).length
      const forHealth = (await log.statements()).slice(atStart, before)
      // What runs by itself meanwhile: whether something has changed, lines of the log.
      expect(forHealth.length).toBeLessThan(25)
      for (let round = 0; round < 50; round++) {
        const statuses = Array.from({ length: 20 }, () => statusOf(ask(node.origin, node.firstKey!)))
        expect(await Promise.all(statuses)).toEqual(Array.from({ length: 20 }, () => 200))
      }
      const asked = (await log.statements()).slice(before)
      const about = asked.filter(text => /"(?:keys|users|sessions)"/.test(text))
      const lookups = about.filter(text => text.startsWith('select'))
      expect(lookups.length).toBeGreaterThan(0)
      expect(lookups.length).toBeLessThanOrEqual(2)
      // When a key was last used is written down every ten seconds.
      expect(about.filter(text => !text.startsWith('select')).every(text => text.includes('"last_used_at"'))).toBe(true)
      // Each budget there may be is looked for once: of the node and of the key.
      expect(asked.filter(text => text.includes('from "budgets"')).length).toBeLessThanOrEqual(4)
      expect(asked.filter(text => /"(?:providers|endpoints|configurations)"/.test(text))).toEqual([])
    } finally {
      await node.remove()
    }
  })

  /** A server that writes down each statement, and what it wrote. */
  async function logOf(server: Postgres) {
    const url = await server.createDatabase()
    for (const set of ['logging_collector = on', "log_statement = 'all'"]) await query(url, `alter system set ${set}`)
    await server.stop('fast')
    await server.start()
    return {
      url,
      statements: async () => {
        const [row] = await query(url, 'select pg_read_file(pg_current_logfile()) as text')
        const lines = String(row!.text).matchAll(/LOG: {2}(?:statement|execute [^:]+): (.*)/g)
        return [...lines].map(([, text]) => text!)
      },
    }
  }
})
