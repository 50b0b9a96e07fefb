import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRandom } from '../../src/core/index.ts'
import { cut, echo, type FaultyUpstream, failInStream, oops, startFaultyUpstream, whole } from '../faulty-upstream.ts'
import { type Postgres, postgresBinaries, startPostgres } from '../postgres.ts'
import { type Redis, startRedis } from '../redis.ts'
import {
  ask,
  type ClusterNode,
  describeWith,
  linesOf,
  masterKey,
  openRows,
  type Rows,
  startClusterNode,
  waitUntil,
} from './stage.ts'

const secrets = {
  stored: 'sk-stored-canary-0f4e2a9c71b8d3',
  environment: 'sk-environment-canary-77c1b9e5a2',
  database: 'database-canary-5d0b6e91',
  redis: 'redis-canary-c2a84f13',
  webhook: 'webhook-canary-9e8d7c6b5a',
  master: masterKey,
  app: '',
}
/** What is kept on purpose: were it not found, the search would find nothing at all. */
const asked = 'a question that is kept'

describeWith(['postgres', 'redis'], 'what nobody may read', () => {
  let postgres: Postgres
  let redis: Redis
  let upstream: FaultyUpstream
  let hook: Server
  let node: ClusterNode
  let rows: Rows
  let url: string
  const posts: { readonly text: string; readonly signature: string | undefined }[] = []
  const answers: string[] = []

  beforeAll(async () => {
    ;[postgres, redis, upstream] = await Promise.all([
      startPostgres(),
      startRedis(['--requirepass', secrets.redis, '--rdbcompression', 'no']),
      startFaultyUpstream(['m', 's']),
    ])
    hook = createServer(async (request, response) => {
      const text = Buffer.concat(await request.toArray()).toString()
      posts.push({ text, signature: request.headers['x-parley-signature'] as string | undefined })
      response.end()
    })
    await new Promise<void>(resolve => hook.listen(0, '127.0.0.1', resolve))
    url = await postgres.createDatabase()
    const opened = new URL(url)
    // The server trusts whoever comes from this machine: what is said of the password is what counts.
    opened.password = secrets.database
    rows = await openRows({ url })
    const id = systemRandom.uuid()
    await rows.store.providers.create({
      ...{ id, name: 'stored', type: 'api', provider: 'openai-compatible' },
      config: { url: upstream.url, models: ['s'] },
      ...{ secret: rows.sealer.seal(secrets.stored, `provider:${id}`), secretTail: secrets.stored.slice(-4) },
    })
    const upstreams = [{ name: 'plain', url: upstream.url, models: ['m'], keyEnv: 'UPSTREAM_KEY' }]
    node = await startClusterNode({
      env: {
        PARLEY_STORE_URL: opened.href,
        PARLEY_REDIS_URL: `redis://:${secrets.redis}@127.0.0.1:${redis.port}`,
        PARLEY_UPSTREAMS: JSON.stringify(upstreams),
        UPSTREAM_KEY: secrets.environment,
        PARLEY_LOG_LEVEL: 'debug',
        PARLEY_ARCHIVE_ENABLED: 'true',
        PARLEY_CACHE_SCOPE: 'own',
        PARLEY_ALERTS_WEBHOOK_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`,
        PARLEY_ALERTS_WEBHOOK_SECRET: secrets.webhook,
        PARLEY_ALERTS_WEBHOOK_PRIVATE: 'true',
        PARLEY_ALERTS_RULES: JSON.stringify([{ metric: 'error_rate', threshold: 5, minimum: 5 }]),
      },
    })
    secrets.app = (await rows.makeKey({ name: 'app', rpm: 10_000 })).secret
  })
  afterAll(async () => {
    await rows?.close()
    await node?.remove()
    hook?.close()
    await Promise.all([redis?.close(), postgres?.remove(), upstream?.stop()])
  })

  const faults = [echo(401), echo(500), echo(400), echo(429), cut('rst'), failInStream(oops(500).error), whole()]

  const traffic = async () => {
    upstream.always(asked => faults[Number(/fault (\d)/.exec(String(asked.hit.raw))?.[1] ?? faults.length - 1)]!(asked))
    const all = ['m', 's'].flatMap(model =>
      faults.flatMap((_, at) => [false, true].map(stream => ({ model, stream, prompt: `fault ${at} ${stream}` }))),
    )
    const one = async (wish: (typeof all)[number]) => {
      const answer = await ask(node.origin, secrets.app, wish)
      const said = await answer.text().catch(() => 'broken off')
      answers.push(said + JSON.stringify([...answer.headers]))
    }
    await Promise.all(all.map(one))
    for (const model of ['m', 's']) await (await ask(node.origin, secrets.app, { model, prompt: asked })).text()
  }

  test('is in no dump, log, page, error or alert after a run with faults', { timeout: 60_000 }, async () => {
    await traffic()
    const used = new Set(upstream.hits.map(({ headers }) => headers.authorization))
    expect(used).toEqual(new Set([`Bearer ${secrets.stored}`, `Bearer ${secrets.environment}`]))
    await waitUntil('an alert is posted', () => posts.length > 0)
    const { text, signature } = posts[0]!
    expect(signature).toBe(`sha256=${createHmac('sha256', secrets.webhook).update(text).digest('hex')}`)
    // Its Redis goes away and comes back, and so does its database: failures of both are told.
    await redis.stop()
    await postgres.stop('immediate')
    await (await ask(node.origin, secrets.app, { prompt: 'fault 0 without either' })).text()
    await Promise.all([postgres.start(), redis.start()])
    await waitUntil('both are used again', () => linesOf(node.log(), 'service.recovered', 'redis').length > 0)
    for (const model of ['m', 's']) {
      await (await ask(node.origin, secrets.app, { model, prompt: `${asked}, again` })).text()
    }
    const dumped = async () => execFileSync(join(postgresBinaries!, 'pg_dump'), [url], { encoding: 'utf8' })
    await waitUntil('rows are written', async () => (await dumped()).includes(`${asked}, again`))
    const places = {
      database: await dumped(),
      redis: await dumpOf(redis),
      log: node.log(),
      metrics: await pageOf('/metrics'),
      status: await pageOf('/api/status'),
      answers: answers.join('\n'),
      alerts: posts.map(post => post.text).join('\n'),
      files: filesIn(node.home),
    }
    expect(places.database).toContain(asked)
    expect(places.redis).toContain('"Hello"')
    expect(places.log).toContain('"level":"debug"')
    expect(places.metrics).toContain('parley_requests_total')
    const found = Object.entries(places).flatMap(([place, said]) =>
      Object.entries(secrets).flatMap(([name, secret]) => (said.includes(secret) ? [`${name} in ${place}`] : [])),
    )
    expect(found).toEqual([])
  })

  async function pageOf(path: string): Promise<string> {
    const answer = await fetch(`${node.origin}${path}`, { headers: { authorization: `Bearer ${node.token}` } })
    expect(answer.status).toBe(200)
    return await answer.text()
  }
})

/** Every key with its value as Redis would move it to another server. */
async function dumpOf({ port }: Redis): Promise<string> {
  const client = createClient({ url: `redis://:${secrets.redis}@127.0.0.1:${port}` })
  await client.connect()
  try {
    const names = await client.keys('*')
    const values = await Promise.all(
      names.map(name => client.sendCommand<Buffer>(['DUMP', name], { typeMapping: { 36: Buffer } })),
    )
    return names.map((name, at) => `${name} ${values[at]?.toString('latin1')}`).join('\n')
  } finally {
    client.destroy()
  }
}

function filesIn(home: string): string {
  const paths = readdirSync(home, { recursive: true, encoding: 'utf8' }).map(name => join(home, name))
  const files = paths.filter(path => statSync(path, { throwIfNoEntry: false })?.isFile())
  return files.map(path => readFileSync(path, 'latin1')).join('\n')
}
