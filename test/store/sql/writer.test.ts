import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RequestRecord } from '../../../src/core/index.ts'
import { ParleyError, sleep } from '../../../src/core/index.ts'
import {
  createSweeper,
  createWriter,
  type RecordWriter,
  type SqlStore,
  type StorePlace,
  sweep,
  type WriterNews,
  type WriterOptions,
} from '../../../src/store/index.ts'
import { archived, call, noon } from './calls.ts'
import { onBoth, onPostgres } from './stage.ts'

const dayMs = 24 * 3_600_000
const withinMs = { timeout: 15_000, interval: 20 }
const all = { page: 1, limit: 1 }

let folder: string
const writers: RecordWriter[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-writer-'))
})
afterEach(async () => {
  await Promise.all(writers.splice(0).map(writer => writer.close(1_000)))
  rmSync(folder, { recursive: true, force: true })
})

function writing(store: WriterOptions['store'], more: Partial<WriterOptions> = {}) {
  const news: WriterNews[] = []
  const tell = (one: WriterNews) => void news.push(one)
  const writer = createWriter({ store, spool: { folder }, retryMaxMs: 200, tell, ...more })
  writers.push(writer)
  return { writer, news }
}

const record = (at: number) => archived(call({ timestamp: noon + at }), `question ${at}`, `answer ${at}`)
const log = (id: string) =>
  ({ id, timestamp: noon, level: 'info', component: 'a', message: id, requestId: null, fields: {} }) as const

/** Rows, their sums and their texts; they must agree. */
async function counts(store: SqlStore): Promise<{ rows: number; sums: number; texts: number }> {
  const { total } = await store.requests.stats({ from: noon - dayMs, to: Date.now() + 400 * dayMs, groupBy: 'month' })
  const [rows, texts] = [await store.requests.list({}, all), await store.archive.list({}, all)]
  return { rows: rows.total, sums: total.requests, texts: texts.total }
}

const agreeing = (count: number) => ({ rows: count, sums: count, texts: count })

/** The store, but away or slow when told so: what a network does between a node and its database. */
function reached(store: SqlStore) {
  const link = { isAway: false, delayMs: 0, writes: 0, losesAnswers: false }
  const over = async (write: () => Promise<void>) => {
    link.writes++
    if (link.isAway) throw new ParleyError('store_unavailable', 'away')
    if (link.delayMs > 0) await sleep(link.delayMs)
    await write()
    if (link.losesAnswers) throw new ParleyError('store_unavailable', 'the answer got lost')
  }
  const requests = {
    ...store.requests,
    write: (batch: readonly RequestRecord[]) => over(() => store.requests.write(batch)),
  }
  const logs: SqlStore['logs'] = { ...store.logs, write: batch => over(() => store.logs.write(batch)) }
  return { link, store: { requests, logs } }
}

onBoth('the writer', stage => {
  test('brings rows over in batches, within a moment, and all of them at the end', async () => {
    const store = await stage.open()
    const through = reached(store)
    const { writer, news } = writing(through.store)
    for (let at = 0; at < 120; at++) writer.putRequest(record(at))
    writer.putLog(log('one'))
    await vi.waitFor(async () => expect(await counts(store)).toEqual(agreeing(120)), withinMs)
    for (let at = 120; at < 130; at++) writer.putRequest(record(at))
    await writer.close()
    expect(await counts(store)).toEqual(agreeing(130))
    expect((await store.logs.list({}, all)).total).toBe(1)
    expect(writer.status()).toEqual({ queued: 0, spooledBytes: 0, written: 131, dropped: 0, isStoreAway: false })
    expect(through.link.writes).toBeLessThan(10)
    expect(news).toEqual([])
    writer.putRequest(record(131))
    expect(writer.status().dropped).toBe(1)
  })

  test('over an absence of the database nothing is lost, doubled or out of order', async () => {
    const store = await stage.open()
    const through = reached(store)
    const { writer, news } = writing(through.store)
    through.link.isAway = true
    for (let at = 0; at < 300; at++) {
      writer.putRequest(record(at))
      if (at % 60 === 0) await sleep(20)
    }
    await writer.flush()
    expect(writer.status()).toMatchObject({ queued: 0, written: 0, isStoreAway: true })
    expect(writer.status().spooledBytes).toBeGreaterThan(0)
    through.link.isAway = false
    for (let at = 300; at < 400; at++) writer.putRequest(record(at))
    await vi.waitFor(async () => expect(await counts(store)).toEqual(agreeing(400)), withinMs)
    await vi.waitFor(() => expect(writer.status()).toMatchObject({ spooledBytes: 0, isStoreAway: false }), withinMs)
    expect(news).toEqual([{ type: 'store.lost' }, { type: 'store.back' }])
  })

  test('a batch that was written but never acknowledged is there once', async () => {
    const store = await stage.open()
    const through = reached(store)
    const { writer } = writing(through.store)
    through.link.losesAnswers = true
    for (let at = 0; at < 80; at++) writer.putRequest(record(at))
    await writer.flush()
    through.link.losesAnswers = false
    await vi.waitFor(() => expect(writer.status().spooledBytes).toBe(0), withinMs)
    expect(await counts(store)).toEqual(agreeing(80))
  })

  test('a database that is slow holds nothing back: rows are soon on disk and once in the database', async () => {
    const store = await stage.open()
    const through = reached(store)
    const { writer } = writing(through.store, { slowMs: 50 })
    through.link.delayMs = 3_000
    const start = performance.now()
    for (let at = 0; at < 100; at++) writer.putRequest(record(at))
    await writer.flush()
    expect(performance.now() - start).toBeLessThan(2_500)
    expect(writer.status().spooledBytes).toBeGreaterThan(0)
    through.link.delayMs = 0
    await vi.waitFor(() => expect(writer.status().spooledBytes).toBe(0), withinMs)
    expect(await counts(store)).toEqual(agreeing(100))
  })

  test('a row the database refuses goes alone', async () => {
    const store = await stage.open()
    const { writer, news } = writing(store)
    for (let at = 0; at < 20; at++) writer.putRequest(record(at))
    writer.putRequest({ request: call({ cache: 'never' as 'hit' }) })
    writer.putLog({ ...log('bad'), level: 'loud' as 'info' })
    writer.putLog(log('good'))
    await writer.flush()
    expect(await counts(store)).toEqual(agreeing(20))
    expect((await store.logs.list({}, all)).total).toBe(1)
    expect(news).toEqual(Array.from({ length: 2 }, () => ({ type: 'rows.dropped', count: 1, why: 'refused' })))
  })

  test('what fits neither in memory nor on disk is dropped and counted, and the rest arrives', async () => {
    const store = await stage.open()
    const through = reached(store)
    const { writer, news } = writing(through.store, { spool: { folder, maxBytes: 60_000 }, batchRows: 10 })
    through.link.isAway = true
    for (let at = 0; at < 300; at++) {
      writer.putRequest(record(at))
      if (at % 10 === 9) await writer.flush()
    }
    const { dropped, spooledBytes } = writer.status()
    expect(spooledBytes).toBeLessThanOrEqual(60_000)
    expect(dropped).toBeGreaterThan(0)
    through.link.isAway = false
    await vi.waitFor(() => expect(writer.status().spooledBytes).toBe(0), withinMs)
    expect(await counts(store)).toEqual(agreeing(300 - dropped))
    expect(news.reduce((sum, one) => sum + (one.type === 'rows.dropped' ? one.count : 0), 0)).toBe(dropped)
    const small = writing(through.store, { queueMaxBytes: 10_000, spool: { folder: join(folder, 'small') } })
    for (let at = 300; at < 400; at++) small.writer.putRequest(record(at))
    expect(small.writer.status().dropped).toBeGreaterThan(90)
  })

  test('a close that cannot wait leaves the rows on disk for the next start', async () => {
    const store = await stage.open()
    const through = reached(store)
    const { writer } = writing(through.store, { slowMs: 60_000 })
    through.link.delayMs = 3_000
    for (let at = 0; at < 70; at++) writer.putRequest(record(at))
    const start = performance.now()
    await writer.close(100)
    expect(performance.now() - start).toBeLessThan(2_500)
    through.link.delayMs = 0
    const next = writing(through.store)
    await vi.waitFor(() => expect(next.writer.status().spooledBytes).toBe(0), withinMs)
    expect(await counts(store)).toEqual(agreeing(70))
  })

  test('a process that is killed loses what came in its last second at most, and nothing is there twice', async () => {
    const place = await stage.place()
    const store = await stage.open(place)
    const [said, killedAt] = await runUntilKilled(place, folder, 1_500)
    const safe = said.filter(({ at }) => at < killedAt - 1_000)
    expect(safe.length).toBeGreaterThan(20)
    const { writer } = writing(store)
    await vi.waitFor(() => expect(writer.status().spooledBytes).toBe(0), withinMs)
    for (const { id } of safe) expect(await store.requests.get(id)).toBeDefined()
    const { rows, sums, texts } = await counts(store)
    expect([rows, sums, texts]).toEqual([rows, rows, rows])
    expect(rows).toBeLessThanOrEqual(said.length + 1)
  })
})

onPostgres('the writer', stage => {
  test('a server that is stopped and started again under load costs no row', async () => {
    const place = await stage.place()
    const store = await stage.open(place)
    const { writer, news } = writing(store)
    const loading = new AbortController()
    let put = 0
    const load = (async () => {
      while (!loading.signal.aborted) {
        writer.putRequest(record(put++))
        await sleep(3)
      }
    })()
    await sleep(300)
    for (const how of ['immediate', 'fast'] as const) {
      await stage.server().stop(how)
      await vi.waitFor(() => expect(writer.status().isStoreAway).toBe(true), withinMs)
      await sleep(300)
      await stage.server().start()
      await vi.waitFor(() => expect(writer.status().isStoreAway).toBe(false), withinMs)
    }
    loading.abort()
    await load
    await writer.flush()
    await vi.waitFor(() => expect(writer.status().spooledBytes).toBe(0), withinMs)
    expect(put).toBeGreaterThan(200)
    expect(await counts(store)).toEqual(agreeing(put))
    expect(writer.status().dropped).toBe(0)
    expect(news.map(({ type }) => type)).toContain('store.back')
    expect(readdirSync(folder)).toEqual([])
  })
})

onBoth('the sweeper', stage => {
  test('deletes what is too old in small batches, and nothing else', async () => {
    const store = await stage.open()
    const times = Array.from({ length: 60 }, (_, at) => noon - at * dayMs)
    await store.requests.write(times.map(timestamp => archived(call({ timestamp }), 'q', 'a')))
    await store.logs.write(times.map((timestamp, at) => ({ ...log(`l${at}`), timestamp })))
    const retention = () => ({ archiveDays: 9.5, requestDays: 29.5 })
    const options = { store, clock: stage.clock, retention, batchRows: 7, pauseMs: 1 }
    const swept = await sweep(options, new AbortController().signal)
    expect(swept).toEqual({ archive: 50, requests: 30, logs: 0, sessions: 0, chats: 0 })
    expect((await store.archive.list({}, all)).total).toBe(10)
    expect((await store.requests.list({}, all)).total).toBe(30)
    expect((await store.logs.list({}, all)).total).toBe(60)
  })

  test('goes on by itself until it is stopped, also after a failure', async () => {
    const store = await stage.open()
    const errors: string[] = []
    let isBroken = true
    const service = createSweeper({
      store: { ...store, logs: { ...store.logs, removeBefore: async () => breaking(isBroken) } },
      clock: stage.clock,
      retention: () => ({ logDays: 1 }),
      everyMs: 20,
      failed: ({ code }) => errors.push(code),
    })
    await service.start(new AbortController().signal)
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1), withinMs)
    isBroken = false
    await sleep(60)
    const before = errors.length
    await sleep(100)
    expect(errors).toHaveLength(before)
    await service.stop()
  })
})

function breaking(isBroken: boolean): number {
  if (isBroken) throw new ParleyError('store_unavailable', 'away')
  return 0
}

async function runUntilKilled(place: StorePlace, spool: string, afterMs: number) {
  const script = fileURLToPath(new URL('../writer-child.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify([place, spool])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString()
  })
  await vi.waitFor(() => expect(text).not.toBe(''), withinMs)
  await sleep(afterMs)
  const killedAt = Date.now()
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  const said = text.split('\n').filter(line => line.length === 50)
  return [said.map(line => ({ at: Number(line.split(' ')[0]), id: line.split(' ')[1]! })), killedAt] as const
}
