import { expect, test } from 'vitest'
import type { NodeEvent } from '../../src/core/index.ts'
import { createMetrics, type Metrics, type Sightings } from '../../src/telemetry/index.ts'
import { attempted, ended, failed, logged, started } from './events.ts'
import { parsePage, sumOf } from './prometheus.ts'

const sightings: Sightings = { version: '1.2.3', providers: () => [], alertsFiring: () => 0, logLinesDropped: () => 0 }

function watching(more: Partial<Sightings> = {}): Metrics {
  return createMetrics({ ...sightings, ...more })
}

function feed({ watch }: Metrics, ...events: NodeEvent[]) {
  for (const event of events) watch(logged(event))
}

const pageOf = async (metrics: Metrics) => parsePage((await metrics.page()).text)

test('each call is counted once, by how it ended', async () => {
  const metrics = watching()
  for (let i = 0; i < 70; i++) feed(metrics, started(), ended())
  for (let i = 0; i < 20; i++)
    feed(metrics, started({ task: 'embedding' }), ended({ task: 'embedding', servedBy: 'other-up' }))
  for (let i = 0; i < 10; i++) feed(metrics, started(), failed())
  const page = await pageOf(metrics)
  expect(sumOf(page, 'parley_requests_total')).toBe(100)
  expect(sumOf(page, 'parley_requests_total', { provider: 'up', model: 'small', task: 'chat', status: '2xx' })).toBe(70)
  expect(sumOf(page, 'parley_requests_total', { provider: 'other-up', code: 'ok' })).toBe(20)
  expect(sumOf(page, 'parley_requests_total', { status: '5xx', code: 'backend_failed' })).toBe(10)
  expect(sumOf(page, 'parley_request_duration_seconds_count')).toBe(90)
  expect(sumOf(page, 'parley_request_duration_seconds_bucket', { provider: 'up', le: '1' })).toBe(70)
  expect(sumOf(page, 'parley_request_duration_seconds_bucket', { provider: 'up', le: '0.5' })).toBe(0)
  expect(sumOf(page, 'parley_request_duration_seconds_sum', { provider: 'up' })).toBeCloseTo(63)
  expect(sumOf(page, 'parley_time_to_first_chunk_seconds_bucket', { provider: 'up', le: '0.25' })).toBe(70)
  expect(sumOf(page, 'parley_time_per_output_token_seconds_sum')).toBeCloseTo(90 * 0.1)
  expect(sumOf(page, 'parley_overhead_seconds_count')).toBe(90)
  expect(sumOf(page, 'parley_requests_in_flight')).toBe(0)
})

test('tokens and cost are added up, those of a call that broke off too', async () => {
  const metrics = watching()
  feed(metrics, ended({ cost: 40n }), ended({ cost: 2n }), failed({ tokensIn: 7, tokensOut: 3 }))
  feed(metrics, failed({ tokensIn: 1, tokensOut: 1, code: 'cancelled' }))
  const page = await pageOf(metrics)
  expect(sumOf(page, 'parley_tokens_total', { type: 'input', provider: 'up' })).toBe(20)
  expect(sumOf(page, 'parley_tokens_total', { type: 'output', provider: 'up' })).toBe(16)
  expect(sumOf(page, 'parley_tokens_total', { type: 'output', provider: 'none' })).toBe(4)
  expect(sumOf(page, 'parley_cost_units_total')).toBe(42)
})

test('what runs is counted until it ends, whatever its end', async () => {
  const metrics = watching()
  feed(metrics, started(), started({ id: 'call-0002' }), started({ id: 'call-0003', task: 'image' }))
  expect(sumOf(await pageOf(metrics), 'parley_requests_in_flight')).toBe(3)
  feed(metrics, failed({ code: 'cancelled' }), ended({ id: 'call-0002' }), failed({ id: 'call-0003', task: 'image' }))
  expect(sumOf(await pageOf(metrics), 'parley_requests_in_flight')).toBe(0)
})

test('attempts, retries, fallbacks and second targets are counted', async () => {
  const metrics = watching()
  const hedge = { type: 'call.hedged', id: 'call-0001', model: 'small', first: 'a', second: 'b', afterMs: 9 } as const
  feed(metrics, attempted('a'), attempted('a', 2), attempted('b', 3, { code: 'timeout' }), ended({ attempts: 4 }))
  feed(metrics, ended({ servedModel: 'large' }))
  feed(metrics, { ...hedge, servedBy: 'b', stopped: undefined }, { ...hedge, servedBy: undefined, stopped: undefined })
  const page = await pageOf(metrics)
  expect(sumOf(page, 'parley_failed_attempts_total', { provider: 'a', code: 'backend_failed' })).toBe(2)
  expect(sumOf(page, 'parley_failed_attempts_total', { provider: 'b', code: 'timeout' })).toBe(1)
  expect(sumOf(page, 'parley_retries_total')).toBe(3)
  expect(sumOf(page, 'parley_fallbacks_total')).toBe(1)
  expect(sumOf(page, 'parley_hedges_total', { winner: 'second' })).toBe(1)
  expect(sumOf(page, 'parley_hedges_total', { winner: 'none' })).toBe(1)
})

test('money is counted by what moved', async () => {
  const metrics = watching()
  const receipt = { provider: '0xp', requestId: 'r', charge: 30n, cumulative: 30n }
  feed(
    metrics,
    { type: 'receipt.taken', ...receipt },
    { type: 'receipt.taken', ...receipt },
    { type: 'receipt.issued', ...receipt },
  )
  feed(metrics, { type: 'claim.sent', payers: 2, amount: 500n, transaction: '0x1' })
  const page = await pageOf(metrics)
  expect(sumOf(page, 'parley_events_total', { type: 'receipt.taken' })).toBe(2)
  expect(sumOf(page, 'parley_events_total', { type: 'claim.sent' })).toBe(1)
  expect(sumOf(page, 'parley_money_units_total', { kind: 'paid_by_receipt' })).toBe(60)
  expect(sumOf(page, 'parley_money_units_total', { kind: 'earned_by_receipt' })).toBe(30)
  expect(sumOf(page, 'parley_money_units_total', { kind: 'claimed' })).toBe(500)
})

test('rows that the store never got are counted', async () => {
  const metrics = watching()
  feed(metrics, { type: 'rows.dropped', count: 40, why: 'full' }, { type: 'rows.dropped', count: 2, why: 'full' })
  expect(sumOf(await pageOf(metrics), 'parley_rows_dropped_total', { why: 'full' })).toBe(42)
})

test('callers can be many, models and providers too: the series stay few, and every call is counted', async () => {
  const providers = Array.from({ length: 400 }, (_, at) => ({ name: `p${at}`, state: 'open' as const, running: 0 }))
  const metrics = watching({ providers: () => providers })
  for (let at = 0; at < 10_000; at++) {
    const who = { principal: at % 2 === 0 ? `key:user-${at}` : `peer:12D3KooW${at}`, model: `model-${at % 700}` }
    feed(metrics, started(who), ended({ ...who, servedBy: `p${at % 400}`, cost: 1n }))
    feed(metrics, attempted(`p${at % 400}`, 1, { code: at % 3 === 0 ? 'timeout' : 'backend_failed' }))
    const code = (['backend_failed', 'timeout', 'cancelled', 'overloaded', 'no_provider'] as const)[at % 5]!
    feed(metrics, started(who), failed({ ...who, code, tokensIn: 1, tokensOut: 1 }))
    feed(metrics, started(who), failed({ ...who, model: `made-up-${at}`, code: 'model_not_found' }))
  }
  const { text } = await metrics.page()
  const page = parsePage(text)
  expect(page.length).toBeLessThan(5_000)
  expect(text).not.toMatch(/user-|12D3KooW|made-up/)
  expect(sumOf(page, 'parley_requests_total')).toBe(30_000)
  expect(sumOf(page, 'parley_requests_total', { status: '2xx' })).toBe(10_000)
  expect(sumOf(page, 'parley_requests_total', { code: 'timeout' })).toBe(2_000)
  expect(sumOf(page, 'parley_requests_total', { code: 'model_not_found', model: 'unknown' })).toBe(10_000)
  expect(sumOf(page, 'parley_request_duration_seconds_count')).toBe(10_000)
  expect(sumOf(page, 'parley_failed_attempts_total', { code: 'timeout' })).toBe(3_334)
  expect(sumOf(page, 'parley_cost_units_total')).toBe(10_000)
  expect(sumOf(page, 'parley_requests_in_flight')).toBe(0)
})

test('a name from elsewhere cannot break the page', async () => {
  const metrics = watching()
  feed(metrics, ended({ servedBy: 'evil"} 1\nup{x="', model: 'a\\"\u0007', servedModel: 'a\\"\u0007' }))
  const page = await pageOf(metrics)
  expect(page.filter(({ name }) => name === 'parley_requests_total')).toHaveLength(1)
})

test('the page tells of the process, and of two nodes in one process apart', async () => {
  const [one, two] = [watching({ version: 'one' }), watching({ version: 'two' })]
  feed(one, ended())
  const [first, second] = [await pageOf(one), await pageOf(two)]
  expect(sumOf(first, 'parley_requests_total')).toBe(1)
  expect(sumOf(second, 'parley_requests_total')).toBe(0)
  expect(sumOf(second, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
  expect(second.some(({ name }) => name === 'nodejs_eventloop_lag_p99_seconds')).toBe(true)
  expect(second.find(({ name }) => name === 'parley_info')?.labels).toEqual({ version: 'two' })
})

test('an event costs microseconds, a page at its largest some milliseconds', async () => {
  const metrics = watching()
  const events = Array.from({ length: 2_000 }, (_, at) => [
    logged(started()),
    logged(ended({ servedBy: `p${at % 20}`, model: `m${at % 30}` })),
  ]).flat()
  const startedAt = performance.now()
  for (let round = 0; round < 10; round++) for (const event of events) metrics.watch(event)
  expect((performance.now() - startedAt) / (10 * events.length)).toBeLessThan(0.02)
  await metrics.page()
  const pageAt = performance.now()
  for (let round = 0; round < 5; round++) await metrics.page()
  expect((performance.now() - pageAt) / 5).toBeLessThan(150)
})
