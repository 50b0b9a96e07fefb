import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StorePlace } from '../../src/store/index.ts'
import { type FaultyUpstream, startFaultyUpstream, stream, whole } from '../faulty-upstream.ts'
import { type Postgres, startPostgres } from '../postgres.ts'
import {
  ask,
  type ClusterNode,
  describeWith,
  openRows,
  startClusterNode,
  startLoad,
  statusOf,
  waitUntil,
} from './stage.ts'

const stores = ['a file', 'PostgreSQL'] as const

describeWith(['postgres'], 'a node that ends under load', () => {
  let postgres: Postgres
  let upstream: FaultyUpstream

  beforeAll(async () => {
    ;[postgres, upstream] = await Promise.all([startPostgres(), startFaultyUpstream(['m'])])
    const slow = stream({ words: Array.from({ length: 12 }, (_, at) => `word${at} `), dripMs: 100 })
    upstream.always(asked => (String(asked.hit.raw).includes('slow') ? slow : whole())(asked))
  })
  afterAll(async () => {
    await Promise.all([postgres?.remove(), upstream?.stop()])
  })

  const startOn = async (kind: (typeof stores)[number]) => {
    const url = kind === 'a file' ? undefined : await postgres.createDatabase()
    const env = {
      PARLEY_UPSTREAMS: JSON.stringify([{ name: 'upstream', url: upstream.url }]),
      PARLEY_ARCHIVE_ENABLED: 'true',
      ...(url !== undefined && { PARLEY_STORE_URL: url }),
    }
    const node = await startClusterNode({ env })
    const place: StorePlace = url === undefined ? { path: `${node.home}/data/gateway.db` } : { url }
    return { node, place, env, key: node.firstKey! }
  }

  test.each(stores)('told to stop, it ends what runs, takes nothing new and loses no row: %s', async kind => {
    const { node, place, key } = await startOn(kind)
    const load = startLoad(100, prompt => ask(node.origin, key, { prompt }))
    await waitUntil('calls are under way', () => load.sent() >= 100)
    const running = ask(node.origin, key, { prompt: 'slow one', stream: true })
    const head = await running
    const told = node.stop()
    await waitUntil('it stops', async () => (await readiness(node)).status === 503)
    const refused = await ask(node.origin, key, { prompt: 'too late' })
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(((await refused.json()) as { error: { code: string } }).error.code).toBe('stopping')
    expect((await readiness(node)).said).toEqual({ status: 'stopping', reasons: ['stopping'] })
    expect((await fetch(`${node.origin}/healthz/live`)).status).toBe(200)
    const said = await head.text()
    expect(said).toContain('word11')
    expect(said).toMatch(/data: \[DONE\]\s*$/)
    expect(await told).toBe(0)
    const sent = await load.end()
    const answered = sent.filter(({ status }) => status === 200).map(({ prompt }) => prompt)
    expect(answered.length).toBeGreaterThan(50)
    const kept = await promptsIn(place)
    expect([...answered, 'slow one'].filter(prompt => !kept.has(prompt))).toEqual([])
    await node.remove()
  })

  test.each(stores)('killed, it loses what the last second brought at most: %s', async kind => {
    const { node, place, env, key } = await startOn(kind)
    const load = startLoad(100, prompt => ask(node.origin, key, { prompt }))
    await waitUntil('calls are under way', () => load.sent() >= 200)
    const killedAt = performance.now()
    await node.kill()
    const sent = await load.end()
    const early = sent.filter(({ status, at, ms }) => status === 200 && at + ms < killedAt - 1_000)
    expect(early.length).toBeGreaterThan(20)
    // What it had put on its disk comes with the next start.
    const next = await startClusterNode({ env, home: node.home })
    const missing = async () => {
      const kept = await promptsIn(place)
      return early.map(({ prompt }) => prompt).filter(prompt => !kept.has(prompt))
    }
    await waitUntil('all rows are there', async () => (await missing()).length === 0, 5_000).catch(() => undefined)
    expect(await missing()).toEqual([])
    expect(await statusOf(ask(next.origin, key))).toBe(200)
    expect(await next.stop()).toBe(0)
    await node.remove()
  })
})

async function readiness({ origin }: ClusterNode): Promise<{ status: number; said: unknown }> {
  const answer = await fetch(`${origin}/healthz/ready`)
  return { status: answer.status, said: await answer.json() }
}

/** Those whose answers were kept whole. */
async function promptsIn(place: StorePlace): Promise<ReadonlySet<string>> {
  const rows = await openRows(place)
  try {
    const prompts = new Set<string>()
    for (let page = 1; ; page++) {
      const { rows: calls } = await rows.store.archive.list({}, { page, limit: 500 })
      for (const { input, response } of calls) {
        const { messages } = JSON.parse(input.content) as { messages: { content: string }[] }
        if (response.status === 200 && !response.isPartial) prompts.add(messages[0]!.content)
      }
      if (calls.length < 500) return prompts
    }
  } finally {
    await rows.close()
  }
}
