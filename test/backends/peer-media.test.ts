import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPeer, type PeerBackend } from '../../src/backends/index.ts'
import type { RelayedCall } from '../../src/core/index.ts'
import { Chunk, encodeComment, encodeEvent } from '../../src/openai/index.ts'
import { piecesOf } from '../../src/session/index.ts'
import { contextOf, drain, until } from '../compliance.ts'

const words = 'the secret of the prompt'
const speech: RelayedCall = { task: 'speech', body: { model: 'm', input: words } }
const image: RelayedCall = { task: 'image', body: { model: 'm', prompt: words } }
const file = { name: 'file', file: { name: 'a.wav', type: 'audio/wav', bytes: new Uint8Array(8) } }
const transcription: RelayedCall = { task: 'transcription', body: { model: 'm', form: [file] } }
const asText: RelayedCall = {
  task: 'transcription',
  body: { model: 'm', form: [file, { name: 'response_format', value: 'text' }] },
}

let peer: PeerBackend
/** What the peer writes; the encrypted connection below is not what is tested here. */
let write: (response: ServerResponse) => void
let asked: { path: string | undefined; accept: string | undefined }
let connections = 0
let left = 0
const server = createServer((request, response) => {
  request.resume()
  asked = { path: request.url, accept: request.headers.accept }
  response.on('close', () => void (left += response.writableFinished ? 0 : 1))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  write(response)
})

beforeAll(async () => {
  server.on('connection', () => void connections++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const open = async () => connect(port, '127.0.0.1')
  peer = createPeer({ name: 'peer', open, connectTimeoutMs: 20_000, maxStreams: 3 })
})
afterAll(async () => {
  await peer.destroy()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const done = encodeEvent('[DONE]')
const raw = (text: string | Uint8Array, contentType?: string, isLast = false) => [
  ...piecesOf(Chunk.raw(Buffer.from(text), { ...(contentType && { contentType }), isLast })),
]
const piece = (json: unknown) => encodeEvent(JSON.stringify(json), 'parley.piece')
const message = Chunk.message('parley.receipt', { message: {} }).bytes

function answering(...events: Uint8Array[]): void {
  write = response => response.end(Buffer.concat(events))
}

const ask = (call: RelayedCall) => drain(peer.run(call, contextOf()))

describe('an answer in pieces', () => {
  test('is put together again: its bytes, its type, and messages where they stood', async () => {
    const sound = Buffer.from(Array.from({ length: 150_000 }, (_, i) => i % 251))
    answering(encodeComment('ping'), ...raw(sound, 'audio/mpeg'), message, ...raw('end'), done)
    const { chunks } = await ask(speech)
    expect(asked).toEqual({ path: '/v1/audio/speech', accept: 'text/event-stream' })
    expect(chunks.map(({ event }) => event)).toEqual([undefined, 'parley.receipt', undefined])
    expect(Buffer.from(chunks[0]!.bytes).equals(sound)).toBe(true)
    expect(chunks[0]!.meta.contentType).toBe('audio/mpeg')
    expect(Buffer.from(chunks[2]!.bytes).toString()).toBe('end')
  })

  test('is one body where it says so, with what it counts', async () => {
    const body = { data: [{ url: 'a' }, { url: 'b' }], usage: { input_tokens: 1, output_tokens: 2 } }
    answering(...raw(JSON.stringify(body), 'application/json', true), done)
    const { chunks, outcome } = await ask(image)
    expect(chunks).toMatchObject([{ isRaw: true, meta: { isLast: true, contentType: 'application/json' } }])
    expect(chunks[0]!.json()).toEqual(body)
    expect(outcome).toMatchObject({ servedBy: 'peer', units: { unit: 'images', count: 2 }, usage: { total_tokens: 3 } })
  })

  test('may be text where text was asked for', async () => {
    answering(...raw('1\r\n00:00\r\nhi\r\n', 'text/plain; charset=utf-8', true), done)
    expect(Buffer.from((await ask(asText)).chunks[0]!.bytes).toString()).toBe('1\r\n00:00\r\nhi\r\n')
  })

  test('leaves the stream to the next call', async () => {
    answering(...raw('a', 'audio/mpeg'), done)
    await ask(speech)
    const before = connections
    for (let i = 0; i < 5; i++) await ask(speech)
    expect(connections).toBe(before)
  })

  test('stops at the peer when its reader leaves', async () => {
    const before = left
    write = response => void response.write(raw('a', 'audio/mpeg')[0])
    const reply = peer.run(speech, contextOf())
    await reply.next()
    await reply.return(undefined as never)
    expect(await until(() => left === before + 1)).toBe(true)
  })
})

describe('a peer that answers what it should not', () => {
  const half = raw(Buffer.alloc(100_000), 'audio/mpeg').slice(0, 2)
  test.each<[string, RelayedCall, Uint8Array[], string]>([
    ['nothing', speech, [], 'stream_cut'],
    ['an end alone', speech, [done], 'stream_cut'],
    ['sound without an end', speech, raw('a', 'audio/mpeg'), 'stream_cut'],
    ['an end in the midst of a chunk', speech, [...half, done], 'stream_cut'],
    ['half an event', speech, [...raw('a'), raw('b')[0]!.subarray(0, 30)], 'stream_cut'],
    ['a piece that is not JSON', speech, [encodeEvent('{"bytes":', 'parley.piece'), done], 'backend_failed'],
    ['a piece of another shape', speech, [piece({ bytes: 7 }), done], 'backend_failed'],
    ['bytes that are not base64', speech, [piece({ bytes: '####' }), done], 'backend_failed'],
    ['pieces of nothing', speech, [piece({ bytes: '', more: true }), done], 'backend_failed'],
    [
      'a type that ends the header',
      speech,
      [piece({ bytes: '', type: 'a/b\r\nset-cookie: x' }), done],
      'backend_failed',
    ],
    ['a page in place of sound', speech, [...raw('<h1>', 'text/html'), done], 'backend_failed'],
    ['a page in place of a picture', image, [...raw('<h1>', 'text/html', true), done], 'backend_failed'],
    ['text where JSON was asked for', transcription, [...raw('hi', 'text/plain', true), done], 'backend_failed'],
    [
      'an error that calls itself a body',
      image,
      [...raw('{"error":{}}', 'application/json', true), done],
      'backend_failed',
    ],
    [
      'an error event',
      image,
      [encodeEvent(JSON.stringify({ error: { message: words, code: 'overloaded' } }))],
      'overloaded',
    ],
  ])('%s: is told as such, without its words', async (_what, call, events, code) => {
    answering(...events)
    const refused = ask(call)
    await expect(refused).rejects.toMatchObject({ code, mayRetry: true })
    await expect(refused).rejects.not.toThrow(words)
  })

  test('a body that never ends is not kept', async () => {
    const large = piece({ bytes: Buffer.alloc(1 << 20).toString('base64'), more: true })
    write = response => {
      const more = () => {
        while (!response.destroyed && response.write(large));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    await expect(ask(image)).rejects.toMatchObject({ code: 'backend_failed' })
  })

  test('a connection that breaks is a cut answer', async () => {
    write = response => {
      response.write(raw('a', 'audio/mpeg')[0])
      setTimeout(() => response.destroy(), 20)
    }
    await expect(ask(speech)).rejects.toMatchObject({ code: 'stream_cut' })
  })
})
