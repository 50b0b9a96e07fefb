import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createUpstream } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { boundedFolder } from '../../src/http/bounded-folder.ts'
import { Chunk, chatFolder, embeddingFolder } from '../../src/openai/index.ts'
import { until } from '../compliance.ts'
import { serveLocally } from '../local-server.ts'

const said = (content: string, more = {}) =>
  Chunk.of({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }], ...more })

test('a folder takes no more than its bound, whatever it would keep', () => {
  const tooMuch = expect.objectContaining({ code: 'backend_failed', message: expect.stringMatching(/stream: true/) })
  const words = boundedFolder(chatFolder(), 1_000)
  words.add(said('x'.repeat(800)))
  expect(() => words.add(said('x'.repeat(300)))).toThrow(tooMuch)
  const fields = boundedFolder(chatFolder(), 1_000)
  expect(() => {
    for (let i = 0; i < 200; i++) fields.add(said('', { [`field-${i}`]: i }))
  }).toThrow(tooMuch)
  const vectors = boundedFolder(embeddingFolder('float'), 1_000)
  expect(() => vectors.add(Chunk.of({ data: [{ embedding: Array(500).fill(0.5) }] }))).toThrow(tooMuch)
})

test('an answer without end is refused with its reason when it was to come as one body, and its upstream stopped', async () => {
  let isGone = false
  const event = Buffer.from(`data: ${JSON.stringify(said('y'.repeat(500_000)).json())}\n\n`)
  const endless = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const more = () => {
      while (!isGone && response.write(event));
    }
    response.on('drain', more).on('close', () => {
      isGone = true
    })
    more()
  })
  await new Promise<void>(resolve => endless.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/v1`
  const upstream = createUpstream({ name: 'up', url, clock: systemClock, connectTimeoutMs: 1_000, maxConnections: 1 })
  const server = await serveLocally(upstream)
  onTestFinished(async () => {
    await Promise.all([server.stop(), upstream.close()])
    endless.closeAllConnections()
    await new Promise(resolve => endless.close(resolve))
  })
  const answer = await fetch(`${server.url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-parley-test', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
  })
  expect(answer.status).toBe(502)
  expect(await answer.json()).toMatchObject({
    error: { code: 'backend_failed', message: expect.stringContaining('larger than') },
  })
  expect(await until(() => isGone)).toBe(true)
})
