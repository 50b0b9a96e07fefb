import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createPeer, type PeerBackend } from '../../src/backends/index.ts'
import { type ErrorCode, errorTable, ParleyError } from '../../src/core/index.ts'
import { encodeEvent } from '../../src/openai/index.ts'
import { chat, contextOf, drain } from '../compliance.ts'

const prompt = 'the secret of the prompt'
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A peer that answers whatever it likes. The encrypted connection below it is not what is tested here. */
async function peerThat(answers: RequestListener, maxStreams = 8): Promise<PeerBackend> {
  const server = createServer(answers)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const peer = createPeer({
    name: 'peer',
    open: async () => connect(port, '127.0.0.1'),
    connectTimeoutMs: 20_000,
    maxStreams,
  })
  cleanups.push(async () => {
    await peer.destroy()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return peer
}

function failure(code: unknown, details: Record<string, unknown> = {}) {
  return { error: { message: prompt, type: prompt, param: prompt, code, details: { ...details, prompt } } }
}

async function failed(work: Promise<unknown>): Promise<ParleyError> {
  const error = await work.then(
    () => undefined,
    cause => cause as unknown,
  )
  if (error instanceof ParleyError) return error
  throw new TypeError('it did not fail as it should', { cause: error })
}

function streaming(write: (response: Parameters<RequestListener>[1]) => void): RequestListener {
  return (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    write(response)
  }
}

function refusing(status: number, body: unknown, headers = {}): RequestListener {
  return (request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  }
}

const word = encodeEvent(JSON.stringify({ choices: [{ index: 0, delta: { content: 'hi' }, finish_reason: null }] }))
const last = encodeEvent(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }))
const done = encodeEvent('[DONE]')
const ask = (peer: PeerBackend, signal?: AbortSignal) =>
  drain(peer.run(chat('say-1'), contextOf(signal === undefined ? {} : { signal })))

describe('what a peer says of its failure', () => {
  const ofItself: ErrorCode[] = ['unauthorized', 'forbidden', 'internal', 'disk_full', 'cancelled', 'conflict']
  const ofMoney: ErrorCode[] = ['no_provider', 'ledger_conflict', 'chain_mismatch', 'wallet_locked', 'spending_cap']

  test.each([...ofItself, ...ofMoney, 'no_such_code', 'constructor', 401])('is not %s', async code => {
    const peer = await peerThat(refusing(401, failure(code)))
    expect(await failed(ask(peer))).toMatchObject({ code: 'backend_failed', saidBy: 'peer', mayRetry: true })
    const late = await peerThat(streaming(response => response.end(encodeEvent(JSON.stringify(failure(code))))))
    expect(await failed(ask(late))).toMatchObject({ code: 'backend_failed', saidBy: 'peer' })
  })

  test.each(['overloaded', 'need_voucher', 'insufficient_funds', 'voucher_lower', 'model_not_found'] as const)(
    'may be %s, in our words and with nothing of its own but amounts',
    async code => {
      const details = { cumulative: '12', accepted: '9'.repeat(78), covered: prompt, limit: '7' }
      const peer = await peerThat(refusing(402, failure(code, details), { 'retry-after': '999999999' }))
      const streamed = await peerThat(
        streaming(response => response.end(encodeEvent(JSON.stringify(failure(code, details))))),
      )
      for (const error of [await failed(ask(peer)), await failed(ask(streamed))]) {
        expect(error).toMatchObject({ code, message: `peer: ${errorTable[code].means}` })
        expect(error.details).toEqual({ cumulative: '12', accepted: '9'.repeat(78) })
        expect(error.param).toBeUndefined()
      }
      expect((await failed(peer.client.json('GET', '/x', undefined, AbortSignal.timeout(20_000)))).toBody()).toEqual(
        (await failed(ask(peer))).toBody(),
      )
      expect((await failed(ask(peer))).retryAfterSeconds).toBe(3_600)
    },
  )

  test('may be that its own key is dead: said of itself, not of this node', async () => {
    const peer = await peerThat(refusing(502, failure('backend_refused')))
    const { code, message, saidBy, mayRetry } = await failed(ask(peer))
    expect({ code, saidBy, mayRetry }).toEqual({ code: 'backend_refused', saidBy: 'peer', mayRetry: true })
    expect(message).toBe('peer: a server behind it refused its key or its plan; choose another provider')
  })

  test('does not become a reason to finish', async () => {
    const odd = encodeEvent(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: prompt }] }))
    const peer = await peerThat(streaming(response => response.end(Buffer.concat([word, odd, done]))))
    expect((await ask(peer)).outcome.finishReason).toBe('other')
  })
})

describe('the streams to a peer', () => {
  test('of the cash desk are free while all others are busy', async () => {
    let finish: (() => void) | undefined
    const peer = await peerThat((request, response) => {
      if (request.url === '/parley/v1/quote') {
        response.end('{}')
        finish?.()
      } else {
        streaming(open => {
          open.write(word)
          finish = () => open.end(Buffer.concat([last, done]))
        })(request, response)
      }
    }, 1)
    const reply = peer.run(chat('say-1'), contextOf())
    await reply.next()
    await peer.client.json('GET', '/parley/v1/quote', undefined, AbortSignal.timeout(10_000))
    expect((await drain(reply)).outcome.finishReason).toBe('stop')
  })

  test('are closed behind a running answer, its payment included', async () => {
    const finish = Promise.withResolvers<void>()
    const peer = await peerThat((request, response) => {
      if (request.method === 'GET') return void response.end('{}')
      streaming(open => {
        open.write(word)
        void finish.promise.then(() => open.end(Buffer.concat([last, done])))
      })(request, response)
    })
    const reply = peer.run(chat('say-1'), contextOf())
    await reply.next()
    const closed = peer.close()
    await peer.client.json('GET', '/parley/v1/quote', undefined, AbortSignal.timeout(10_000))
    expect(await failed(ask(peer))).toMatchObject({ code: 'peer_unreachable' })
    finish.resolve()
    expect((await drain(reply)).outcome.finishReason).toBe('stop')
    await closed
    await expect(
      peer.client.json('GET', '/parley/v1/quote', undefined, AbortSignal.timeout(10_000)),
    ).rejects.toMatchObject({ code: 'peer_unreachable' })
    await peer.close()
    await peer.destroy()
  })

  test.each(['the time is over', 'they are destroyed'])('break off an answer when %s', async what => {
    const peer = await peerThat(streaming(open => open.write(word)))
    const reply = peer.run(chat('say-1'), contextOf())
    await reply.next()
    const closed = peer.close(what === 'the time is over' ? 50 : undefined)
    const cut = expect(drain(reply)).rejects.toMatchObject({ code: 'stream_cut' })
    if (what === 'they are destroyed') await peer.destroy()
    await closed
    await cut
  })
})

describe('a request', () => {
  const peerBehind = (open: () => Promise<never>) => {
    const peer = createPeer({ name: 'peer', open, connectTimeoutMs: 1_000, maxStreams: 8 })
    cleanups.push(() => peer.destroy())
    return peer
  }

  test('that no stream could be opened for has not left this node', async () => {
    const busy = new ParleyError('overloaded', 'too many streams are open', { retryAfterSeconds: 3 })
    const [full, down] = [busy, new Error('refused')].map(cause => peerBehind(() => Promise.reject(cause)))
    expect(await failed(ask(full!))).toMatchObject({ code: 'overloaded', isUnsent: true, retryAfterSeconds: 3 })
    expect(await failed(ask(down!))).toMatchObject({ code: 'peer_unreachable', isUnsent: true })
  })

  test('that is cut may have been worked for', async () => {
    const early = await peerThat(request => request.socket.destroy())
    expect(await failed(ask(early))).toMatchObject({ code: 'peer_unreachable', isUnsent: false })
    const late = await peerThat(streaming(response => response.write(word, () => response.destroy())))
    expect(await failed(ask(late))).toMatchObject({ code: 'stream_cut', isUnsent: false })
  })
})
