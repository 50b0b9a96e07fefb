import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FaultyUpstream, startFaultyUpstream } from '../faulty-upstream.ts'
import { freePort } from '../node/stage.ts'
import { type Postgres, ask as query, startPostgres } from '../postgres.ts'
import {
  ask,
  type ClusterNode,
  describeWith,
  type Line,
  linesOf,
  openRows,
  type Rows,
  startClusterNode,
  startLine,
  startLoad,
  statusOf,
  tally,
  waitUntil,
} from './stage.ts'

/** How long the database is away; the promise is about 30 s. */
const awayMs = 1_000 * Number(process.env.PARLEY_TEST_AWAY_SECONDS ?? 4)

describeWith(['postgres'], 'a PostgreSQL that goes away', () => {
  let postgres: Postgres
  let line: Line
  let url: string
  let upstream: FaultyUpstream
  let rows: Rows
  let node: ClusterNode
  /** With room for next to nothing on its disk, and a line of its own to the database. */
  let narrow: ClusterNode
  let env: Record<string, string>

  beforeAll(async () => {
    ;[postgres, upstream] = await Promise.all([startPostgres(), startFaultyUpstream(['m'])])
    url = await postgres.createDatabase()
    line = await startLine(url)
    env = {
      PARLEY_UPSTREAMS: JSON.stringify([{ name: 'upstream', url: upstream.url }]),
      PARLEY_ARCHIVE_ENABLED: 'true',
      PARLEY_STORE_URL: url,
    }
    rows = await openRows({ url })
    ;[node, narrow] = await Promise.all([
      startClusterNode({ env }),
      startClusterNode({ env: { ...env, PARLEY_STORE_URL: line.url, PARLEY_STORE_SPOOL_BYTES_MAX: '20000' } }),
    ])
  })
  afterAll(async () => {
    await rows?.close()
    await Promise.all([node?.remove(), narrow?.remove()])
    await line?.close()
    await Promise.all([postgres?.remove(), upstream?.stop()])
  })

  const countOf = async (project: string) => {
    const from = `from requests r left join inputs i on i.id = r.id where r.project = '${project}'`
    const [counted] = await query(url, `select count(*)::int as rows, count(i.id)::int as texts ${from}`)
    return counted as { rows: number; texts: number }
  }
  const dropsOf = async ({ origin, token }: ClusterNode) => {
    const page = await fetch(`${origin}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    const drops = /^parley_rows_dropped_total\{why="full"\} (\d+)$/m.exec(await page.text())
    return Number(drops?.[1] ?? 0)
  }

  test('no request fails and no row is lost; over the bound on disk rows are counted instead', {
    timeout: awayMs + 60_000,
  }, async () => {
    const key = await rows.makeKey({ name: 'app', project: 'stopped', rpm: 1_000_000 })
    const other = await rows.makeKey({ name: 'other', project: 'narrow' })
    const load = startLoad(100, prompt => ask(node.origin, key.secret, { prompt }))
    const little = startLoad(20, prompt => ask(narrow.origin, other.secret, { prompt }))
    await waitUntil('calls are answered', () => load.sent() >= 100)
    await postgres.stop('immediate')
    await sleep(awayMs)
    expect(await statusOf(ask(node.origin, 'sk-parley-nobody-knows'))).toBe(503)
    expect(readdirSync(`${node.home}/data/spool`).length).toBeGreaterThan(0)
    await postgres.start()
    await sleep(500)
    const [sent, few] = [await load.end(), await little.end()]
    expect(tally([...sent, ...few])).toEqual({ 200: sent.length + few.length })
    await waitUntil('all rows are there', async () => (await countOf('stopped')).rows === sent.length)
    expect(await countOf('stopped')).toEqual({ rows: sent.length, texts: sent.length })
    expect(await dropsOf(node)).toBe(0)
    // Lines of the log are rows too.
    await waitUntil(
      'the rest was counted',
      async () => (await countOf('narrow')).rows + (await dropsOf(narrow)) >= few.length,
    )
    expect((await countOf('narrow')).rows).toBeLessThan(few.length)
    for (const type of ['store.lost', 'store.back']) expect(linesOf(node.log(), type)).toHaveLength(1)
  })

  test('one that says nothing any more delays no request', async () => {
    const key = await rows.makeKey({ name: 'app', project: 'silent' })
    const load = startLoad(20, prompt => ask(narrow.origin, key.secret, { prompt }))
    await waitUntil('calls are answered', () => load.sent() >= 20)
    line.hang()
    const hungAt = performance.now()
    await sleep(3_000)
    const mendedAt = performance.now()
    line.mend()
    const sent = await load.end()
    expect(tally(sent)).toEqual({ 200: sent.length })
    const during = sent.filter(({ at }) => at > hungAt && at < mendedAt).map(({ ms }) => ms)
    expect(during.toSorted((a, b) => a - b)[Math.floor(during.length * 0.9)]).toBeLessThan(500)
  })

  test('what was not written when a node is told to stop is written by the next on its home', async () => {
    const key = await rows.makeKey({ name: 'app', project: 'last' })
    const passing = await startClusterNode({ env })
    await statusOf(ask(passing.origin, key.secret))
    await postgres.stop()
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, at) => statusOf(ask(passing.origin, key.secret, { prompt: `last ${at}` }))),
    )
    expect(new Set(sent)).toEqual(new Set([200]))
    expect(await passing.stop()).toBe(0)
    await postgres.start()
    const successor = await startClusterNode({ env, home: passing.home })
    await waitUntil('its rows are there', async () => (await countOf('last')).texts === 21)
    expect(await successor.stop()).toBe(0)
    await passing.remove()
  })

  test('one that is not there keeps a node from starting, and it says so without the password', async () => {
    const away = `postgres://parley:pg-password-canary@127.0.0.1:${await freePort()}/gone`
    const started = startClusterNode({ env: { ...env, PARLEY_STORE_URL: away } })
    const said = await started.then(
      () => 'it started',
      (cause: Error) => cause.message,
    )
    expect(said).toMatch(/the database of the gateway does not answer \(ECONNREFUSED\)/)
    expect(said).not.toContain('pg-password-canary')
  })
})
