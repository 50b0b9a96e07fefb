import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { type LocalServer, serveLocally } from '../local-server.ts'
import { type MediaService, startMediaService } from '../media-service.ts'
import { type Passing, startPassing } from '../passing.ts'

let service: MediaService
let upstream: UpstreamBackend
let passing: Passing
let server: LocalServer

beforeAll(async () => {
  service = await startMediaService(['tts'])
  const bounds = { connectTimeoutMs: 1_000, maxConnections: 8 }
  upstream = createUpstream({ name: 'keeper', url: service.url, clock: systemClock, ...bounds })
  passing = startPassing(() => [upstream.passage!])
  passing.passages.ownership.add('key:test', { kind: 'file', provider: 'keeper', id: 'file-1' })
})
beforeEach(async () => {
  server = await serveLocally(upstream, { passages: passing.passages })
})
afterAll(async () => {
  passing.stop()
  await server.stop()
  await upstream.close()
  await service.stop()
})

const piece = Buffer.alloc(40_000, 7)
const speech = JSON.stringify({ model: 'tts', input: 'hi', voice: 'a' })
const asked = [
  ['a file', 'GET /v1/files/file-1/content', '', 'application/jsonl'],
  ['sound', 'POST /v1/audio/speech', speech, 'audio/mpeg'],
] as const

/** Reads an answer as HTTP/1.0 does, to the end of the connection, and tells which end that was. */
async function readToEnd(route: string, body: string, onBytes: () => void): Promise<{ end: string; bytes: number }> {
  const { port, hostname } = new URL(server.url)
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect(Number(port), hostname)
  let bytes = 0
  socket.once('end', () => resolve('whole')).once('error', ({ message }) => resolve(message))
  socket.on('data', data => {
    bytes += data.length
    onBytes()
  })
  const head = `host: localhost\r\nauthorization: Bearer sk-parley-test\r\ncontent-type: application/json`
  socket.write(`${route} HTTP/1.0\r\n${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  const end = await promise
  socket.destroy()
  return { end, bytes }
}

/** Says so much, and goes on as told. */
function begin(type: string, then: (response: Parameters<MediaService['answer']>[1]) => void) {
  service.answer = (_hit, response) => {
    response.writeHead(200, { 'content-type': type }).write(piece)
    then(response)
  }
}

test.each(asked)('%s that is whole ends the connection in order', async (_what, route, body, type) => {
  begin(type, response => void response.end())
  expect(await readToEnd(route, body, () => {})).toMatchObject({ end: 'whole' })
})

test.each(asked)(
  '%s that its server cuts never looks whole, not even to HTTP/1.0',
  async (_what, route, body, type) => {
    let cut = () => {}
    begin(type, response => {
      cut = () => void response.destroy()
    })
    const { end, bytes } = await readToEnd(route, body, () => cut())
    expect({ end, isBegun: bytes > 0 }).toEqual({ end: expect.stringContaining('ECONNRESET'), isBegun: true })
  },
)

test.each(asked)('%s that ends with the node never looks whole', async (_what, route, body, type) => {
  begin(type, () => {})
  const { end } = await readToEnd(route, body, () => void server.stop())
  expect(end).toContain('ECONNRESET')
})
