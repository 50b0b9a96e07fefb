import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { createConfig, resolvePaths } from '../../src/config/index.ts'
import { createNode } from '../../src/node/index.ts'
import { usageOf } from '../../src/openai/index.ts'
import { secret, startService } from '../backends/service.ts'
import { serveLocally } from '../local-server.ts'
import { createHome } from '../node/stage.ts'
import { createScripted } from '../scripted.ts'
import { createFetchBackend } from './fetch-backend.ts'

test('a node answers by a backend that it is handed, and by a service that it is configured for', async () => {
  const mine = await serveLocally(createScripted('mine'))
  const claude = await startService('anthropic', async ({ request, say, response, json, dialect }) => {
    if (request.method === 'GET') return json(200, dialect.models?.(['claude-x']))
    await say({ type: 'start', promptTokens: 1 }, { type: 'text', text: 'I am Claude.' })
    await say({ type: 'end', reason: 'stop', usage: usageOf(1, 4) })
    response.end()
  })
  const home = createHome()
  for (const end of [mine.stop, claude.stop, home.remove]) onTestFinished(end)
  const upstreams = [{ name: 'claude', kind: 'anthropic' as const, url: claude.url, keyEnv: 'CLAUDE_KEY' }]
  const node = await createNode({
    config: createConfig(
      { http: { port: 0 }, models: { nano: false }, upstreams },
      resolvePaths({ PARLEY_HOME: home.path }),
    ),
    env: { CLAUDE_KEY: secret },
    backends: [createFetchBackend('mine', mine.url, 'sk-parley-test')],
  })
  onTestFinished(() => node.stop())
  await node.start(AbortSignal.timeout(20_000))
  const client = new OpenAI({ baseURL: node.url, apiKey: node.firstKey!, maxRetries: 0 })
  const ask = async (model: string) => {
    const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }] })
    return answer.choices[0]!.message.content
  }

  const models = (await client.models.list()).data.map(({ id }) => id)
  expect(models).toEqual(expect.arrayContaining(['say-5', 'claude-x']))
  expect(await ask('say-5')).toBe('w0 w1 w2 w3 w4 ')
  expect(await ask('claude-x')).toBe('I am Claude.')
  expect(claude.requests.at(-1)!.headers['x-api-key']).toBe(secret)
})
