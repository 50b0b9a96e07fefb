import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { systemRandom } from '../../src/core/index.ts'
import { createFront } from '../../src/http/front.ts'

/** A front that takes its time with each answer. */
async function startFront(answerMs: number) {
  const front = createFront({
    routes: {
      'GET /slow': async ({ response }) => {
        response.write('begun ')
        await sleep(answerMs)
        response.end('and ended')
      },
    },
    identify: () => ({ principal: { kind: 'self', id: 'test' } }),
    reader: 'other',
    random: systemRandom,
    headersTimeoutMs: 5_000,
    requestTimeoutMs: 5_000,
    stallMs: 1_000,
    maxConnections: 10,
    onError: () => undefined,
  })
  const { port } = await front.listen('127.0.0.1', 0)
  onTestFinished(() => front.close(AbortSignal.abort()))
  return { front, port, url: `http://127.0.0.1:${port}/slow` }
}

test('a front that closes ends the answers that run, and its connections with them', async () => {
  const { front, url } = await startFront(200)
  const answer = await fetch(url)
  const closing = front.close(AbortSignal.timeout(10_000))
  const at = performance.now()
  expect(await answer.text()).toBe('begun and ended')
  await closing
  expect(performance.now() - at).toBeLessThan(5_000)
  await expect(fetch(url)).rejects.toThrow()
})

test('who is quiet on an open connection holds nothing up', async () => {
  const { front, port } = await startFront(200)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const ended = once(socket.resume(), 'close')
  await sleep(20)
  await front.close(AbortSignal.timeout(300))
  await ended
})

test('its bound breaks off what runs for longer', async () => {
  const { front, url } = await startFront(5_000)
  const answer = await fetch(url)
  const text = answer.text()
  const broken = expect(text).rejects.toThrow()
  await front.close(AbortSignal.timeout(100))
  await broken
})
