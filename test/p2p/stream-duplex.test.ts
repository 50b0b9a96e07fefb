import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StreamDuplex } from '../../src/p2p/stream-duplex.ts'
import { never, socketPair, startProvider, startUser, targetOf, until } from './nodes.ts'

const mebibyte = 1024 * 1024

async function pair() {
  const provider = await startProvider()
  const user = await startUser()
  return { user, provider, ...(await socketPair(user, provider)) }
}

async function writeAll(socket: Duplex, bytes: number, onWrite: () => void): Promise<string> {
  const hash = createHash('sha256')
  const block = randomBytes(64 * 1024)
  for (let sent = 0; sent < bytes; sent += block.length) {
    block.writeUInt32BE(sent, 0)
    const copy = Buffer.from(block)
    hash.update(copy)
    if (!socket.write(copy)) await once(socket, 'drain')
    onWrite()
  }
  socket.end()
  return hash.digest('hex')
}

async function readSlowly(socket: Duplex): Promise<{ bytes: number; digest: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  let pauses = 0
  for await (const chunk of socket) {
    hash.update(chunk)
    bytes += chunk.length
    if (bytes > pauses * 2 * mebibyte) {
      pauses++
      await delay(20)
    }
  }
  return { bytes, digest: hash.digest('hex') }
}

for (const direction of ['to the provider', 'to the user']) {
  test(`50 MiB through a slow reader ${direction} keep both ends' queues small`, async () => {
    const { near, far } = await pair()
    const [writer, reader] = direction === 'to the provider' ? [near, far] : [far, near]
    let senderMax = 0
    let readerMax = 0
    const written = writeAll(writer, 50 * mebibyte, () => {
      senderMax = Math.max(senderMax, (writer as StreamDuplex).bufferedBytes)
      readerMax = Math.max(readerMax, (reader as StreamDuplex).bufferedBytes)
    })
    const read = await readSlowly(reader)
    expect(read).toEqual({ bytes: 50 * mebibyte, digest: await written })
    expect(senderMax).toBeLessThan(mebibyte)
    expect(readerMax).toBeLessThan(3 * mebibyte)
  }, 60_000)
}

test('a reader that never reads stops the writer', async () => {
  const { near } = await pair()
  let written = 0
  const block = Buffer.alloc(64 * 1024)
  while (near.write(block)) {
    written += block.length
    await delay(0)
  }
  await delay(200)
  expect(written).toBeLessThan(4 * mebibyte)
  expect((near as StreamDuplex).bufferedBytes).toBeLessThan(mebibyte)
})

test('a writer the peer makes no room for is cut', async () => {
  const provider = await startProvider()
  const user = await startUser({ limits: { stallTimeoutMs: 200 } })
  const { near, far } = await socketPair(user, provider)
  const failed = once(near, 'error')
  near.write(Buffer.alloc(8 * mebibyte))
  const [error] = await failed
  expect(error).toMatchObject({ code: 'ETIMEDOUT' })
  await until(() => far.destroyed, 'the other end hears of it')
})

test('an abort reaches the other end as a reset', async () => {
  const { near, far } = await pair()
  near.write('hello')
  await once(far, 'readable')
  const failed = once(far, 'error')
  near.destroy()
  const [error] = await failed
  expect(error).toMatchObject({ code: 'ECONNABORTED' })
})

test('a connection that dies is an error at both ends, never an end', async () => {
  const { near, far, provider } = await pair()
  near.write('half a ')
  await once(far, 'readable')
  far.read()
  far.write('half a ')
  await once(near, 'readable')
  const ends: string[] = []
  for (const socket of [near, far]) {
    socket.resume()
    socket.on('end', () => ends.push('end'))
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''))
  }
  await provider.stop()
  await until(() => ends.length === 2, 'both ends hear of it')
  expect(ends).not.toContain('end')
})

test('either end may be closed first and the other still be used', async () => {
  const { near, far } = await pair()
  near.end('question')
  let question = ''
  for await (const chunk of far) question += chunk
  expect(question).toBe('question')
  far.end('answer')
  let answer = ''
  for await (const chunk of near) answer += chunk
  expect(answer).toBe('answer')
  await until(() => near.destroyed && far.destroyed, 'both are gone')
})

test('what was sent before the end arrives although the sender is destroyed right after it', async () => {
  const { near, far } = await pair()
  const body = randomBytes(300_000)
  near.write('go')
  await once(far, 'readable')
  far.write(body)
  ;(far as StreamDuplex).destroySoon()
  const chunks: Buffer[] = []
  for await (const chunk of near) chunks.push(chunk)
  expect(Buffer.concat(chunks).equals(body)).toBe(true)
})

test('bytes arrive as they were sent, however they were cut', async () => {
  const provider = await startProvider()
  const user = await startUser()
  await provider.serve(socket => socket.pipe(socket))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { maxLength: 60 }), async chunks => {
      const socket = await user.open(targetOf(provider), { signal: never })
      for (const chunk of chunks) {
        socket.write(chunk)
        if (chunk.length % 3 === 0) await delay(0)
      }
      socket.end()
      const back: Buffer[] = []
      for await (const chunk of socket) back.push(chunk)
      expect(Buffer.concat(back).equals(Buffer.concat(chunks))).toBe(true)
    }),
    { numRuns: 40 },
  )
}, 60_000)

test('48 streams at once each get their own bytes back', async () => {
  const provider = await startProvider()
  const user = await startUser()
  await provider.serve(socket => socket.pipe(socket))
  await Promise.all(
    Array.from({ length: 48 }, async () => {
      const body = randomBytes(200_000)
      const socket = await user.open(targetOf(provider), { signal: never })
      socket.end(body)
      const back: Buffer[] = []
      for await (const chunk of socket) back.push(chunk)
      expect(Buffer.concat(back).equals(body)).toBe(true)
    }),
  )
  expect(provider.stats().connectionsIn).toBe(1)
  await until(() => provider.stats().streamsOpen === 0, 'the provider forgets the streams')
}, 30_000)

test('an idle stream says so, and a busy one does not', async () => {
  const { near, far } = await pair()
  let timeouts = 0
  ;(near as StreamDuplex).setTimeout(400, () => timeouts++)
  for (let i = 0; i < 6; i++) {
    far.write('.')
    await once(near, 'readable')
    near.read()
    await delay(100)
  }
  expect(timeouts).toBe(0)
  await until(() => timeouts === 1, 'the timeout fires')
  expect(near.destroyed).toBe(false)
})

test('small writes of one tick leave together', async () => {
  const { near, far } = await pair()
  const expected = 2_000
  let text = ''
  let messages = 0
  far.on('data', chunk => {
    text += chunk
    messages++
  })
  for (let i = 0; i < expected; i++) near.write(`data: ${i}\n\n`)
  await until(() => text.split('\n\n').length === expected + 1, 'all events arrive')
  expect(messages).toBeLessThan(20)
})
