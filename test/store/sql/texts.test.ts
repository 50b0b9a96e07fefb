import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { LogFilter, LogRow } from '../../../src/core/index.ts'
import type { StorePlace } from '../../../src/store/index.ts'
import { ask } from '../../postgres.ts'
import { archived, call, noon } from './calls.ts'
import { onBoth } from './stage.ts'

const first = { page: 1, limit: 10 }
const line = (id: string, more: Partial<LogRow> = {}): LogRow => ({
  id,
  timestamp: noon,
  level: 'info',
  component: 'http',
  message: 'hello',
  requestId: null,
  fields: {},
  ...more,
})

onBoth('texts', stage => {
  test('an archived call has its words, whatever they are', async () => {
    const { requests, archive } = await stage.open()
    const words = `{"a": "\\u0000 'quoted' %_ \r\n\t 日本語 ünï 👩‍👩‍👧 ${'x'.repeat(1_000_000)}"}`
    const record = archived(call(), words, '')
    await requests.write([record])
    expect(await archive.get(record.request.id)).toEqual(record.archive)
    expect(await archive.list({}, first)).toEqual({ rows: [record.archive], total: 1 })
    await archive.remove(record.request.id)
    expect(await archive.get(record.request.id)).toBeUndefined()
    expect(await requests.get(record.request.id)).toEqual(record.request)
  })

  test('old texts go with their answers, newer ones stay', async () => {
    const { requests, archive } = await stage.open()
    const records = Array.from({ length: 30 }, (_, at) => archived(call({ timestamp: noon + at }), `${at}?`, `${at}!`))
    await requests.write(records)
    expect(await archive.removeBefore(noon + 20, 15)).toBe(15)
    expect(await archive.removeBefore(noon + 20, 15)).toBe(5)
    expect(await archive.removeBefore(noon + 20, 15)).toBe(0)
    const { rows, total } = await archive.list({ from: noon, to: noon + 29 }, first)
    expect(total).toBe(9)
    expect(rows.map(({ response }) => response.content)).toEqual(
      [28, 27, 26, 25, 24, 23, 22, 21, 20].map(at => `${at}!`),
    )
  })

  test('no answer stands without what was asked', async () => {
    const place = await stage.place()
    const { requests, archive } = await stage.open(place)
    const records = Array.from({ length: 5 }, (_, at) => archived(call({ timestamp: noon + at }), `${at}?`, `${at}!`))
    await requests.write(records)
    await archive.removeBefore(noon + 3, 10)
    const orphan = `insert into responses (id, input_id, content, status, is_partial, timestamp)
      select 'orphan', 'nobody', content, status, is_partial, timestamp from responses limit 1`
    const run = (statement: string) => rowsOf(place, statement)
    expect(await run('select count(*) as count from responses')).toEqual(await run('select 2 as count'))
    await expect(run(orphan)).rejects.toThrow(/foreign key/i)
  })

  test('each filter of the log is exact', async () => {
    const { logs } = await stage.open()
    const rows = [
      line('a', { level: 'error', message: 'a 50% loss', fields: { ms: 1.5 } }),
      line('b', { component: 'router', message: 'snake_case', timestamp: noon + 1 }),
      line('c', { requestId: 'r', message: 'snakeXcase \\ "quoted" \'single\'', timestamp: noon + 2 }),
      line('d', { level: 'warn', message: 'a 50 loss; [a-z]+ drop table logs;--', timestamp: noon + 3 }),
      line('e', { message: 'MiXed Case 日本語', timestamp: noon + 4 }),
    ]
    await logs.write(rows)
    await logs.write(rows.slice(2))
    const found = async (filter: LogFilter) => (await logs.list(filter, first)).rows.map(({ id }) => id).join('')
    expect(await logs.list({}, { page: 2, limit: 2 })).toEqual({ rows: [rows[2], rows[1]], total: 5 })
    expect(await found({ level: 'error' })).toBe('a')
    expect(await found({ component: 'router' })).toBe('b')
    expect(await found({ requestId: 'r' })).toBe('c')
    expect(await found({ from: noon + 1, to: noon + 3 })).toBe('cb')
    const searches = { '50%': 'a', e_c: 'b', '\\': 'c', '"quoted"': 'c', "'single'": 'c', '[a-z]+': 'd', '50': 'da' }
    for (const [search, ids] of Object.entries(searches))
      expect([search, await found({ search })]).toEqual([search, ids])
    expect(await found({ search: 'mixed CASE' })).toBe('e')
    expect(await found({ search: '日本' })).toBe('e')
    expect(await found({ search: 'loss', level: 'warn' })).toBe('d')
    expect(await logs.removeBefore(noon + 2, 100)).toBe(2)
    expect(await found({})).toBe('edc')
  })

  test('counting stops where nobody turns pages any more', async () => {
    const { logs } = await stage.open()
    await logs.write(Array.from({ length: 10_050 }, (_, at) => line(`l${String(at).padStart(5, '0')}`)))
    expect(await logs.list({}, { page: 1_005, limit: 10 })).toMatchObject({ total: 10_000, hasMore: true })
    expect((await logs.list({}, { page: 1_005, limit: 10 })).rows).toHaveLength(10)
    expect(await logs.list({}, { page: 1_006, limit: 10 })).toMatchObject({ rows: [] })
  })
})

async function rowsOf(place: StorePlace, statement: string): Promise<Record<string, number>[]> {
  const rows = 'url' in place ? await ask(place.url, statement) : rowsOfFile(place.path, statement)
  return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])))
}

function rowsOfFile(path: string, statement: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path)
  try {
    return database.prepare(statement).all()
  } finally {
    database.close()
  }
}
