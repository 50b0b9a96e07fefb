import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { ParleyError } from '../../src/core/index.ts'
import { startGateway, startService } from './gateway.ts'

const soon = { timeout: 5_000, interval: 50 }

test('20 reloads under 50 requests a second fail none of them, and each sees one setup whole', async () => {
  const [a, b] = [
    await startService('alpha', { models: ['model-a'], dripMs: 60 }),
    await startService('beta', { models: ['model-b'], dripMs: 60 }),
  ]
  // Server and name of the model change together: who is asked for the other's model has seen both setups.
  const setup = (url: string, model: string) => ({
    upstreams: [{ name: 'x', url }],
    endpoints: [{ name: 'fast', targets: [{ provider: 'x', model }] }],
  })
  const { node, write, ask } = await startGateway(setup(a.url, 'model-a'))
  const answers: Promise<string | undefined>[] = []
  const asking = setInterval(() => answers.push(ask('fast')), 20)
  for (let round = 1; round <= 20; round++) {
    write(round % 2 === 1 ? setup(b.url, 'model-b') : setup(a.url, 'model-a'))
    await node.live.reload()
    await sleep(75)
  }
  clearInterval(asking)
  const said = await Promise.all(answers)
  expect(said.length).toBeGreaterThan(60)
  expect(new Set(said)).toEqual(new Set(['alpha', 'beta']))
  expect(new Set(a.asked.map(({ model }) => model))).toEqual(new Set(['model-a']))
  expect(new Set(b.asked.map(({ model }) => model))).toEqual(new Set(['model-b']))
  expect(a.asked.length + b.asked.length).toBe(said.length)
  expect(node.live.setup().generation).toBe(21)
}, 20_000)

test('what did not change keeps its connections, its list and what was measured', async () => {
  const [a, b] = [await startService('a', { models: ['m-a'] }), await startService('b', { models: ['m-b'] })]
  const [first, second] = [
    { name: 'a', url: a.url },
    { name: 'b', url: b.url },
  ]
  const { node, write, ask, models } = await startGateway({ upstreams: [first] })
  for (let call = 0; call < 5; call++) expect(await ask('m-a')).toBe('a')
  const [opened, lists] = [a.sockets.opened(), a.lists()]
  write({ upstreams: [{ ...first, weight: 5, prices: [{ in: '1' }] }, second] })
  await node.live.reload()
  expect(await models()).toEqual(['m-a', 'm-b'])
  expect([await ask('m-a'), await ask('m-b')]).toEqual(['a', 'b'])
  expect([a.sockets.opened(), a.lists()]).toEqual([opened, lists])
  expect(node.status().targets.find(({ name }) => name === 'a')).toMatchObject({ successes: 6 })
  expect(node.live.setup().upstreams).toMatchObject([{ name: 'a', weight: 5 }, { name: 'b' }])
})

test('one that is taken out answers what it has begun, is asked no more, and is closed after its last call', async () => {
  const a = await startService('whole', { models: ['m'], dripMs: 300 })
  const { node, write, ask } = await startGateway({ upstreams: [{ name: 'a', url: a.url }] })
  const running = ask('m')
  await vi.waitFor(() => expect(a.asked).toHaveLength(1), soon)
  write({})
  await node.live.reload()
  expect(await ask('m')).toBe('404 model_not_found')
  expect(a.sockets.open()).toBeGreaterThan(0)
  expect(await running).toBe('whole')
  await vi.waitFor(() => expect(a.sockets.open()).toBe(0), soon)
  expect(a.asked).toHaveLength(1)
})

test('a file that is wrong changes nothing and is named; what is right again is taken', async () => {
  const a = await startService('a', { models: ['m'] })
  const upstreams = [{ name: 'a', url: a.url }]
  const { node, write, ask, paths } = await startGateway({ upstreams })
  write({ upstreams: [{ name: 'b', kind: 'mistral' }] })
  await expect(node.live.reload()).rejects.toMatchObject({
    code: 'config_invalid',
    message: `${paths.configFile}: upstreams[0].keyEnv is missing: mistral wants a key, from keyEnv or keyFile`,
  })
  write({ upstreams: [...upstreams, { name: 'b', url: a.url, keyEnv: 'NOT_SET' }] })
  await expect(node.live.reload()).rejects.toThrow('upstream b takes its key from NOT_SET, which is not set')
  expect(node.live.setup()).toMatchObject({ generation: 1, upstreams: [{ name: 'a' }] })
  expect(await ask('m')).toBe('a')
  write({ upstreams, routing: { policy: 'priority' } })
  await node.live.reload()
  expect(node.live.setup()).toMatchObject({ generation: 2, routing: { policy: 'priority' } })
  const told = node.log.recent().flatMap(event => ('service' in event && event.service === 'setup' ? event.type : []))
  expect(told).toEqual(['service.failed', 'service.failed', 'service.recovered'])
})

test('what is written down twice alike is no change', async () => {
  const a = await startService('a', { models: ['m'] })
  const { node, write } = await startGateway({ upstreams: [{ name: 'a', url: a.url }] })
  write({ upstreams: [{ name: 'a', url: a.url }], log: { level: 'debug' } })
  await Promise.all([node.live.reload(), node.live.reload(), node.live.reload()])
  expect(node.live.setup().generation).toBe(1)
})

test('a server that is new and does not list its models delays a reload, and does not stop it', async () => {
  const [a, mute] = [await startService('a', { models: ['m'] }), await startService('b', { models: [], hangs: true })]
  const upstreams = [{ name: 'a', url: a.url }]
  const { node, write, ask } = await startGateway({ upstreams })
  write({ upstreams: [...upstreams, { name: 'mute', url: mute.url }] })
  const startedAt = performance.now()
  const reloading = node.live.reload()
  expect(await ask('m')).toBe('a')
  await reloading
  expect(performance.now() - startedAt).toBeLessThan(4_500)
  expect(await ask('m')).toBe('a')
}, 10_000)

test('the token of the run directory reloads, a key of an app does not, and what needs a restart is named', async () => {
  const a = await startService('a', { models: ['m'] })
  const { node, write, send, token } = await startGateway({})
  write({ upstreams: [{ name: 'a', url: a.url }], timeouts: { idleMs: 1_000 } })
  const reload = async (key: string | undefined) => {
    const answer = await send('/api/reload', {}, key)
    return { status: answer.status, ...((await answer.json()) as object) }
  }
  expect(await reload(node.firstKey)).toMatchObject({ status: 403 })
  expect(node.live.setup().generation).toBe(1)
  expect(await reload(token)).toEqual({
    ...{ status: 200, v: 1, generation: 2 },
    ...{ upstreams: ['a'], endpoints: [], needsRestart: ['timeouts'] },
  })
  write({ upstreams: [{ name: 'a' }] })
  expect(await reload(token)).toMatchObject({ status: 500, error: { code: 'config_invalid' } })
})

test('one try of a provider counts for nothing', async () => {
  const [a, b] = [
    await startService('a', { models: ['m'], key: 'right' }),
    await startService('hello', { models: ['m'], key: 'right' }),
  ]
  const upstreams = [
    { name: 'a', url: a.url, keyEnv: 'WRONG' },
    { name: 'b', url: b.url, keyEnv: 'RIGHT' },
  ]
  const { node } = await startGateway({ upstreams }, { env: { WRONG: 'wrong-canary', RIGHT: 'right' } })
  const call = { task: 'chat' as const, body: { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }] } }
  const ask = (name: string, signal = AbortSignal.timeout(5_000)) => node.live.ask(name, call, signal)
  expect(await ask('B')).toMatchObject({ ok: true, model: 'm', text: 'hello', usage: { total_tokens: 1_500 } })
  const refused = await ask('a')
  expect(refused).toMatchObject({ ok: false, error: { code: 'backend_refused' } })
  await expect(ask('c')).rejects.toMatchObject({ code: 'not_found' })
  b.before = () => sleep(60_000, undefined, { ref: false })
  const startedAt = performance.now()
  expect(await ask('b', AbortSignal.timeout(200))).toMatchObject({ ok: false, error: { code: 'timeout' } })
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  expect(node.status().targets).toEqual([])
  expect(node.log.recent().filter(({ type }) => type.startsWith('call.'))).toEqual([])
  expect(node.live.providers()).toMatchObject([
    { name: 'a', source: 'file', kind: 'openai', state: 'down', lastErrorCode: 'backend_refused', models: [] },
    { name: 'b', source: 'file', state: 'up', models: ['m'], running: 0 },
  ])
  if (!refused.ok) expect(refused.error).toBeInstanceOf(ParleyError)
})

test('a provider that cools down says until when, and why', async () => {
  const a = await startService('a', { models: ['m'] })
  const { node, ask } = await startGateway({ upstreams: [{ name: 'a', url: a.url }], routing: { attemptsMax: 1 } })
  a.before = response => response.writeHead(429, { 'retry-after': '30' }).end('{}')
  expect(await ask('m')).toMatch(/^(429|503)/)
  const [state] = node.live.providers()
  expect(state).toMatchObject({ name: 'a', state: 'resting', lastErrorCode: 'rate_limited', models: ['m'] })
  expect(Math.abs(state!.coolsDownUntil! - Date.now() - 30_000)).toBeLessThan(5_000)
})
