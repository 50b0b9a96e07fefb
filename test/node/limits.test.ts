import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Config, createConfig, resolvePaths } from '../../src/config/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import type { ParleyNode } from '../../src/node/index.ts'
import { openStore } from '../../src/store/index.ts'
import { type FaultyUpstream, startFaultyUpstream } from '../faulty-upstream.ts'
import { makeKey } from './keys.ts'
import { createHome, startNode } from './stage.ts'

const messages = [{ role: 'user' as const, content: 'hi' }]

let upstream: FaultyUpstream
let home: ReturnType<typeof createHome>
let config: Config
let node: ParleyNode

beforeAll(async () => {
  upstream = await startFaultyUpstream(['big', 'small'])
  home = createHome()
  config = createConfig(
    {
      http: { port: 0 },
      models: { nano: false },
      upstreams: [{ name: 'upstream', url: upstream.url, prices: [{ in: '1', out: '2' }] }],
    },
    resolvePaths({ PARLEY_HOME: home.path }),
  )
  node = await startNode(config)
})
afterAll(async () => {
  await node.stop()
  await upstream.stop()
  home.remove()
})

async function clientOf(wish: Parameters<typeof makeKey>[1]): Promise<OpenAI> {
  const apiKey = await makeKey(config.paths.storeFile, wish)
  return new OpenAI({ baseURL: node.url, apiKey, maxRetries: 0 })
}

test('calls over the rate of a key are refused with what is left and how long to wait', async () => {
  const ai = await clientOf({ name: 'slow', rpm: 3 })
  const left: (string | null)[] = []
  for (let call = 0; call < 3; call++) {
    const { response } = await ai.chat.completions.create({ model: 'big', messages }).withResponse()
    left.push(response.headers.get('x-ratelimit-remaining-requests'))
    expect(response.headers.get('x-ratelimit-limit-requests')).toBe('3')
  }
  expect(left).toEqual(['2', '1', '0'])
  const before = upstream.hits.length
  const refused = await ai.chat.completions.create({ model: 'big', messages }).catch(cause => cause)
  expect(refused).toBeInstanceOf(OpenAI.RateLimitError)
  expect(refused.code).toBe('rate_limited')
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  await expect(ai.embeddings.create({ model: 'big', input: 'hi' })).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  await expect(ai.moderations.create({ model: 'big', input: 'hi' })).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  await expect(ai.files.list()).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  expect(upstream.hits.length).toBe(before)
})

test('a key that may ask for some models knows of no other', async () => {
  const ai = await clientOf({ name: 'narrow', models: ['small'] })
  expect((await ai.models.list()).data.map(({ id }) => id)).toEqual(['small'])
  await expect(ai.models.retrieve('big')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  await expect(ai.chat.completions.create({ model: 'big', messages })).rejects.toBeInstanceOf(
    OpenAI.PermissionDeniedError,
  )
  expect((await ai.chat.completions.create({ model: 'small', messages })).choices).toHaveLength(1)
})

test('what a project has set reaches its upstream and not its callers', async () => {
  const preset = {
    system: 'Answer like a pirate.',
    defaults: { temperature: 0.3 },
    forced: { max_tokens: 64 },
    aliases: { house: 'big' },
  }
  const [ai, other] = [await clientOf({ name: 'pirates', preset }), await clientOf({ name: 'plain' })]
  upstream.reset()
  const answer = await ai.chat.completions.create({ model: 'house', messages, max_tokens: 9_000 })
  await other.chat.completions.create({ model: 'big', messages })
  const [set, plain] = upstream.hits.map(({ body }) => body)
  expect(set).toMatchObject({ model: 'big', temperature: 0.3, max_tokens: 64 })
  expect(set!.messages).toEqual([{ role: 'system', content: 'Answer like a pirate.' }, ...messages])
  expect(plain!.messages).toEqual(messages)
  expect(plain).not.toHaveProperty('temperature')
  expect(answer.model).toBe('house')
  expect((await ai.models.list()).data.map(({ id }) => id).sort()).toEqual(['house', 'small'])
})

test('a budget that is nearly spent is told of, is an alert, and lets nothing go over it', async () => {
  const apiKey = await makeKey(config.paths.storeFile, { name: 'frugal' })
  const store = await openStore({ path: config.paths.storeFile }, { clock: systemClock, random: systemRandom })
  const { id } = (await store.keys.list({}, { page: 1, limit: 100 })).rows.find(({ name }) => name === 'frugal')!
  await store.budgets.create({ scope: 'key', scopeId: id, amount: 20n, window: 'total', isHard: true })
  await store.close()
  const ai = new OpenAI({ baseURL: node.url, apiKey, maxRetries: 0 })
  const body = { model: 'big', messages, max_tokens: 5 }
  await ai.chat.completions.create(body)
  const told = () => node.log.recent().filter(({ type }) => type === 'budget.crossed')
  await expect.poll(told, { timeout: 5_000 }).toMatchObject([{ scope: 'key', scopeId: id, percent: 85 }])
  await expect
    .poll(() => node.log.recent().find(event => event.type === 'alert.raised' && event.subject === `key ${id}`), {
      timeout: 10_000,
    })
    .toMatchObject({ value: 85, threshold: 80 })
  const refused = await ai.chat.completions.create(body).catch(cause => cause)
  expect([refused.status, refused.code]).toEqual([429, 'budget_exceeded'])
})
