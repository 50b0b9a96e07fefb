import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/core/index.ts'
import { startGateway, startService } from './gateway.ts'
import { freePort } from './stage.ts'

const soon = { timeout: 5_000, interval: 50 }

/** A clock that can be put forward. */
function jumpingClock(): Clock & { jump: (ms: number) => void } {
  let ahead = 0
  return {
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic() + ahead,
    jump: ms => {
      ahead += ms
    },
  }
}

test('20 servers of which one hangs are ready in less than 5 seconds, all listed at once', async () => {
  const hanging = await startService('mute', { models: [], hangs: true })
  const services = await Promise.all(
    Array.from({ length: 19 }, (_, i) => startService(`s${i}`, { models: [`m-${i}`] })),
  )
  const upstreams = [hanging, ...services].map(({ url }, i) => ({ name: `u-${i}`, url }))
  const { startMs, models, ask } = await startGateway({ upstreams })
  expect(startMs).toBeLessThan(5_000)
  expect(await models()).toHaveLength(19)
  expect(await ask('m-7')).toBe('s7')
}, 20_000)

test('a node starts with all of its servers down, and has one within a minute after it comes up', async () => {
  const port = await freePort()
  const clock = jumpingClock()
  const upstreams = [{ name: 'a', url: `http://127.0.0.1:${port}/v1` }]
  const { models, node } = await startGateway({ upstreams }, { clock })
  expect([await models(), node.live.providers()[0]?.state]).toEqual([[], 'down'])
  // Down for long: it is looked for most seldom now.
  for (let i = 0; i < 8; i++) {
    clock.jump(30_000)
    await sleep(300)
  }
  await startService('a', { models: ['m'], port })
  clock.jump(60_000)
  await vi.waitFor(async () => expect(await models()).toEqual(['m']), soon)
  expect(node.live.providers()).toMatchObject([{ name: 'a', state: 'up', models: ['m'] }])
}, 20_000)

test('a server that dies leaves; a model that another has stays', async () => {
  const clock = jumpingClock()
  const [a, b] = [
    await startService('a', { models: ['shared', 'lost'] }),
    await startService('b', { models: ['shared'] }),
  ]
  const upstreams = [
    { name: 'a', url: a.url },
    { name: 'b', url: b.url },
  ]
  const { models, ask, node } = await startGateway({ upstreams, routing: { policy: 'priority' } }, { clock })
  expect([await models(), await ask('shared')]).toEqual([['lost', 'shared'], 'a'])
  await a.stop()
  // From the first failure on others go first.
  expect([await ask('shared'), await ask('shared')]).toEqual(['b', 'b'])
  expect(node.live.providers()[0]).toMatchObject({ name: 'a', state: 'resting', lastErrorCode: 'backend_failed' })
  clock.jump(120_000)
  await vi.waitFor(async () => expect(await models()).toEqual(['shared']), soon)
  expect([await ask('shared'), await ask('lost')]).toEqual(['b', '404 model_not_found'])
  expect(node.live.providers()).toMatchObject([
    { name: 'a', state: 'down', models: [] },
    { name: 'b', state: 'up' },
  ])
})

test('a server that has another model by now is asked for it', async () => {
  const clock = jumpingClock()
  const a = await startService('a', { models: ['old'] })
  const { models, ask } = await startGateway({ upstreams: [{ name: 'a', url: a.url }] }, { clock })
  expect(await models()).toEqual(['old'])
  a.models = ['new']
  clock.jump(60_000)
  await vi.waitFor(async () => expect(await models()).toEqual(['new']), soon)
  expect(await ask('new')).toBe('a')
})

test('an alert about a server that is down ends when the server is taken out', async () => {
  const clock = jumpingClock()
  const port = await freePort()
  const upstreams = [{ name: 'gone', url: `http://127.0.0.1:${port}/v1` }]
  const { node, write } = await startGateway({ upstreams }, { clock })
  const told = () =>
    node.log.recent().flatMap(event => ('alert' in event && event.subject === 'gone' ? event.type : []))
  await vi.waitFor(() => {
    clock.jump(10_000)
    expect(told()).toEqual(['alert.raised'])
  }, soon)
  write({})
  await node.live.reload()
  await vi.waitFor(() => {
    clock.jump(10_000)
    expect(told()).toEqual(['alert.raised', 'alert.resolved'])
  }, soon)
}, 15_000)
