import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { formParts } from '../../src/http/form-parts.ts'
import { readForm } from '../../src/http/multipart.ts'
import { createUploadRoom } from '../../src/http/upload.ts'
import { encodeForm, type FormPart, isFile } from '../../src/openai/index.ts'

const request = (length?: number) =>
  ({ headers: length === undefined ? {} : { 'content-length': String(length) } }) as never

const refused = { code: 'overloaded', retryAfterSeconds: 1 }

test('uploads are held up to a limit in all, and give back their room however they end', async () => {
  const room = createUploadRoom(100, 100)
  const { promise, resolve } = Promise.withResolvers<string>()
  const first = room.hold(request(60), 'a', 80, () => promise)
  await expect(room.hold(request(41), 'b', 80, async () => 'too much')).rejects.toMatchObject(refused)
  await expect(room.hold(request(), 'b', 80, async () => 'of unknown length')).rejects.toMatchObject(refused)
  expect(await room.hold(request(40), 'b', 80, async () => 'second')).toBe('second')
  resolve('first')
  expect(await first).toBe('first')
  await expect(room.hold(request(90), 'a', 100, () => Promise.reject(new TypeError('broke')))).rejects.toThrow('broke')
  expect(await room.hold(request(1_000), 'a', 100, async () => 'refused by its size, later')).toContain('later')
})

test('one caller leaves room for others', async () => {
  const room = createUploadRoom(100)
  const { promise, resolve } = Promise.withResolvers<string>()
  const held = room.hold(request(20), 'a', 80, () => promise)
  await expect(room.hold(request(6), 'a', 80, async () => 'more')).rejects.toMatchObject(refused)
  expect(await room.hold(request(20), 'b', 80, async () => 'another')).toBe('another')
  resolve('done')
  await held
  expect(await room.hold(request(25), 'a', 80, async () => 'again')).toBe('again')
})

/** What a form becomes that goes over a socket. */
async function received(pieces: readonly Uint8Array[], boundary: string, isAnnounced: boolean): Promise<FormPart[]> {
  const { promise, resolve, reject } = Promise.withResolvers<FormPart[]>()
  const limits = { maxBytes: 1 << 20, timeoutMs: 5_000 }
  const server = createServer((incoming: IncomingMessage, response) => {
    readForm(incoming, limits, new AbortController().signal).then(resolve, reject)
    response.end()
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.close()
  })
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const headers = {
    'content-type': `multipart/form-data; boundary=${boundary}`,
    ...(isAnnounced && { 'content-length': length }),
  }
  const { port } = server.address() as AddressInfo
  const sending = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers })
  for (const piece of pieces) sending.write(piece)
  sending.end()
  return await promise
}

const twoFiles: readonly FormPart[] = [
  { name: 'model', value: 'grüezi\r\n--X\r\n' },
  { name: 'image[]', file: { name: 'a"b\nü\\.png', type: 'image/png', bytes: Buffer.alloc(70_000, 1) } },
  { name: 'empty', value: '' },
  { name: 'mask', file: { name: '', type: 'application/octet-stream', bytes: Buffer.alloc(0) } },
  { name: 'image[]', file: { name: 'c.png', type: 'image/png', bytes: Buffer.from('\r\n--boundar\r\n\r\n') } },
]

test.each([true, false])('a form arrives as it was sent (length announced: %s)', async isAnnounced => {
  const parts = await received(encodeForm(twoFiles, 'boundary'), 'boundary', isAnnounced)
  expect(
    parts.map(part => (isFile(part) ? { ...part, file: { ...part.file, bytes: [...part.file.bytes] } } : part)),
  ).toEqual(
    twoFiles.map(part => (isFile(part) ? { ...part, file: { ...part.file, bytes: [...part.file.bytes] } } : part)),
  )
})

test('a form is in memory once: its files are slices of the body that arrived', async () => {
  const pieces = encodeForm(twoFiles, 'boundary')
  const files = (await received(pieces, 'boundary', true)).filter(isFile)
  const memory = new Set(files.map(({ file }) => file.bytes.buffer))
  expect(memory.size).toBe(1)
  expect([...memory][0]!.byteLength).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0))
})

test('forms are read as other clients write them', () => {
  const form = (head: string) => formParts(Buffer.from(`--b\r\n${head}\r\n\r\nx\r\n--b--\r\nbehind it`), 'b')
  const named = (name: string) => [{ name, value: 'x' }]
  expect(form('Content-Disposition:form-data;name=plain')).toEqual(named('plain'))
  expect(form('CONTENT-DISPOSITION: form-data ; filenames="a"; name="q\\"x"')).toEqual(named('q"x'))
  expect(form('content-type: text/plain\r\ncontent-disposition: form-data; name="a%22b"')).toEqual(named('a"b'))
  const ahead = Buffer.from('words ahead\r\n--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--b--')
  expect(formParts(ahead, 'b')).toEqual(named('a'))
  for (const wrong of [
    '',
    'x',
    'name="a"',
    'content-disposition: attachment; name="a"',
    'content-disposition: form-data',
  ]) {
    expect(() => form(wrong)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  }
})

test('no body, however cut or repeated, is more than a refusal', () => {
  const whole = Buffer.concat(encodeForm(twoFiles, 'b'))
  for (let at = 0; at < whole.length; at += at < 400 || at > whole.length - 400 ? 1 : 997) {
    for (const body of [whole.subarray(0, at), whole.subarray(at)]) {
      try {
        expect(formParts(body, 'b').length).toBeLessThanOrEqual(twoFiles.length)
      } catch (cause) {
        expect(cause).toMatchObject({ code: 'invalid_request' })
      }
    }
  }
})
