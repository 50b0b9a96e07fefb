import { type AddressInfo, createServer } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { createUpstream } from '../../src/backends/index.ts'
import { createEventLog, systemClock, systemRandom } from '../../src/core/index.ts'
import { createRanking, type RouterOptions, router, type Timeouts } from '../../src/gateway/index.ts'
import { type Answer, cut, hang, refuse, saidWhole, startFaultyUpstream, stream, whole } from '../faulty-upstream.ts'
import { serveLocally } from '../local-server.ts'
import { until } from '../node/market.ts'
import { ask, type Heard, hitsOf } from './asking.ts'

const ends: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ends.toReversed()) await end()
})

interface Given {
  /** In place of the first target's server. */
  readonly url?: string
  readonly connectMs?: number
  readonly headersMs?: number
  readonly heartbeatMs?: number
  readonly timeouts?: Partial<Timeouts>
  readonly router?: Partial<RouterOptions>
}

/** A front, a router, and two targets: `a` as told, `b` well. */
async function openGateway(answer: Answer, given: Given = {}) {
  const [a, b] = [await startFaultyUpstream(), await startFaultyUpstream()]
  a.always(answer)
  const { connectMs: connectTimeoutMs = 5_000, headersMs, heartbeatMs = 15_000 } = given
  const shared = { clock: systemClock, connectTimeoutMs, headersMs, maxConnections: 8 }
  const targets = [
    createUpstream({ name: 'a', url: given.url ?? a.url, ...shared }),
    createUpstream({ name: 'b', url: b.url, ...shared }),
  ]
  const backend = router({
    candidates: {
      serving: () => targets.map(target => ({ name: target.name, kind: 'api', backend: target })),
      names: () => ['a', 'b'],
      models: async () => [],
    },
    ...{ ranking: createRanking(systemClock, systemRandom), policy: 'priority', maxAttempts: 2 },
    timeouts: { firstChunkMs: 5_000, idleMs: 5_000, totalMs: 20_000, ...given.timeouts },
    ...{ log: createEventLog(systemClock.now), clock: systemClock },
    ...given.router,
  })
  const front = await serveLocally(backend, { heartbeatMs })
  ends.push(a.stop, b.stop, ...targets.map(target => target.close), front.stop)
  const chat = (body: Record<string, unknown> = {}) =>
    ask({ url: front.url, key: 'sk-parley-test', body: { model: 'faulty', stream: true, provider: 'a', ...body } })
  return { a, b, chat }
}

const both = { provider: { order: ['a', 'b'], only: ['a', 'b'] } }

async function timed(answer: Promise<Heard>): Promise<Heard & { readonly tookMs: number }> {
  const startedAt = performance.now()
  return { ...(await answer), tookMs: performance.now() - startedAt }
}

describe.concurrent('each bound by itself', () => {
  test('connecting: a server that never shakes hands is left for the next', async () => {
    const server = createServer(socket => void socket.on('error', () => undefined).resume())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    // Ends once no connection is left: those that were given up are closed.
    ends.push(() => new Promise(resolve => server.close(resolve)))
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const { b, chat } = await openGateway(whole(), { url, connectMs: 300 })
    const alone = await timed(chat())
    expect(alone).toMatchObject({ status: 502, error: { code: 'backend_failed' } })
    expect(alone.error!.message).toContain('UND_ERR_CONNECT_TIMEOUT')
    // Two attempts and the break between them; far from the bound of the first word.
    expect(alone.tookMs).toBeLessThan(4_000)
    const second = await chat(both)
    expect(second).toMatchObject({ status: 200, text: saidWhole, isDone: true })
    expect(b.hits).toHaveLength(1)
  })

  test('a port that is closed is no different', async () => {
    const { chat } = await openGateway(whole(), { url: 'http://127.0.0.1:1/v1' })
    expect(await chat()).toMatchObject({ status: 502, error: { code: 'backend_failed' } })
    expect(await chat(both)).toMatchObject({ status: 200, text: saidWhole, isDone: true })
  })

  test('headers', async () => {
    const { a, chat } = await openGateway(hang('headers'), { headersMs: 300 })
    const heard = await chat(both)
    expect(heard).toMatchObject({ status: 200, text: saidWhole })
    expect(a.hits[0]!.leftAt! - a.hits[0]!.at).toBeGreaterThan(200)
    expect(a.hits[0]!.leftAt! - a.hits[0]!.at).toBeLessThan(3_000)
  })

  test('the first word, which an opening does not put off', async () => {
    const { a, chat } = await openGateway(stream({ words: Array(100).fill(''), dripMs: 50 }), {
      timeouts: { firstChunkMs: 400 },
    })
    expect(await chat(both)).toMatchObject({ status: 200, text: saidWhole })
    expect(a.hits[0]!.leftAt! - a.hits[0]!.at).toBeLessThan(3_000)
  })

  test('between two chunks: a stream that drips for longer is well', async () => {
    const words = Array.from({ length: 14 }, (_, i) => `w${i} `)
    const { chat } = await openGateway(stream({ words, dripMs: 50 }), { timeouts: { idleMs: 500 } })
    const heard = await timed(chat())
    expect(heard).toMatchObject({ status: 200, text: words.join(''), isDone: true })
    expect(heard.tookMs).toBeGreaterThan(700)
  })

  test('the whole: one that never ends is cut, and told so', async () => {
    const { a, chat } = await openGateway(stream({ words: Array(1_000).fill('on and '), dripMs: 20 }), {
      timeouts: { totalMs: 700 },
    })
    const heard = await timed(chat(both))
    expect(heard).toMatchObject({ status: 200, isDone: false, error: { code: 'timeout' } })
    expect(heard.text).toContain('on and on and')
    expect(heard.tookMs).toBeLessThan(4_000)
    await until(() => a.hits[0]!.leftAt !== undefined, 'it is let go')
  })

  test('the whole holds for all attempts and breaks together', async () => {
    const { a, chat } = await openGateway(refuse(500), { timeouts: { totalMs: 1_500 }, router: { maxAttempts: 32 } })
    const heard = await timed(chat())
    expect(heard).toMatchObject({ status: 502, error: { code: 'backend_failed' } })
    expect(heard.tookMs).toBeLessThan(1_500)
    expect(a.hits.length).toBeGreaterThanOrEqual(2)
    expect(a.hits.length).toBeLessThanOrEqual(3)
  })
})

describe.concurrent('attempts', () => {
  test('are capped over all targets and models', async () => {
    const { a, b, chat } = await openGateway(refuse(500), { router: { maxAttempts: 3 } })
    b.always(refuse(503))
    const heard = await chat({ ...both, models: ['other', 'third'] })
    expect(heard.status).toBe(502)
    expect(hitsOf(a.hits, heard).length + hitsOf(b.hits, heard).length).toBe(3)
    expect(heard.headers.get('x-parley-attempts')).toBe('3')
  })

  test('never leave a sole target locked out, however often it failed', async () => {
    const { a, chat } = await openGateway(refuse(401))
    for (let i = 0; i < 8; i++) expect(await chat()).toMatchObject({ status: 502 })
    a.always(whole())
    expect(await chat()).toMatchObject({ status: 200, text: saidWhole, isDone: true })
  })

  test('send the same bytes each time', async () => {
    const { a, chat } = await openGateway(refuse(500))
    const heard = await chat({ tools: [{ type: 'function', function: { name: 'f' } }], x_unknown: { deep: ['ü'] } })
    const [first, second] = hitsOf(a.hits, heard)
    expect(second!.raw.equals(first!.raw)).toBe(true)
    expect(first!.body).toMatchObject({ x_unknown: { deep: ['ü'] } })
  })
})

test('an answer that breaks off among tools is gone on with by nobody', async () => {
  const { b, chat } = await openGateway(cut('rst'))
  const tools = [{ type: 'function', function: { name: 'f' } }]
  const heard = await chat({ ...both, tools, continue_on_failure: true })
  expect(heard).toMatchObject({ text: saidWhole, isDone: false, error: { code: 'stream_cut' } })
  expect(b.hits).toEqual([])
})

test('a stream that is silent for a while is kept alive by comments, which say nothing', async () => {
  const { chat } = await openGateway(hang('middle'), { heartbeatMs: 50, timeouts: { idleMs: 500 } })
  const heard = await chat()
  expect(heard.raw.split('\n\n').filter(event => event === ': ping').length).toBeGreaterThan(2)
  expect(heard).toMatchObject({ text: saidWhole, isDone: false, error: { code: 'timeout' } })
})
