import { expect, onTestFinished, test } from 'vitest'
import { type ChatPiece, listModels, streamChat } from '../../src/openai/stream-client.ts'
import { cut, refuse, saidWhole, startFaultyUpstream } from '../faulty-upstream.ts'
import { startManaged } from './managed.ts'

const signal = new AbortController().signal

/** A node over two upstreams, the first of which is asked first, and a page that talks to it. */
async function start() {
  const [first, second] = await Promise.all([startFaultyUpstream(['m']), startFaultyUpstream(['m'])])
  onTestFinished(async () => void (await Promise.all([first.stop(), second.stop()])))
  const managed = await startManaged({
    routing: { policy: 'priority', sameProviderRetries: 0 },
    upstreams: [
      { name: 'first', url: first.url },
      { name: 'second', url: second.url },
    ],
  })
  const connection = { baseUrl: managed.node.url, key: managed.node.firstKey! }
  const ask = async (fields: object = {}, key = connection.key) => {
    const pieces: ChatPiece[] = []
    const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...fields }
    const stream = streamChat({ ...connection, key }, body, { signal, idleMs: 5_000 })
    for (;;) {
      const step = await stream.next()
      if (step.done === true) return { pieces, end: step.value }
      pieces.push(step.value)
    }
  }
  return { ...managed, first, second, connection, ask }
}

const textOf = (pieces: readonly ChatPiece[]) => pieces.map(piece => (piece.type === 'text' ? piece.text : '')).join('')

test('a page hears who answers, how often it was tried, and what it took', async () => {
  const { first, connection, ask, join } = await start()
  expect((await listModels(connection, { signal })).map(({ id }) => id)).toEqual(['m'])
  first.next(refuse(500))
  const { pieces, end } = await ask()
  expect(pieces[0]).toMatchObject({ type: 'start', provider: 'second', requestId: expect.any(String) })
  expect(pieces[1]).toMatchObject({ type: 'notice', code: 'failover', about: '1' })
  expect(textOf(pieces)).toBe(saidWhole)
  expect(end).toMatchObject({ finishReason: 'stop', usage: { prompt: 7, completion: 5 }, provider: 'second' })
  const { token } = await join('user')
  expect(textOf((await ask({}, token)).pieces)).toBe(saidWhole)
})

test('what the node refuses, and what breaks within, has the node’s code', async () => {
  const { first, ask } = await start()
  await expect(ask({ model: 'none' })).rejects.toMatchObject({ code: 'model_not_found', status: 404 })
  await expect(ask({}, 'sk-parley-unknown')).rejects.toMatchObject({ code: 'unauthorized', status: 401 })
  first.next(cut('rst'))
  await expect(ask()).rejects.toMatchObject({ code: 'stream_cut', requestId: expect.any(String) })
})
