import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createEventLog, type LogRow, type NodeEvent, systemRandom } from '../../src/core/index.ts'
import { createLogging, type LoggingOptions } from '../../src/telemetry/index.ts'
import { until } from '../node/market.ts'
import { attempted, ended, failed, logged, noon, started } from './events.ts'

const endings: (() => unknown)[] = []
afterEach(() => {
  for (const end of endings.splice(0).reverse()) end()
})

async function logging(more: Partial<LoggingOptions> = {}) {
  const lines: string[] = []
  const rows: LogRow[] = []
  const write = (line: string) => void lines.push(line)
  const usual = { level: 'info', format: 'text', fileMaxBytes: 1 << 20, write, random: systemRandom } as const
  const log = await createLogging({ ...usual, ...more })
  endings.push(log.close)
  log.addSink(row => rows.push(row))
  const tell = (event: NodeEvent, at = noon) => log.watch(logged(event, at))
  const json = () => lines.map(line => JSON.parse(line) as Record<string, unknown>)
  return { log, lines, rows, tell, json }
}

const lost: NodeEvent = {
  type: 'service.failed',
  service: 'database',
  code: 'store_unavailable',
  message: 'it is away',
}
const back: NodeEvent = { type: 'service.recovered', service: 'database' }

/** What somebody may try to write into a log that is not his. */
const forgeries = [
  'a\n2026-01-01T00:00:00.000Z error forged',
  'a\r\nforged',
  '\u001b[2J\u001b[1;31mforged',
  '\u009b31mforged',
  'a\u2028forged\u2029',
  '\u202eforged\u202c',
  'a\u0000\u0007\u0008\u007f',
  '"}\n{"level":"error","message":"forged"}',
]

test('nobody can forge a line or move a cursor, in any format', async () => {
  for (const format of ['text', 'json'] as const) {
    const { lines, rows, tell } = await logging({ format, level: 'debug' })
    for (const evil of forgeries) {
      tell(failed({ message: evil }))
      tell(ended({ servedBy: evil, model: evil, finishReason: evil }))
      tell(started({ traceparent: evil }))
    }
    expect(lines).toHaveLength(forgeries.length * 3)
    for (const line of [...lines, ...rows.map(row => row.message + Object.values(row.fields).join(''))]) {
      expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
    }
    if (format === 'json') for (const line of lines) JSON.parse(line)
  }
})

test('a line of JSON has a time, a level, a component, a request and a message', async () => {
  const { tell, json, rows } = await logging({ format: 'json' })
  tell(failed({ id: 'call-77', code: 'timeout', message: 'it took too long', units: undefined } as never))
  tell(ended({ id: 'call-78', cost: 12n, units: { unit: 'seconds', count: 2 } }))
  tell({ type: 'claim.sent', payers: 1, amount: 10n ** 20n, transaction: '0x1' })
  const [first, second, third] = json()
  expect(first).toMatchObject({
    ...{ level: 'info', time: '2026-01-01T12:00:00.000Z', component: 'gateway', requestId: 'call-77' },
    ...{ message: 'call.failed: it took too long', fields: { code: 'timeout', task: 'chat' } },
  })
  expect(second).toMatchObject({ fields: { cost: '12', units: { unit: 'seconds', count: 2 } } })
  expect(third).toMatchObject({ component: 'chain', requestId: null, fields: { amount: '100000000000000000000' } })
  expect(rows[0]).toMatchObject({ timestamp: noon, level: 'info', requestId: 'call-77', component: 'gateway' })
  expect(new Set(rows.map(({ id }) => id)).size).toBe(3)
})

test('a bug of ours is found by the request it happened in', async () => {
  const { tell, rows } = await logging()
  tell({ type: 'service.failed', service: 'request abc-12345', code: 'internal', message: 'oops' })
  tell({ type: 'service.failed', service: 'request abc-12345', code: 'internal', message: 'oops' })
  expect(rows.map(({ requestId }) => requestId)).toEqual(['abc-12345', 'abc-12345'])
})

test('a failure that goes on is one line, and one when it is over', async () => {
  const { tell, lines, rows } = await logging()
  for (let i = 0; i < 500; i++) tell(lost, noon + i * 1_000)
  expect(lines).toHaveLength(1)
  tell(back)
  tell(back)
  expect(rows.map(({ message }) => message)).toEqual([
    'service.failed: it is away',
    'service.recovered',
    'service.recovered',
  ])
  expect(rows[1]).toMatchObject({ level: 'info', fields: { failures: 500 } })
  tell(lost, noon + 600_000)
  expect(lines).toHaveLength(4)
  expect(lines.at(-1)).toContain('error service.failed')
})

test('another failure of the same thing is news, and so is the same after a long time', async () => {
  const { tell, lines } = await logging()
  tell(attempted('up'))
  tell(attempted('up', 2))
  tell(attempted('up', 3, { code: 'timeout' }))
  tell(attempted('other'))
  expect(lines).toHaveLength(3)
  tell(attempted('up', 1, { code: 'timeout' }), noon + 11 * 60_000)
  expect(lines).toHaveLength(4)
  tell(ended({ servedBy: 'up' }))
  tell(attempted('up', 1, { code: 'timeout' }), noon + 11 * 60_000)
  expect(lines).toHaveLength(6)
})

test('that the registry can be read again is told, though reading it is not', async () => {
  const { tell, lines } = await logging()
  const read: NodeEvent = { type: 'registry.read', providers: 3, blockNumber: 9n }
  tell(read)
  for (let i = 0; i < 9; i++) tell({ type: 'registry.unavailable', message: 'no RPC answers', usingCache: true })
  tell(read)
  tell(read)
  expect(lines.map(line => line.split(/ +/)[2])).toEqual(['registry.unavailable', 'registry.read'])
})

test('at debug everything is told', async () => {
  const { tell, lines } = await logging({ level: 'debug' })
  for (let i = 0; i < 5; i++) tell(lost)
  expect(lines.filter(line => line.includes('debug service.failed'))).toHaveLength(4)
})

test('the level changes from one line to the next', async () => {
  const { log, tell, lines } = await logging({ level: 'warn' })
  tell(ended())
  log.setLevel('info')
  tell(ended())
  log.setLevel('silent')
  tell(lost)
  expect(lines).toHaveLength(1)
  expect(log.level()).toBe('silent')
})

test('a sink is given no more than a store can take; what it misses is counted', async () => {
  const { log, tell, lines, rows } = await logging()
  for (let i = 0; i < 5_000; i++) tell(ended(), noon + i / 10)
  expect(lines).toHaveLength(5_000)
  expect(rows.length).toBeGreaterThanOrEqual(1_000)
  expect(rows.length).toBeLessThan(1_150)
  expect(log.dropped()).toBe(5_000 - rows.length)
})

test('a sink that throws harms nobody', async () => {
  const { log, tell, lines, rows } = await logging()
  log.addSink(() => {
    throw new Error('full')
  })
  tell(ended())
  tell(ended())
  expect([lines.length, rows.length]).toEqual([2, 2])
})

test('what looks like a secret is in no line, whoever let it in', async () => {
  const secrets = [
    'sk-upstream-0123456789abcdef',
    'Bearer abcdef0123456789.x',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
    'https://user:hunter2hunter2@example.com/',
    'https://x.example/?api_key=0123456789abc&a=1',
    'AKIAIOSFODNN7EXAMPLE',
  ]
  const parts = /0123456789ab|hunter2|c2lnbmF0|IOSFODNN|abcdef0123/
  for (const format of ['text', 'json'] as const) {
    const { tell, lines, rows } = await logging({ format, level: 'debug' })
    for (const secret of secrets) tell(failed({ message: `it said ${secret} to us` }))
    expect(lines).toHaveLength(secrets.length)
    expect(lines.join('\n')).not.toMatch(parts)
    expect(JSON.stringify(rows)).not.toMatch(parts)
  }
})

test('long texts are cut', async () => {
  const { tell, json } = await logging({ format: 'json' })
  tell(failed({ message: 'x'.repeat(100_000), model: 'm'.repeat(100_000) }))
  expect(JSON.stringify(json()).length).toBeLessThan(3_000)
})

test('a file is set aside when it has grown, and goes on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'parley-log-'))
  endings.push(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'a', 'log.jsonl')
  const { tell, log, lines } = await logging({ file, fileMaxBytes: 65_536 })
  const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0
  for (let i = 0; i < 300; i++) tell(ended({ id: `call-${i}` }))
  await until(() => size(`${file}.1`) > 0 && size(file) > 0, 'it is set aside')
  log.close()
  const all = () => [`${file}.1`, file].map(path => (size(path) > 0 ? readFileSync(path, 'utf8') : '')).join('')
  await until(() => all().includes('"call-299"'), 'it is written')
  const ids = all()
    .trimEnd()
    .split('\n')
    .map(line => (JSON.parse(line) as { requestId: string }).requestId)
  expect(ids).toEqual(lines.map((_, at) => `call-${at}`))
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a file that cannot be written is said at once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'parley-log-'))
  endings.push(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'file'), '')
  await expect(logging({ file: join(directory, 'file', 'log') })).rejects.toMatchObject({ code: 'config_invalid' })
})

test('a log of a thousand calls a second keeps up', async () => {
  const log = createEventLog(() => noon)
  const { log: lines } = await logging({ format: 'json' })
  log.subscribe(lines.watch)
  const startedAt = performance.now()
  for (let i = 0; i < 5_000; i++) log.emit(ended())
  expect((performance.now() - startedAt) / 5_000).toBeLessThan(2)
})
