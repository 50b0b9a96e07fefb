import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { createConfig, resolvePaths } from '../../src/config/index.ts'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { openStore } from '../../src/store/index.ts'
import { saidWhole, startFaultyUpstream } from '../faulty-upstream.ts'
import { makeKey } from './keys.ts'
import { createHome, startNode } from './stage.ts'

const messages = [{ role: 'user' as const, content: 'hi' }]

test('an equal call of the same key is answered without asking again, and recorded as that', async () => {
  const upstream = await startFaultyUpstream(['m'])
  onTestFinished(upstream.stop)
  const home = createHome()
  onTestFinished(home.remove)
  const { path: PARLEY_HOME } = home
  const upstreams = [{ name: 'upstream', url: upstream.url, prices: [{ in: '1', out: '2' }] }]
  const config = createConfig(
    { http: { port: 0 }, models: { nano: false }, upstreams, cache: { scope: 'own' } },
    resolvePaths({ PARLEY_HOME }),
  )
  const node = await startNode(config)
  onTestFinished(() => node.stop())
  const ai = new OpenAI({ baseURL: node.url, apiKey: node.firstKey!, maxRetries: 0 })
  const ask = async (client = ai) => {
    const { data, response } = await client.chat.completions.create({ model: 'm', messages }).withResponse()
    expect(data.choices[0]!.message.content).toBe(saidWhole)
    return response.headers.get('x-parley-cache')
  }
  const streamed = async () => {
    let said = ''
    for await (const { choices } of await ai.chat.completions.create({ model: 'm', messages, stream: true })) {
      said += choices[0]?.delta.content ?? ''
    }
    return said
  }
  expect([await ask(), await ask(), await streamed()]).toEqual(['MISS', 'HIT', saidWhole])
  const other = await makeKey(config.paths.storeFile, { name: 'other' })
  expect(await ask(ai.withOptions({ apiKey: other }))).toBe('MISS')
  expect(upstream.hits).toHaveLength(2)
  await node.stop()
  const store = await openStore({ path: config.paths.storeFile }, { clock: systemClock, random: systemRandom })
  const { rows } = await store.requests.list({}, { page: 1, limit: 10 })
  await store.close()
  const facts = rows
    .map(({ cache, cost, tokensOutput, provider }) => ({ cache, cost, tokensOutput, provider }))
    .reverse()
  const miss = { cache: 'miss', cost: 17n, tokensOutput: 5, provider: 'upstream' }
  expect(facts).toEqual([miss, { ...miss, cache: 'hit', cost: 0n }, { ...miss, cache: 'hit', cost: 0n }, miss])
})
