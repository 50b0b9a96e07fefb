import { parseArgs } from 'node:util'
import { type RequestFilter, systemClock, systemRandom } from '../../src/core/index.ts'
import { openStore, type SqlStore } from '../../src/store/index.ts'
import { ask, startPostgres } from '../../test/postgres.ts'

const hourMs = 3_600_000
const days = 30
const runs = 20
const targetsMs = { list: 200, deep: 500, stats: 300 }

/**
 * Measures what the management API asks of a PostgreSQL that holds the requests of a month: one of its own that is filled
 * first, or one that was filled before.
 */
async function bench(rows: number, url: string | undefined): Promise<boolean> {
  const server = url === undefined ? await startPostgres() : undefined
  const place = { url: url ?? (await server!.createDatabase()) }
  const store = await openStore(place, { clock: systemClock, random: systemRandom })
  try {
    if (server !== undefined) await prepare(store, place.url, rows)
    const [sizes] = await ask(
      place.url,
      `select (select count(*) from stats_hourly) as sums, (select count(*) from stats_hourly_keys) as sums_by_key,
       pg_size_pretty(pg_total_relation_size('requests')) as requests, floor(extract(epoch from max(timestamp))) as newest
       from requests`,
    )
    console.log(sizes)
    const now = Math.ceil((Number(sizes!.newest) * 1_000) / hourMs) * hourMs
    const lines = [...(await lists(store, rows, now)), ...(await sums(store, now))]
    return lines.every(({ p95, target }) => p95 <= target)
  } finally {
    await store.close()
    await server?.remove()
  }
}

async function prepare(store: SqlStore, url: string, rows: number): Promise<void> {
  const now = Math.floor(Date.now() / hourMs) * hourMs
  await took(`fill ${rows} rows`, () => ask(url, fill(rows, now)))
  await took('count the sums', () => store.recount())
  await ask(url, 'vacuum analyze')
}

interface Line {
  readonly name: string
  readonly p50: number
  readonly p95: number
  readonly target: number
}

async function lists({ requests }: SqlStore, rows: number, now: number): Promise<Line[]> {
  const day = { from: now - 10 * 24 * hourMs + 1_234, to: now - 9 * 24 * hourMs + 5_678 }
  const filters: readonly RequestFilter[] = [
    {},
    { provider: 'provider-1' },
    { endpoint: '/v1/embeddings' },
    { endpoint: '/v1/chat/completions' },
    { status: [200, 200] },
    { status: [500, 500] },
    { status: [400, 599] },
    { from: now - 15 * 24 * hourMs },
    { to: now - 15 * 24 * hourMs },
    day,
    { ...day, provider: 'provider-2', status: [500, 500] },
    { provider: 'provider-0', endpoint: '/v1/embeddings', status: [429, 429] },
    { provider: 'provider-4', endpoint: '/v1/images/generations', status: [500, 599] },
    { keyId: 'key-7' },
    { project: 'project-3', model: 'model-1' },
    { userId: 'user-3' },
  ]
  const lines: Line[] = []
  for (const filter of filters) {
    const list = (page: number, limit: number) => () => requests.list(filter, { page, limit })
    const { total } = await list(1, 50)()
    const name = `${JSON.stringify(filter)} of ${total}`
    lines.push(await measure(`list ${name}`, targetsMs.list, list(1, 50)))
    const last = Math.max(1, Math.ceil(total / 50))
    lines.push(await measure(`  middle page`, targetsMs.deep, list(Math.ceil(last / 2), 50)))
    lines.push(await measure(`  last page`, targetsMs.deep, list(last, 50)))
    lines.push(await measure(`  page past the end`, targetsMs.deep, list(last + 1, 50)))
  }
  lines.push(await measure(`list 1,000 of ${rows}`, targetsMs.list, () => requests.list({}, { page: 3, limit: 1_000 })))
  return lines
}

async function sums({ requests }: SqlStore, now: number): Promise<Line[]> {
  const range = { from: now - days * 24 * hourMs + 777_777, to: now - 888_888 }
  const lines: Line[] = []
  for (const groupBy of ['hour', 'day', 'week', 'month'] as const) {
    for (const filter of [{}, { provider: 'provider-1' }, { endpoint: '/v1/embeddings' }, { keyId: 'key-7' }]) {
      const query = { ...range, ...filter, groupBy, timeZone: 'Europe/Berlin' }
      const name = `stats by ${groupBy} ${JSON.stringify(filter)}`
      lines.push(await measure(name, targetsMs.stats, () => requests.stats(query)))
    }
  }
  const offset = { ...range, groupBy: 'day', timeZone: 'Asia/Kolkata' } as const
  lines.push(await measure('stats by day of Kolkata', targetsMs.stats, () => requests.stats(offset)))
  lines.push(await measure('shares by model', targetsMs.stats, () => requests.shares(range, 'model', 10)))
  lines.push(await measure('shares by key', targetsMs.stats, () => requests.shares(range, 'keyId', 10)))
  return lines
}

async function measure(name: string, target: number, work: () => Promise<unknown>): Promise<Line> {
  const times: number[] = []
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  times.sort((one, other) => one - other)
  const [p50, p95] = [times[Math.floor(runs / 2)]!, times[Math.ceil(runs * 0.95) - 1]!]
  const verdict = p95 <= target ? 'ok  ' : 'MISS'
  console.log(`${verdict} ${name}: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms (${target} ms)`)
  return { name, p50, p95, target }
}

async function took(what: string, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now()
  await work()
  console.log(`${what}: ${((performance.now() - start) / 1_000).toFixed(1)} s`)
}

/** Most calls are chats that went well; keys belong to projects, models to endpoints. */
function fill(rows: number, now: number): string {
  return `insert into requests
    select gen_random_uuid()::text, to_timestamp(${now / 1_000} - random() * ${days * 24 * 3_600}), endpoint, null,
      'provider-' || floor(power(random(), 2) * 6), model, model,
      case when chance < 0.95 then 200 when chance < 0.97 then 429 when chance < 0.99 then 500 else 400 end, null,
      floor(random() * 5000), floor(random() * 500), floor(random() * 2000), floor(random() * 500), random() / 100, null,
      'key-' || key, 'user-' || key % 50, 'project-' || key % 20, 'miss', true, false,
      '[{"provider":"provider-1","status":200,"ms":512}]', '{"temperature":0.7,"max_tokens":512,"messages":3}',
      '{"finish_reason":"stop","usage":{"prompt_tokens":100,"completion_tokens":200}}'
    from (
      select random() as chance, floor(power(random(), 2) * 200)::int as key,
        (array['/v1/chat/completions', '/v1/chat/completions', '/v1/chat/completions', '/v1/embeddings',
          '/v1/completions', '/v1/images/generations'])[1 + at % 6] as endpoint,
        'model-' || (at % 6 * 2 + floor(random() * 2)) as model
      from generate_series(1, ${rows}) at
    ) as calls`
}

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, url: { type: 'string' } },
})
process.exitCode = (await bench(Number(values.rows), values.url)) ? 0 : 1
