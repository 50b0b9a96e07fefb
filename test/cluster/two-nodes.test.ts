import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRandom } from '../../src/core/index.ts'
import { type FaultyUpstream, hang, refuse, startFaultyUpstream, stream, whole, words } from '../faulty-upstream.ts'
import { type Nginx, startNginx } from '../nginx.ts'
import { freePort } from '../node/stage.ts'
import { type Postgres, ask as query, startPostgres } from '../postgres.ts'
import { type Redis, startRedis } from '../redis.ts'
import {
  ask,
  type ClusterNode,
  describeWith,
  openRows,
  type Rows,
  type Sent,
  startClusterNode,
  startLoad,
  statusOf,
  tally,
  waitUntil,
} from './stage.ts'

const leaseMs = 30_000

describeWith(['postgres', 'redis', 'nginx'], 'two nodes behind nginx', () => {
  let postgres: Postgres
  let redis: Redis
  let nginx: Nginx
  let url: string
  let rows: Rows
  let first: FaultyUpstream
  let second: FaultyUpstream
  let nodes: ClusterNode[]
  let env: Record<string, string>
  /** Of nginx. */
  let door: string
  let key: string

  beforeAll(async () => {
    ;[postgres, redis, first, second] = await Promise.all([
      startPostgres(),
      startRedis(),
      startFaultyUpstream(['m']),
      startFaultyUpstream(['m']),
    ])
    url = await postgres.createDatabase()
    const upstreams = [
      { name: 'first', url: first.url, priority: 1 },
      { name: 'second', url: second.url, priority: 2 },
    ]
    env = {
      PARLEY_STORE_URL: url,
      PARLEY_REDIS_URL: redis.url,
      PARLEY_UPSTREAMS: JSON.stringify(upstreams),
      PARLEY_HTTP_BEHIND_PROXY: 'true',
    }
    // At once: the schema is made by one of them.
    nodes = await Promise.all([startClusterNode({ env }), startClusterNode({ env })])
    rows = await openRows({ url })
    key = (await rows.makeKey({ name: 'app' })).secret
    const port = await freePort()
    nginx = await startNginx(exampleFor(nodes, port), port)
    door = `http://127.0.0.1:${port}`
  })
  afterAll(async () => {
    await nginx?.stop()
    await rows?.close()
    await Promise.all(nodes?.map(node => node.remove()) ?? [])
    await Promise.all([redis?.close(), postgres?.remove(), first?.stop(), second?.stop()])
  })

  /** When a node died that had calls of a key running. */
  let died: { readonly at: number; readonly key: string } | undefined

  test('calls of a key that run at once are counted over both, and those of a node that died are given back', async () => {
    const limited = await rows.makeKey({ name: 'parallel', parallel: 4 })
    first.always(hang('headers'))
    const leave = new AbortController()
    const running = nodes.flatMap(({ origin }) =>
      Array.from({ length: 3 }, () => statusOf(ask(origin, limited.secret, { signal: leave.signal }))),
    )
    const refused = await Promise.all([firstOf(running, 429), firstOf(running, 429)])
    expect(refused).toEqual([429, 429])
    await waitUntil('four run', () => first.hits.length === 4)
    const port = Number(new URL(nodes[1]!.origin).port)
    await nodes[1]!.kill()
    died = { at: performance.now(), key: limited.secret }
    leave.abort()
    await Promise.all(running)
    first.always(whole())
    nodes[1] = await startClusterNode({ env, home: nodes[1]!.home, port })
  })

  test('100 requests a minute are 100 over both', async () => {
    const limited = await rows.makeKey({ name: 'rpm', rpm: 100 })
    const statuses = await Promise.all(
      Array.from({ length: 130 }, (_, at) => statusOf(ask(nodes[at % 2]!.origin, limited.secret))),
    )
    const allowed = statuses.filter(status => status === 200).length
    expect(statuses.filter(status => status !== 200 && status !== 429)).toEqual([])
    expect(Math.abs(allowed - 100)).toBeLessThanOrEqual(1)
  })

  test('tokens a minute are counted over both, as many as there were', async () => {
    const limited = await rows.makeKey({ name: 'tpm', tpm: 120 })
    let tokens = 0
    for (let call = 0; call < 20; call++) {
      const answer = await ask(nodes[call % 2]!.origin, limited.secret, { fields: { max_tokens: 5 } })
      if (answer.status === 429) break
      tokens += ((await answer.json()) as { usage: { total_tokens: number } }).usage.total_tokens
      // What was set aside is corrected beside the answer.
      await sleep(60)
    }
    expect(tokens).toBeGreaterThanOrEqual(120 - 2 * 12)
    expect(tokens).toBeLessThanOrEqual(120)
    const statuses = nodes.map(({ origin }) => statusOf(ask(origin, limited.secret, { fields: { max_tokens: 5 } })))
    expect(await Promise.all(statuses)).toEqual([429, 429])
  })

  test('what one node was answered the other one has', async () => {
    const caching = await rows.makeKey({ name: 'caching', cache: 'own' })
    const before = first.hits.length
    const seen: (string | null)[] = []
    for (const { origin } of nodes) {
      const answer = await ask(origin, caching.secret, { prompt: 'once' })
      seen.push(answer.headers.get('x-parley-cache'))
      await answer.arrayBuffer()
      await sleep(100)
    }
    expect(seen).toEqual(['MISS', 'HIT'])
    expect(first.hits.length - before).toBe(1)
  })

  test('what one node found out of an upstream the other one goes by', async () => {
    first.next(refuse(503, undefined, { 'retry-after': '2' }))
    const [before, other] = [first.hits.length, second.hits.length]
    expect(await statusOf(ask(nodes[0]!.origin, key))).toBe(200)
    await sleep(100)
    expect(await statusOf(ask(nodes[1]!.origin, key))).toBe(200)
    expect([first.hits.length - before, second.hits.length - other]).toEqual([1, 2])
    await sleep(2_000)
    expect(await statusOf(ask(nodes[1]!.origin, key))).toBe(200)
    expect(first.hits.length - before).toBe(2)
  })

  test('a key that was revoked opens neither within a second', async () => {
    const doomed = await rows.makeKey({ name: 'doomed' })
    for (const { origin } of nodes) expect(await statusOf(ask(origin, doomed.secret))).toBe(200)
    await rows.revokeKey(doomed.id)
    const at = performance.now()
    await waitUntil('both refuse it', async () => {
      const statuses = await Promise.all(nodes.map(({ origin }) => statusOf(ask(origin, doomed.secret))))
      return statuses.every(status => status === 401)
    })
    expect(performance.now() - at).toBeLessThan(5_000)
  })

  test('a provider in the store is asked by both, with its key, and with its new key', async () => {
    const [old, renewed] = ['sk-stored-old-1', 'sk-stored-new-2']
    const third = await startFaultyUpstream(['stored'])
    const id = systemRandom.uuid()
    const sealed = (secret: string) => ({ secret: rows.sealer.seal(secret, `provider:${id}`) })
    const told = await startFaultyUpstream(['stored'])
    try {
      const config = { url: third.url }
      await rows.store.providers.create({
        ...{ id, name: 'third', type: 'api', provider: 'openai-compatible', config },
        ...sealed(old),
      })
      const askBoth = () => Promise.all(nodes.map(({ origin }) => statusOf(ask(origin, key, { model: 'stored' }))))
      await waitUntil('both ask it', async () => (await askBoth()).every(status => status === 200), 5_000)
      expect(new Set(third.hits.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${old}`]))
      await rows.store.providers.update(id, { ...sealed(renewed), config: { url: told.url } })
      await waitUntil(
        'both ask where it is now',
        async () => {
          const before = told.hits.length
          return (await askBoth()).every(status => status === 200) && told.hits.length - before === 2
        },
        5_000,
      )
      expect(new Set(told.hits.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${renewed}`]))
    } finally {
      await Promise.all([third.stop(), told.stop()])
    }
  })

  test('a stream comes through nginx word by word', async () => {
    first.next(stream({ dripMs: 200 }))
    const answer = await ask(door, key, { stream: true })
    const times: number[] = []
    const decoder = new TextDecoder()
    for await (const piece of answer.body!) {
      const said = decoder.decode(piece, { stream: true })
      for (const word of words) if (said.includes(JSON.stringify(word).slice(1, -1))) times.push(performance.now())
    }
    expect(times).toHaveLength(words.length)
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(500)
  })

  test.each([0, 1])('node %i may die in the midst of calls: no new one fails', async which => {
    const port = Number(new URL(nodes[which]!.origin).port)
    first.next(stream({ dripMs: 300 }))
    const torn = ask(nodes[which]!.origin, key, { stream: true }).then(answer => answer.text())
    const broken = expect(torn).rejects.toThrow()
    const app = await rows.makeKey({ name: `killed ${which}` })
    const load = startLoad(50, prompt => ask(door, app.secret, { prompt }))
    await waitUntil('calls are under way', () => load.sent() >= 75)
    const killedAt = performance.now()
    await nodes[which]!.kill()
    await sleep(1_000)
    const sent = await load.end()
    expect(tally(sent)).toEqual({ 200: sent.length })
    // A stream that had begun cannot be asked anew by nginx: who reads it is told.
    await broken
    nodes[which] = await startClusterNode({ env, home: nodes[which]!.home, port })
    const isSafe = ({ at, ms }: Sent) => at + ms < killedAt - 1_000 || at > killedAt
    const safe = sent.filter(isSafe)
    expect(safe.length).toBeGreaterThan(0)
    await waitUntil('all rows but those of the last second', async () => {
      const of = `key_id = '${app.id}' and status = 200`
      const [kept] = await query(url, `select count(*)::int as count from requests where ${of}`)
      return Number(kept!.count) >= safe.length
    })
  })

  test('a node that is told to stop fails no call: another one takes the new ones', async () => {
    const port = Number(new URL(nodes[0]!.origin).port)
    first.next(stream({ dripMs: 200 }))
    const running = ask(nodes[0]!.origin, key, { stream: true }).then(answer => answer.text())
    const load = startLoad(50, prompt => ask(door, key, { prompt }))
    await waitUntil('calls are under way', () => load.sent() >= 40)
    expect(await nodes[0]!.stop()).toBe(0)
    await sleep(300)
    const sent = await load.end()
    expect(tally(sent)).toEqual({ 200: sent.length })
    expect(await running).toContain('[DONE]')
    nodes[0] = await startClusterNode({ env, home: nodes[0]!.home, port })
  })

  test('what a node that died held is free again', { timeout: leaseMs + 20_000 }, async () => {
    const { at, key: held } = died!
    await waitUntil(
      'its leases are over',
      async () => {
        first.always(whole())
        return (await fourAtOnce(held)) === 4
      },
      leaseMs + 10_000,
    )
    expect(performance.now() - at).toBeLessThan(leaseMs + 10_000)
  })

  /** How many of four calls that run at the same time are let in. */
  async function fourAtOnce(held: string): Promise<number> {
    first.always(stream({ dripMs: 50 }))
    const answers = Array.from({ length: 4 }, (_, at) => statusOf(ask(nodes[at % 2]!.origin, held, { stream: true })))
    return (await Promise.all(answers)).filter(status => status === 200).length
  }
})

/** Resolves with the status once any of them has it. */
async function firstOf(answers: readonly Promise<number>[], wanted: number): Promise<number> {
  return await Promise.any(answers.map(answer => answer.then(got => (got === wanted ? got : Promise.reject(got)))))
}

/** What the documentation shows, with the addresses of this test and without TLS. */
function exampleFor(nodes: readonly ClusterNode[], port: number): string {
  const addresses = nodes.map(({ origin }) => new URL(origin).host)
  return readFileSync('docs/examples/nginx.conf', 'utf8')
    .replaceAll('10.0.0.11:7275', addresses[0]!)
    .replaceAll('10.0.0.12:7275', addresses[1]!)
    .replace('X-Forwarded-Proto $scheme', 'X-Forwarded-Proto https')
    .replace('listen 443 ssl', `listen 127.0.0.1:${port}`)
    .replace(/^ *ssl_.*$/gm, '')
}
