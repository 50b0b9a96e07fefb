import { createHmac } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { type AlertRow, createEventLog, ParleyError } from '../../src/core/index.ts'
import { createDeliveries, createMailAlerts, createWebhook } from '../../src/telemetry/index.ts'
import { until } from '../node/market.ts'
import { noon } from './events.ts'
import { type Posts, takePosts } from './posts.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

const alert = (number: number, state: AlertRow['state'] = 'firing'): AlertRow => ({
  ...{ id: `alert-${number}`, rule: 'error_rate', subject: '', state, value: 50, threshold: 40, startedAt: noon },
  ...{ endedAt: state === 'resolved' ? noon + 1_000 : null, message: 'half of the calls fail' },
})

async function receiver(): Promise<Posts> {
  const posts = await takePosts()
  endings.push(posts.stop)
  return posts
}

function sendingTo(url: string, more: { secret?: string; attemptsMax?: number } = {}) {
  const log = createEventLog(() => noon)
  const fetchOut: typeof fetch = (input, init) => fetch(input, init)
  const sink = createWebhook({ url, secret: more.secret, node: 'n1', fetchOut: fetchOut as never })
  const deliveries = createDeliveries({ sink, log, firstWaitMs: 5, attemptsMax: more.attemptsMax ?? 10 })
  endings.push(deliveries.stop)
  return { deliveries, log, types: () => log.recent().map(({ type }) => type) }
}

test('a notice is posted, signed, with what is known of the alert', async () => {
  const { url, posts } = await receiver()
  const { deliveries } = sendingTo(`${url}/hook`, { secret: 'shh-shh-shh-shh-shh' })
  deliveries.push(alert(1))
  deliveries.push(alert(1, 'resolved'))
  await until(() => posts.length === 2, 'both arrive')
  expect(JSON.parse(posts[0]!.text)).toEqual({
    ...{ v: 1, node: 'n1', id: 'alert-1', rule: 'error_rate', subject: '', state: 'firing', value: 50, threshold: 40 },
    ...{ message: 'half of the calls fail', startedAt: '2026-01-01T12:00:00.000Z', endedAt: null },
  })
  expect(JSON.parse(posts[1]!.text)).toMatchObject({ state: 'resolved', endedAt: '2026-01-01T12:00:01.000Z' })
  expect(posts[0]!.path).toBe('/hook')
  const expected = createHmac('sha256', 'shh-shh-shh-shh-shh').update(posts[0]!.text).digest('hex')
  expect(posts[0]!.headers['x-parley-signature']).toBe(`sha256=${expected}`)
  expect(posts.map(({ headers }) => headers['x-parley-delivery'])).toEqual(['alert-1-firing', 'alert-1-resolved'])
})

test('a receiver that fails for a while gets every notice, once it can, in order', async () => {
  const hook = await receiver()
  const { deliveries, types } = sendingTo(hook.url)
  hook.answer(503)
  for (let i = 0; i < 3; i++) deliveries.push(alert(i))
  await until(() => hook.posts.length >= 3, 'it was tried again')
  expect(new Set(hook.posts.map(({ text }) => (JSON.parse(text) as { id: string }).id))).toEqual(new Set(['alert-0']))
  hook.answer(200)
  await until(() => types().includes('service.recovered'), 'it recovers')
  await until(() => hook.posts.at(-1)!.text.includes('alert-2'), 'the last arrives')
  expect(deliveries.lost()).toBe(0)
  const ids = hook.posts.map(({ text }) => (JSON.parse(text) as { id: string }).id)
  expect(ids).toEqual([...ids].sort())
})

test('a receiver that never answers is given up after its attempts, and the next notice is tried', async () => {
  const hook = await receiver()
  hook.answer(500)
  const { deliveries } = sendingTo(hook.url, { attemptsMax: 3 })
  deliveries.push(alert(1))
  deliveries.push(alert(2))
  await until(() => deliveries.lost() === 2, 'both are given up')
  expect(hook.posts).toHaveLength(6)
})

test('what waits is bounded, and a node that stops does not wait for long', async () => {
  const hook = await receiver()
  hook.answer(undefined)
  const { deliveries } = sendingTo(hook.url)
  for (let i = 0; i < 500; i++) deliveries.push(alert(i))
  expect(deliveries.lost()).toBeGreaterThan(390)
  const startedAt = performance.now()
  await deliveries.stop()
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  deliveries.push(alert(1_000))
  expect(deliveries.lost()).toBe(501)
})

test('nothing of the address is repeated when it cannot be reached', async () => {
  const { deliveries, log } = sendingTo('http://127.0.0.1:1/hook?token=hidden-token', { attemptsMax: 1 })
  deliveries.push(alert(1))
  await until(() => deliveries.lost() === 1, 'it is given up')
  expect(log.recent()).toMatchObject([{ type: 'service.failed', service: 'alert webhook', code: 'backend_failed' }])
  expect(JSON.stringify(log.recent())).not.toContain('hidden-token')
})

test('an alert as mail says what, where and since when', async () => {
  const sent: unknown[] = []
  const sink = createMailAlerts({
    to: ['a@example.com', 'b@example.com'],
    node: 'n1',
    mailer: { send: async mail => void sent.push(mail) },
  })
  await sink.send({ ...alert(1, 'resolved'), subject: 'up' }, AbortSignal.timeout(1_000))
  expect(sent).toEqual([
    {
      to: ['a@example.com', 'b@example.com'],
      subject: '[n1] resolved: error_rate (up)',
      text: expect.stringContaining('since: 2026-01-01T12:00:00.000Z\nuntil: 2026-01-01T12:00:01.000Z') as string,
    },
  ])
  const failing = createMailAlerts({
    ...{ to: ['a@example.com'], node: 'n1' },
    mailer: { send: () => Promise.reject(new ParleyError('timeout', 'late')) },
  })
  await expect(failing.send(alert(1), AbortSignal.timeout(1_000))).rejects.toMatchObject({ code: 'timeout' })
})
