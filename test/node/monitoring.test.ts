import { createHmac } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type ConfigInput, createConfig, resolvePaths } from '../../src/config/index.ts'
import type { AlertRow } from '../../src/core/index.ts'
import { createNode, type ParleyNode } from '../../src/node/index.ts'
import { type FaultyUpstream, refuse, startFaultyUpstream, stream, whole } from '../faulty-upstream.ts'
import { spansIn } from '../telemetry/otlp.ts'
import { takePosts } from '../telemetry/posts.ts'
import { parsePage, sumOf } from '../telemetry/prometheus.ts'
import { until } from './market.ts'
import { bound, createHome, freePort } from './stage.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

interface Gateway {
  readonly node: ParleyNode
  readonly upstream: FaultyUpstream
  readonly lines: string[]
  readonly home: string
  readonly adminToken: string
  readonly ask: (body?: object, init?: RequestInit) => Promise<Response>
  readonly get: (token?: string, headers?: Record<string, string>) => Promise<Response>
}

async function startGateway(more: ConfigInput = {}): Promise<Gateway> {
  const home = createHome()
  endings.push(home.remove)
  const upstream = await startFaultyUpstream()
  endings.push(upstream.stop)
  const paths = resolvePaths({ PARLEY_HOME: home.path })
  const upstreams = [{ name: 'up', url: upstream.url }]
  const routing = { attemptsMax: 1 }
  const config = createConfig({ http: { port: 0 }, models: { nano: false }, upstreams, routing, ...more }, paths)
  const lines: string[] = []
  const node = await createNode({ config, env: {}, writeLog: line => void lines.push(line) })
  endings.push(() => node.stop())
  await node.start(bound())
  const { token } = JSON.parse(readFileSync(paths.nodeFile, 'utf8')) as { token: string }
  const authorization = { authorization: `Bearer ${node.firstKey}`, 'content-type': 'application/json' }
  const messages = [{ role: 'user', content: 'CANARY-91b2 says hi' }]
  const ask = (body = {}, { headers, ...init }: RequestInit = {}) =>
    fetch(`${node.url}/chat/completions`, {
      method: 'POST',
      headers: { ...authorization, ...(headers as Record<string, string>) },
      body: JSON.stringify({ model: 'faulty', messages, ...body }),
      ...init,
    })
  const get = (bearer?: string, headers: Record<string, string> = {}) =>
    fetch(node.url.replace('/v1', '/metrics'), {
      headers: { ...headers, ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
    })
  return { node, upstream, lines, home: home.path, adminToken: token, ask, get }
}

const pageOf = async ({ get, adminToken }: Gateway) => parsePage(await (await get(adminToken)).text())

test('after so many calls the page says so many, of each kind, and nothing is left running', async () => {
  const gateway = await startGateway()
  const { ask, upstream } = gateway
  for (let i = 0; i < 20; i++) await (await ask()).text()
  for (let i = 0; i < 15; i++) await (await ask({ stream: true })).text()
  upstream.always(refuse(503))
  for (let i = 0; i < 10; i++) expect((await ask()).status).toBeGreaterThanOrEqual(500)
  upstream.always(stream({ dripMs: 200 }))
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      const leaving = new AbortController()
      const answer = await ask({ stream: true }, { signal: leaving.signal })
      await answer.body!.getReader().read()
      leaving.abort()
    }),
  )
  await until(() => gateway.node.status().running === 0, 'the calls are over')
  const page = await pageOf(gateway)
  expect(sumOf(page, 'parley_requests_total')).toBe(50)
  expect(sumOf(page, 'parley_requests_total', { provider: 'up', model: 'faulty', status: '2xx', task: 'chat' })).toBe(
    35,
  )
  expect(sumOf(page, 'parley_requests_total', { status: '5xx' })).toBe(10)
  expect(sumOf(page, 'parley_requests_total', { code: 'cancelled', status: '4xx' })).toBe(5)
  expect(sumOf(page, 'parley_requests_in_flight')).toBe(0)
  expect(sumOf(page, 'parley_refusals_total')).toBe(10)
  expect(sumOf(page, 'parley_failed_attempts_total', { provider: 'up' })).toBe(10)
  expect(sumOf(page, 'parley_tokens_total', { provider: 'up', type: 'input' })).toBe(35 * 7)
  expect(sumOf(page, 'parley_time_to_first_chunk_seconds_count')).toBe(35)
  expect(sumOf(page, 'parley_provider_up', { provider: 'up' })).toBe(0)
})

test('the page is for its token: no key of an app, no foreign page, no stranger reads it', async () => {
  const token = 'metrics-token-of-this-test'
  const { node, get, adminToken } = await startGateway({ telemetry: { metricsToken: token } })
  expect((await get()).status).toBe(401)
  expect((await get('wrong')).status).toBe(401)
  expect((await get(node.firstKey)).status).toBe(401)
  expect((await get(token, { origin: 'https://evil.example' })).status).toBe(403)
  const page = await get(token)
  expect(page.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(sumOf(parsePage(await page.text()), 'parley_info')).toBe(1)
  expect((await get(adminToken)).status).toBe(200)
  const status = node.url.replace('/v1', '/api/status')
  expect((await fetch(status, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
  expect((await fetch(`${node.url}/models`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
  expect(sumOf(parsePage(await (await get(token)).text()), 'parley_refusals_total', { code: 'unauthorized' })).toBe(5)
})

test('it is open where that is configured, to this machine alone', async () => {
  const { node, get } = await startGateway({ telemetry: { metricsOpen: true } })
  expect((await get()).status).toBe(200)
  expect((await get('wrong')).status).toBe(401)
  expect((await get(undefined, { 'x-forwarded-for': '203.0.113.9' })).status).toBe(401)
  expect((await fetch(`${node.url}/models`)).status).toBe(401)
})

const quick = { windowSeconds: 2, clearSeconds: 1 }

test('half of the calls failing is one alert and one all-clear, also for a receiver that was away', {
  timeout: 60_000,
}, async () => {
  const port = await freePort()
  const secret = 'a secret of sixteen or more'
  const { node, ask, upstream, lines } = await startGateway({
    alerts: {
      rules: [{ metric: 'error_rate', threshold: 40, clear: 10, minimum: 20, ...quick }],
      ...{ webhookUrl: `http://127.0.0.1:${port}/hook?token=tell-nobody`, webhookSecret: secret, webhookPrivate: true },
    },
  })
  for (let i = 0; i < 50; i++) {
    upstream.next(refuse(500), whole())
    await (await ask()).text()
    await (await ask()).text()
  }
  const raised = () => node.log.recent().filter(({ type }) => type === 'alert.raised')
  const resolved = () => node.log.recent().filter(({ type }) => type === 'alert.resolved')
  const troubles = () => node.log.recent().filter(event => event.type === 'service.failed')
  await until(() => raised().length > 0, 'it is raised')
  await until(() => troubles().length > 0, 'the receiver is missed')
  const hook = await takePosts(port)
  endings.push(hook.stop)
  await until(() => resolved().length > 0, 'it is over')
  await until(() => hook.posts.length >= 2, 'both notices arrive')
  expect([raised().length, resolved().length]).toEqual([1, 1])
  const notices = hook.posts.map(({ text }) => JSON.parse(text) as Record<string, unknown>)
  expect(notices).toMatchObject([
    { v: 1, node: 'parley', rule: 'error_rate', subject: '', state: 'firing', threshold: 40, endedAt: null },
    { rule: 'error_rate', state: 'resolved', id: notices[0]!.id },
  ])
  expect(notices[0]!.value).toBeGreaterThanOrEqual(40)
  for (const { text, headers } of hook.posts) {
    const expected = createHmac('sha256', secret).update(text).digest('hex')
    expect(headers['x-parley-signature']).toBe(`sha256=${expected}`)
    expect(text).not.toContain('CANARY')
  }
  expect(lines.filter(line => line.includes('alert webhook'))).toHaveLength(2)
  expect(lines.join('\n')).not.toContain('tell-nobody')
})

test('answers that take long, and memory, are alerts too, with an end where there is one', async () => {
  const hook = await takePosts()
  endings.push(hook.stop)
  const { ask, upstream } = await startGateway({
    alerts: {
      rules: [
        { metric: 'latency_p95', threshold: 150, clear: 100, minimum: 5, ...quick },
        { metric: 'memory', threshold: 0.001, ...quick },
      ],
      ...{ webhookUrl: hook.url, webhookPrivate: true },
    },
  })
  upstream.always(stream({ dripMs: 50 }))
  await Promise.all(Array.from({ length: 10 }, async () => (await ask({ stream: true })).text()))
  const told = () => hook.posts.map(({ text }) => JSON.parse(text) as { rule: string; state: string })
  const of = (rule: string) => told().flatMap(post => (post.rule === rule ? [post.state] : []))
  await until(() => of('latency_p95').length === 2 && of('memory').length > 0, 'all are told')
  expect([of('latency_p95'), of('memory')]).toEqual([['firing', 'resolved'], ['firing']])
})

test('an upstream that is away is one alert, and one all-clear when it is back', { timeout: 60_000 }, async () => {
  const gateway = await startGateway({
    alerts: { rules: [{ name: 'away', metric: 'provider_failures', threshold: 3, clearSeconds: 1 }] },
  })
  const { node, upstream, ask } = gateway
  const kept: Pick<AlertRow, 'state'>[] = []
  node.log.subscribe(event => {
    if (event.type === 'alert.raised') kept.push({ state: 'firing' })
    if (event.type === 'alert.resolved') kept.push({ state: 'resolved' })
  })
  upstream.always(refuse(503))
  for (let i = 0; i < 5; i++) await ask()
  await until(() => kept.length === 1, 'it is raised')
  expect(sumOf(await pageOf(gateway), 'parley_alerts_firing')).toBe(1)
  upstream.always(whole())
  await (await ask()).text()
  await until(() => kept.length === 2, 'it is over')
  expect(kept).toEqual([{ state: 'firing' }, { state: 'resolved' }])
  expect(sumOf(await pageOf(gateway), 'parley_alerts_firing')).toBe(0)
})

test('calls are traced where a collector is configured, as part of the trace of the app', {
  timeout: 60_000,
}, async () => {
  const collector = await takePosts()
  endings.push(collector.stop)
  const otlp = { otlpUrl: `${collector.url}/v1/traces`, otlpToken: 'collector-token' }
  const { node, ask, upstream } = await startGateway({ telemetry: otlp })
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  await (await ask({}, { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } })).text()
  upstream.always(refuse(503))
  await ask()
  await node.stop()
  const spans = collector.posts.flatMap(({ text }) => spansIn(text))
  expect(spans).toHaveLength(2)
  const [good, bad] = spans
  expect(good).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7', name: 'chat faulty' })
  expect(good!.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'up',
    'gen_ai.request.model': 'faulty',
    'gen_ai.response.model': 'faulty',
    'gen_ai.usage.input_tokens': 7,
    'gen_ai.usage.output_tokens': 5,
  })
  expect(bad!.attributes['error.type']).toBeDefined()
  expect(bad!.traceId).not.toBe(traceId)
  for (const { text, headers } of collector.posts) {
    expect(headers.authorization).toBe('Bearer collector-token')
    expect(text).not.toContain('CANARY')
    expect(text).toContain('"parley"')
  }
})

test('lines are JSON where that is configured, to a file too, and their level can be changed', async () => {
  const home = createHome()
  endings.push(home.remove)
  const file = join(home.path, 'logs', 'parley.jsonl')
  const { node, ask, lines, upstream } = await startGateway({ log: { format: 'json', file } })
  await (await ask({}, { headers: { 'x-request-id': 'call-from-test-1' } })).text()
  const seen = () => lines.map(line => JSON.parse(line) as Record<string, unknown>)
  const own = () => seen().find(({ requestId }) => requestId === 'call-from-test-1')
  expect(own()).toMatchObject({
    level: 'info',
    component: 'gateway',
    message: 'call.ended',
    fields: { servedBy: 'up' },
  })
  expect(new Date(String(own()!.time)).toISOString()).toBe(own()!.time)
  const before = lines.length
  node.logging.setLevel('silent')
  await (await ask()).text()
  expect(lines).toHaveLength(before)
  node.logging.setLevel('debug')
  upstream.always(refuse(500))
  await ask()
  expect(
    seen()
      .slice(before)
      .map(({ level, message }) => `${level} ${message}`),
  ).toEqual([
    'debug call.started',
    expect.stringMatching(/^warn call\.attempted: /),
    expect.stringMatching(/^info call\.failed: /),
  ])
  await node.stop()
  expect(lines.at(-1)).toContain('node.stopped')
  await until(() => existsSync(file) && readFileSync(file, 'utf8').includes('node.stopped'), 'the file is written')
  expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toEqual(lines)
  expect(lines.join()).not.toContain('CANARY')
  expect(lines.join()).not.toContain(node.firstKey!)
})
