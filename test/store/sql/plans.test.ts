import { expect, test, vi } from 'vitest'
import type { RequestFilter } from '../../../src/core/index.ts'
import { ask } from '../../postgres.ts'
import { noon } from './calls.ts'
import { onPostgres } from './stage.ts'

const hourMs = 3_600_000
const rows = 30_000

/** Thirty days, in which most calls went well. */
const fill = `insert into requests
  select 'id-' || at, to_timestamp(${noon / 1_000} - at * ${(30 * 24 * 3_600) / rows}), '/v1/' || at % 4, null,
    'provider-' || at % 5, 'model-' || at % 7, null, case when at % 20 = 0 then 500 else 200 end, null,
    at % 3000, null, 10, 10, 0.001, null, 'key-' || at % 50, 'user-' || at % 10, 'project-' || at % 9, 'miss', false,
    false, '[]', '{}', '{}' from generate_series(1, ${rows}) at`

onPostgres('requests', stage => {
  test('no filter, page or sum reads the whole table', async () => {
    const place = (await stage.place()) as { url: string }
    const store = await stage.open(place)
    await ask(place.url, fill)
    await store.recount()
    await store.close()
    await ask(place.url, 'analyze')
    const before = await scansOf(place.url)
    const { requests, close } = await stage.open(place)
    const day = { from: noon - 50 * hourMs + 5, to: noon - 26 * hourMs }
    const filters: readonly RequestFilter[] = [
      {},
      { provider: 'provider-1' },
      { endpoint: '/v1/2' },
      { model: 'model-3' },
      { status: [200, 200] },
      { status: [500, 599] },
      { keyId: 'key-9' },
      { project: 'project-4' },
      { userId: 'user-3' },
      day,
      { from: noon - 400 * hourMs },
      { to: noon - 400 * hourMs },
      { ...day, provider: 'provider-2', endpoint: '/v1/2', status: [200, 299] },
    ]
    for (const filter of filters) {
      const { total } = await requests.list(filter, { page: 1, limit: 50 })
      expect(total).toBeGreaterThan(0)
      for (const page of [1, Math.ceil(total / 50), 1_000]) await requests.list(filter, { page, limit: 50 })
    }
    const range = { from: noon - 720 * hourMs + 7, to: noon - 7 }
    for (const groupBy of ['hour', 'day', 'week', 'month'] as const) await requests.stats({ ...range, groupBy })
    await requests.stats({ ...range, groupBy: 'day', timeZone: 'Asia/Kolkata' })
    await requests.shares({ ...range, endpoint: '/v1/1' }, 'model', 5)
    await requests.removeBefore(noon - 719 * hourMs, 100)
    await close()
    // A connection reports what it did when it ends.
    await vi.waitFor(async () => expect((await scansOf(place.url)).byIndex).toBeGreaterThan(before.byIndex + 50))
    expect((await scansOf(place.url)).whole).toBe(before.whole)
  })
})

async function scansOf(url: string): Promise<{ whole: number; byIndex: number }> {
  const [row] = await ask(url, `select seq_scan, idx_scan from pg_stat_user_tables where relname = 'requests'`)
  return { whole: Number(row!.seq_scan), byIndex: Number(row!.idx_scan) }
}
