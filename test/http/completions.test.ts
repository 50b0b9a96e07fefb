import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { attempt } from '../../src/gateway/timeouts.ts'
import { contextOf, drain } from '../compliance.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'

type Body = Record<string, unknown>

const asked: Body[] = []
let slowMs = 0
let upstream: UpstreamBackend
let server: LocalServer
let client: OpenAI

/** As the original does it: the best of several answers is known in the end, so it has no stream of them. */
const service = createServer(async (request, response) => {
  const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Body
  asked.push(body)
  const refused = body.stream === true && Number(body.best_of ?? 1) > 1
  response.writeHead(refused ? 400 : 200, { 'content-type': 'application/json' })
  await sleep(slowMs)
  if (refused) return void response.end(JSON.stringify({ error: { message: 'best_of streams not', param: 'best_of' } }))
  const text = `${body.echo === true ? body.prompt : ''}${body.max_tokens === 0 ? '' : ' answer'}`
  const logprobs = body.logprobs === undefined ? null : { tokens: ['a'], token_logprobs: [-0.5] }
  const choices = [{ index: 0, text, logprobs, finish_reason: 'length' }]
  const usage = { prompt_tokens: 1, completion_tokens: body.max_tokens === 0 ? 0 : 7, total_tokens: 8 }
  response.end(JSON.stringify({ id: 'c', object: 'text_completion', created: 1, model: 'm', choices, usage }))
})

beforeAll(async () => {
  await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/v1`
  upstream = createUpstream({ name: 'up', url, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 4 })
  server = await serveLocally(upstream)
  client = new OpenAI({ apiKey: 'sk-parley-test', baseURL: server.url, maxRetries: 0 })
})
beforeEach(() => {
  asked.length = 0
  slowMs = 0
})
afterAll(async () => {
  await Promise.all([server.stop(), upstream.close()])
  service.closeAllConnections()
  await new Promise(resolve => service.close(resolve))
})

test('the best of several answers is asked in one body, and comes as one', async () => {
  const { choices, usage } = await client.completions.create({ model: 'm', prompt: 'say', best_of: 3, max_tokens: 5 })
  expect(choices).toMatchObject([{ text: ' answer', finish_reason: 'length' }])
  expect(usage).toMatchObject({ completion_tokens: 7 })
  expect(asked).toEqual([{ model: 'm', prompt: 'say', best_of: 3, max_tokens: 5 }])
})

test('a prompt is echoed with what the model makes of it, and without an answer', async () => {
  const request = { model: 'm', prompt: 'say', echo: true, max_tokens: 0, logprobs: 1 }
  const { choices, usage } = await client.completions.create(request)
  expect(choices).toMatchObject([{ text: 'say', logprobs: { token_logprobs: [-0.5] }, finish_reason: 'length' }])
  expect(usage).toMatchObject({ completion_tokens: 0 })
  expect(asked).toEqual([request])
})

test('what a server says of a stream of them reaches the app', async () => {
  const stream = client.completions.create({ model: 'm', prompt: 'say', best_of: 3, stream: true })
  await expect(stream).rejects.toMatchObject({ status: 400, param: 'best_of' })
  for (const wrong of [{ best_of: 0 }, { max_tokens: -1 }]) {
    await expect(client.completions.create({ model: 'm', prompt: 'say', ...wrong })).rejects.toMatchObject({
      status: 400,
      param: Object.keys(wrong)[0],
    })
  }
})

test('an answer in one body may take its whole time: nothing is heard of it before', async () => {
  slowMs = 300
  const call = { task: 'completion' as const, body: { model: 'm', prompt: 'say', best_of: 2 } }
  const bounds = { firstChunkMs: 100, idleMs: 5_000, totalMs: 5_000 }
  const progress = { spokeAt: undefined, isTimedOut: false }
  const reply = attempt(upstream, call, contextOf(), bounds, () => performance.now(), progress)
  expect((await drain(reply)).outcome).toMatchObject({ usage: { completion_tokens: 7 } })
})
