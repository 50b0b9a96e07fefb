import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { refuse, startFaultyUpstream } from '../../faulty-upstream.ts'
import { adminToken, atTheEnd, type Stage, startStage, unknownId } from './stage.ts'

let stage: Stage
beforeEach(async () => {
  stage = await startStage()
})

const token = adminToken

test('health answers at once, to everybody, under any name, without the database', async () => {
  await stage.store.close()
  const health = () => stage.ask('GET /status/health', { headers: { 'x-test': '1' } })
  expect((await health()).body).toMatchObject({ status: 'ok' })
  const times: number[] = []
  for (let at = 0; at < 50; at++) {
    const startedAt = performance.now()
    await fetch(`${stage.url}/api/status/health`).then(response => response.text())
    times.push(performance.now() - startedAt)
  }
  expect(times.sort((one, other) => one - other)[12]).toBeLessThan(10)
  expect(await rawStatus('GET /api/status/health HTTP/1.1\r\nhost: 10.1.2.3\r\nconnection: close\r\n\r\n')).toBe(200)
  expect(await rawStatus('GET /api/status HTTP/1.1\r\nhost: 10.1.2.3\r\nconnection: close\r\n\r\n')).toBe(403)
  expect((await stage.ask('GET /status', { token })).body).toMatchObject({ store: 'down' })
  expect((await stage.ask('GET /providers', { token })).status).toBe(503)
})

test('the status shows its details to admins alone', async () => {
  const upstream = await startFaultyUpstream(['small'])
  atTheEnd(() => upstream.stop())
  const config = { url: upstream.url, models: ['small'] }
  await stage.ask('POST /providers', { token, body: { type: 'api', name: 'A', config } })
  upstream.always(refuse(500))
  const { body } = await stage.ask('GET /status', { token: stage.tokens.viewer })
  expect(body).toMatchObject({ store: 'up', shared: 'alone', queues: { records: 0 } })
  expect(body.upstreams).toMatchObject([{ name: 'A', state: 'up', source: 'store', models: ['small'] }])
  expect(body).not.toHaveProperty('peers')
  expect((await stage.ask('GET /status', { token })).body).toHaveProperty('peers')
})

test('the configuration is read again when somebody says so', async () => {
  const { generation } = (await stage.ask('POST /reload', { token, body: {} })).body
  const rows = { type: 'api', provider: 'openai', config: { url: 'http://127.0.0.1:9/v1', models: ['small'] } } as const
  await stage.store.providers.create({ ...rows, name: 'behind' })
  const again = await stage.ask('POST /reload', { token, body: {} })
  expect(again.body.generation).toBeGreaterThan(generation)
  expect(stage.live.setup().upstreams.map(({ name }) => name)).toEqual(['behind'])
})

test('the level of the log is changed while the node runs', async () => {
  expect((await stage.ask('GET /logs/level', { token })).body).toEqual({ level: 'info' })
  expect((await stage.ask('PUT /logs/level', { token, body: { level: 'debug' } })).body).toEqual({ level: 'debug' })
  expect(stage.level()).toBe('debug')
})

test('kept answers are forgotten for a key or for all', async () => {
  await stage.ask('POST /cache/purge', { token, body: { keyId: unknownId } })
  await stage.ask('POST /cache/purge', { token, body: {} })
  expect(stage.purged).toEqual([unknownId, undefined])
})

test('alerts are listed', async () => {
  const alert = {
    rule: 'error_rate',
    subject: 'A',
    value: 0.5,
    threshold: 0.1,
    startedAt: 1_000,
    message: 'half fail',
  }
  const { id } = await stage.store.alerts.create(alert)
  await stage.store.alerts.resolve(id, 0)
  await stage.store.alerts.create({ ...alert, startedAt: 2_000 })
  expect((await stage.ask('GET /alerts', { token })).body.total).toBe(2)
  expect((await stage.ask('GET /alerts?state=firing&from=1500', { token })).body.total).toBe(1)
  expect((await stage.ask('GET /alerts/firing', { token })).body).toEqual({ data: [] })
})

test('budgets are set, changed and removed', async () => {
  const wish = { scope: 'project', scopeId: 'p', amount: '12.5', window: 'day' }
  const { body, status } = await stage.ask('POST /budgets', { token, body: wish })
  expect([status, body.amount, body.spent, body.hard]).toEqual([201, '12.500000', '0.000000', true])
  const twice = await stage.ask('POST /budgets', { token, body: wish })
  expect([twice.status, twice.body.error.param]).toEqual([409, 'scopeId'])
  expect(twice.body.error.message).toContain('a budget of this window')
  for (const scope of ['key', 'user']) {
    const nobody = await stage.ask('POST /budgets', { token, body: { ...wish, scope, scopeId: unknownId } })
    expect([nobody.status, nobody.body.error.message]).toEqual([400, `scopeId: there is no such ${scope}; list them`])
  }
  await stage.store.budgets.spend([body.id], 1_234_567n)
  const path = `/budgets/${body.id}`
  const put = await stage.ask(`PUT ${path}`, { token, body: { amount: '0.000001', hard: false } })
  expect(put.body).toMatchObject({ amount: '0.000001', spent: '1.234567', hard: false })
  expect((await stage.ask('GET /budgets?scope=project', { token })).body.total).toBe(1)
  expect((await stage.ask(`DELETE ${path}`, { token })).status).toBe(204)
  expect((await stage.ask(`GET ${path}`, { token })).status).toBe(404)
})

test('keys are made, changed, rotated and revoked, and shown once', async () => {
  const wish = { name: 'app', project: 'p', rpm: 10, maxPrice: '123456789012345678901234567890', archive: 'on' }
  const preset = { system: 'You are terse.', defaults: { temperature: 0 } }
  const made = (await stage.ask('POST /keys', { token, body: { ...wish, preset } })).body
  expect(made.key).toMatchObject({
    ...wish,
    preset: { ...preset, own: 'wins' },
    tail: made.secret.slice(-4),
    tpm: null,
  })
  const me = async (secret: string) => (await stage.ask('GET /auth/me', { token: secret })).status
  expect(await me(made.secret)).toBe(200)
  const path = `/keys/${made.key.id}`
  const put = await stage.ask(`PUT ${path}`, { token, body: { rpm: null, expiresAt: '2099-01-01T00:00:00+01:00' } })
  expect(put.body).toMatchObject({ rpm: null, project: 'p', expiresAt: '2098-12-31T23:00:00.000Z' })
  const rotated = (await stage.ask(`POST ${path}/rotate`, { token, body: { graceSeconds: 60 } })).body
  expect(rotated.key).toMatchObject({ name: 'app', project: 'p', archive: 'on' })
  expect([await me(made.secret), await me(rotated.secret)]).toEqual([200, 200])
  expect((await stage.ask(`POST ${path}/rotate`, { token, body: {} })).status).toBe(409)
  expect((await stage.ask(`DELETE ${path}`, { token })).status).toBe(204)
  expect([await me(made.secret), await me(rotated.secret)]).toEqual([401, 200])
  expect((await stage.ask('GET /keys?revoked=true', { token })).body.total).toBe(1)
  const viewer = stage.tokens.viewer
  expect((await stage.ask('GET /keys', { token: viewer })).body.total).toBe(2)
  expect((await stage.ask(`GET ${path}`, { token: viewer })).status).toBe(200)
  expect((await stage.ask(`DELETE ${path}`, { token: viewer })).status).toBe(404)
  expect((await stage.ask('POST /keys', { token, body: { name: 'x', userId: unknownId } })).status).toBe(400)
  expect((await stage.ask('POST /keys', { token, body: { name: 'x', budgetId: unknownId } })).status).toBe(400)
  expect(stage.heard().split(made.secret)).toHaveLength(2)
  const odd = await stage.ask('POST /keys', { token, body: { name: 'x', redact: { kinds: ['everything'] } } })
  expect([odd.status, odd.body.error.param]).toEqual([400, 'redact.kinds'])
  const kept = await stage.ask(`PUT /keys/${rotated.key.id}`, { token, body: { redact: { words: 'secret' } } })
  expect([kept.status, kept.body.error.param]).toEqual([400, 'redact.words'])
})

test('events are followed as they happen, from where one left off', async () => {
  stage.log.emit({ type: 'node.started', role: 'user', version: '1' })
  const gone = new AbortController()
  const response = await fetch(`${stage.url}/api/events?types=node.started,claim.sent`, {
    headers: { authorization: `Bearer ${token}`, 'last-event-id': '0' },
    signal: gone.signal,
  })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  stage.log.emit({ type: 'peer.connected', peerId: 'not wanted' })
  stage.log.emit({ type: 'claim.sent', payers: 1, amount: 7n, transaction: '0x' })
  let heard = ''
  for await (const piece of response.body!) {
    heard += Buffer.from(piece as Uint8Array).toString()
    if (heard.includes('claim.sent')) break
  }
  gone.abort()
  expect(heard).toMatch(
    /^id: \d+\nevent: node\.started\ndata: \{.*\}\n\nid: \d+\nevent: claim\.sent\ndata: .*"amount":"7"/,
  )
  expect(heard).not.toContain('not wanted')
})

test('readers of events are few, and one that leaves makes room', async () => {
  const follow = () => {
    const gone = new AbortController()
    const headers = { authorization: `Bearer ${token}` }
    return { gone, said: fetch(`${stage.url}/api/events`, { headers, signal: gone.signal }) }
  }
  const readers = Array.from({ length: 50 }, follow)
  for (const { said } of readers) expect((await said).status).toBe(200)
  expect((await follow().said).status).toBe(503)
  readers[0]!.gone.abort()
  let status = 503
  for (let at = 0; at < 50 && status === 503; at++) {
    await sleep(20)
    const next = follow()
    status = (await next.said).status
    readers.push(next)
  }
  expect(status).toBe(200)
  for (const { gone } of readers) gone.abort()
})

async function rawStatus(request: string): Promise<number> {
  const { port, hostname } = new URL(stage.url)
  const socket = connect(Number(port), hostname)
  socket.write(request)
  const text = Buffer.concat(await socket.toArray()).toString()
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])
}
