import { Agent, request } from 'node:http'
import { expect, test } from 'vitest'
import { systemRandom } from '../../src/core/index.ts'
import { json, startFaultyUpstream, wholeBody } from '../faulty-upstream.ts'
import { startManaged } from './managed.ts'

const chats = '0198a000-0000-7000-8000-000000000001'
/** As even as 10,000 that are drawn by real chance: these are the same at every run. */
const calls = 2_500
const workers = 24

test('three of four calls go to the target of three times the weight, with nothing else said', {
  timeout: 180_000,
}, async () => {
  const [a, b] = await Promise.all([startFaultyUpstream(['big']), startFaultyUpstream(['small'])])
  for (const server of [a, b]) server.always(asked => json(200, wholeBody(asked.hit))(asked))
  const { node, api, addProvider } = await startManaged({}, { random: { ...systemRandom, fraction: evenly() } })
  await addProvider('a', a.url)
  await addProvider('b', b.url)
  const targets = [
    { provider: 'a', model: 'big', weight: 3 },
    { provider: 'b', model: 'small', weight: 1 },
  ]
  const put = await api(`PUT /endpoints/${chats}`, { mapping: { fast: { targets, aliases: ['quick'] } } })
  expect(put.status).toBe(200)
  const agent = new Agent({ keepAlive: true, maxSockets: workers })
  const chat = (model: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = { authorization: `Bearer ${node.firstKey}`, 'content-type': 'application/json' }
      const asked = request(`${node.url}/chat/completions`, { method: 'POST', agent, headers }, answer => {
        answer.resume().once('end', () => resolve(answer.statusCode!))
      })
      asked.once('error', reject).end(JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }))
    })
  let left = calls
  const statuses = new Set<number>()
  const work = async () => {
    while (left-- > 0) statuses.add(await chat(left % 2 === 0 ? 'fast' : 'quick'))
  }
  await Promise.all(Array.from({ length: workers }, work))
  agent.destroy()
  expect([...statuses]).toEqual([200])
  expect(a.hits.length + b.hits.length).toBe(calls)
  expect(a.hits.length / calls).toBeGreaterThan(0.73)
  expect(a.hits.length / calls).toBeLessThan(0.77)
  expect(a.hits[0]!.body.model).toBe('big')
  expect(b.hits[0]!.body.model).toBe('small')
  await a.stop()
  await b.stop()
})

/** Numbers from 0 to 1 that look like chance (mulberry32). */
function evenly(seed = 7): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
