import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { createService, type ServiceOptions } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { usageOf } from '../../src/openai/index.ts'
import { serveLocally } from '../local-server.ts'
import { startService } from './service.ts'

const stops: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const common = { name: 'far', models: ['m'], env: {}, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 1 }

function create(options: Partial<ServiceOptions> & Pick<ServiceOptions, 'kind'>) {
  const service = createService({ ...common, ...options })
  stops.push(service.backend.close)
  return service
}

describe('a service', () => {
  test.each<[Partial<ServiceOptions> & Pick<ServiceOptions, 'kind'>, string]>([
    [{ kind: 'openai', url: 'http://127.0.0.1:9/v1' }, 'http://127.0.0.1:9/v1'],
    [{ kind: 'anthropic', apiKey: 'k' }, 'https://api.anthropic.com/v1'],
    [{ kind: 'anthropic', apiKey: 'k', url: 'https://proxy.example/v1/' }, 'https://proxy.example/v1'],
    [{ kind: 'bedrock', apiKey: 'k', region: 'cn-north-1' }, 'https://bedrock-runtime.cn-north-1.amazonaws.com.cn'],
    [{ kind: 'azure', apiKey: 'k', resource: 'ours' }, 'https://ours.openai.azure.com/openai/v1'],
  ])('of %j is at %s', (options, url) => {
    expect(create(options).url).toBe(url)
  })

  test('of Amazon takes the keys of an account where it has none of its own', () => {
    const aws = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret' }
    expect(() => create({ kind: 'bedrock', region: 'eu-central-1', env: aws })).not.toThrow()
    expect(() => create({ kind: 'bedrock', region: 'eu-central-1' })).toThrow(/far has no key; set keyEnv, keyFile/)
  })
})

test('the official SDK of OpenAI streams, calls tools and embeds by services that speak otherwise', async () => {
  const far = await startService('google', async ({ request, say, response, json, dialect }) => {
    if (dialect.isEmbedding(request.path)) return json(200, dialect.embedding([0.5, 2], 3))
    await say({ type: 'thought', text: 'hm' }, { type: 'text', text: 'Let me look. ' })
    await say({ type: 'call', id: 'c1', name: 'weather', args: '{"city":"Bern"}' })
    await say({ type: 'end', reason: 'tool_calls', usage: usageOf(5, 7) })
    response.end()
  })
  const front = await serveLocally(far.backend)
  stops.push(far.stop, front.stop)
  const client = new OpenAI({ baseURL: front.url, apiKey: 'sk-parley-test', maxRetries: 0 })
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } }]
  const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Bern?' }], tools }

  const streamed = await client.chat.completions.stream(request).finalChatCompletion()
  const whole = await client.chat.completions.create(request)
  for (const { choices } of [streamed, whole]) {
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'Let me look. ' } })
    expect(choices[0]!.message.tool_calls).toMatchObject([
      { function: { name: 'weather', arguments: '{"city":"Bern"}' } },
    ])
  }
  expect(whole.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 7 })
  const { data } = await client.embeddings.create({ model: 'm', input: 'hi' })
  expect(data[0]!.embedding).toEqual([0.5, 2])
})
