import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { type Clock, systemClock } from '../../src/core/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function upstreamThat(
  answers: RequestListener,
  models: readonly string[] = [],
  clock: Clock = systemClock,
): Promise<UpstreamBackend> {
  const server = createServer((request, response) => {
    request.resume()
    answers(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const upstream = createUpstream({ name: 'up', url, models, clock, connectTimeoutMs: 20_000, maxConnections: 8 })
  cleanups.push(async () => {
    await upstream.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return upstream
}

const signal = () => AbortSignal.timeout(20_000)

test('an upstream that sends no head in its time is given up', async () => {
  const server = createServer(request => void request.resume())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const bounds = { connectTimeoutMs: 1_000, headersMs: 500, maxConnections: 1 }
  const upstream = createUpstream({ name: 'up', url, clock: systemClock, ...bounds })
  cleanups.push(async () => {
    await upstream.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  await expect(drain(upstream.run(chat('m'), contextOf({ signal: signal() })))).rejects.toMatchObject({
    code: 'timeout',
    message: 'up did not begin to answer in time; try another provider',
  })
})

describe('the models of an upstream', () => {
  const unlisted: [what: string, status: number, body: string][] = [
    ['has no such route', 404, 'not found'],
    ['does not allow it', 405, ''],
    ['has not built it', 501, '{}'],
    ['answers a page', 200, '<html></html>'],
    ['answers something else', 200, '{"models":["a"]}'],
  ]
  test.each(unlisted)('are those configured when it %s', async (_what, status, body) => {
    const answers: RequestListener = (_request, response) => void response.writeHead(status).end(body)
    const upstream = await upstreamThat(answers, ['a', 'b'])
    expect(await upstream.models(signal())).toMatchObject([
      { id: 'a', object: 'model' },
      { id: 'b', object: 'model' },
    ])
    await expect((await upstreamThat(answers)).models(signal())).rejects.toMatchObject({ name: 'ParleyError' })
  })

  test('are taken as far as they are said in a way this node knows', async () => {
    const entries = [
      {
        id: 'a',
        created: 7,
        context_length: 8_192,
        pricing: { prompt: '0.000002', completion: '0.00001', image: '0' },
      },
      {
        id: 'b',
        created: null,
        owned_by: null,
        context_length: null,
        max_model_len: 0,
        capabilities: { vision: true },
      },
    ]
    const list = JSON.stringify({ data: entries })
    const upstream = await upstreamThat((_request, response) => void response.end(list))
    const [a, b] = await upstream.models(signal())
    expect(a).toMatchObject({ id: 'a', created: 7, owned_by: 'up', context_length: 8_192, pricing: undefined })
    expect(b).toMatchObject({ id: 'b', created: 0, owned_by: 'up', capabilities: undefined, max_model_len: undefined })
    expect(b?.context_length).toBeUndefined()
  })

  test.each([401, 500, 503])('are unknown when it answers %i', async status => {
    const upstream = await upstreamThat((_request, response) => void response.writeHead(status).end(), ['a'])
    await expect(upstream.models(signal())).rejects.toMatchObject({ name: 'ParleyError' })
  })

  test('outlast a listing that failed, for a while', async () => {
    let now = 0
    let status = 200
    const clock: Clock = { now: () => now, monotonic: () => now }
    const list = JSON.stringify({ data: [{ id: 'a' }] })
    const upstream = await upstreamThat(
      (_request, response) => void response.writeHead(status).end(list),
      undefined,
      clock,
    )
    expect(await upstream.models(signal())).toHaveLength(1)
    status = 500
    now = 60_000
    expect(await upstream.models(signal())).toHaveLength(1)
    now = 100_000
    await expect(upstream.models(signal())).rejects.toMatchObject({ code: 'backend_failed' })
  })
})

test.each([
  [301, 'backend_failed'],
  [307, 'backend_failed'],
  [400, 'invalid_request'],
  [422, 'invalid_request'],
  [500, 'backend_failed'],
])('an upstream that answers %i is %s', async (status, code) => {
  const upstream = await upstreamThat(
    (_request, response) => void response.writeHead(status, { location: '/else' }).end('words of its own'),
  )
  await expect(drain(upstream.run(chat('say-1'), contextOf()))).rejects.toMatchObject({
    code,
    message: expect.stringMatching(new RegExp(`^up answered ${status}: [^"]*$`)),
  })
})
