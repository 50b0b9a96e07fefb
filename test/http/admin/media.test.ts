import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, expect, test } from 'vitest'
import { createGuardedFetch } from '../../../src/backends/index.ts'
import { closed, hostileUrls, startSecret } from '../../ssrf-corpus.ts'
import { atTheEnd, startStage } from './stage.ts'

const bytesOf = (text: string) => Buffer.from(text, 'latin1')
const images: Record<string, Buffer> = {
  png: bytesOf('\x89PNG\r\n\x1a\n....'),
  jpeg: bytesOf('\xff\xd8\xff\xe0....'),
  gif: bytesOf('GIF89a....'),
  webp: bytesOf('RIFF....WEBPVP8 '),
  avif: bytesOf('\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf'),
  'mif1.avif': bytesOf('\0\0\0\x1cftypmif1\0\0\0\0miafavif'),
}
const others: Record<string, Buffer> = {
  svg: bytesOf('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
  html: bytesOf('<!doctype html><script>alert(1)</script>'),
  heic: bytesOf('\0\0\0\x1cftypheic\0\0\0\0heicmif1'),
  empty: bytesOf(''),
  pdf: bytesOf('%PDF-1.7'),
}

let origin: string
let asked: { url: string | undefined; headers: object }[]
beforeEach(async () => {
  asked = []
  const server = createServer((request, response) => {
    asked.push({ url: request.url, headers: request.headers })
    const name = request.url!.slice(1)
    if (name === 'moved') return void response.writeHead(302, { location: '/png' }).end()
    if (name === 'gone') return void response.writeHead(404).end('words of the server')
    if (name === 'large') return void response.end(Buffer.concat([images.png!, Buffer.alloc(10 * 1024 * 1024)]))
    if (name === 'almost') return void response.end(Buffer.concat([images.png!, Buffer.alloc(9 * 1024 * 1024)]))
    if (name === 'claims') return void response.writeHead(200, { 'content-length': 1e9 }).flushHeaders()
    response.writeHead(200, { 'content-type': 'image/png', 'set-cookie': 'a=b' }).end(images[name] ?? others[name])
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  atTheEnd(() => closed(server))
})

const startOpen = () => startStage({ fetchOut: createGuardedFetch({ allowPrivate: true, connectTimeoutMs: 1_000 }) })

test('an image comes as what its bytes are, as nothing a browser would run', async () => {
  const stage = await startOpen()
  for (const [name, bytes] of Object.entries(images)) {
    const response = await fetch(`${stage.url}/api/media`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stage.tokens.user}`,
        'content-type': 'application/json',
        cookie: 'session=x',
      },
      body: JSON.stringify({ url: `${origin}/${name}` }),
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(`image/${name.split('.').at(-1)}`)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes)
  }
  expect(JSON.stringify(asked)).not.toMatch(/Bearer|session=x|referer/)
})

test('anything else is refused, without its words', async () => {
  const stage = await startOpen()
  const told: object[] = []
  stage.log.subscribe(event => void told.push(event))
  const expected = {
    ...Object.fromEntries(Object.keys(others).map(name => [name, 400])),
    ...{ moved: 403, gone: 502, large: 413, claims: 413 },
  }
  for (const [name, status] of Object.entries(expected)) {
    const said = await stage.ask('POST /media', { token: stage.tokens.user, body: { url: `${origin}/${name}` } })
    expect([name, said.status]).toEqual([name, status])
    expect(said.text).not.toContain('words of the server')
  }
  expect(JSON.stringify(told)).not.toContain(origin)
})

test('who asks for images and does not read them holds some, and the next of others come', async () => {
  const stage = await startOpen()
  const leave = new AbortController()
  const ask = (role: 'user' | 'viewer') =>
    fetch(`${stage.url}/api/media`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.tokens[role]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url: `${origin}/almost` }),
      signal: leave.signal,
    })
  const held: Response[] = []
  for (let at = 0; at < 7; at++) held.push(await ask('user'))
  expect(held.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 503])
  expect((await ask('viewer')).status).toBe(200)
  leave.abort()
  const again = { token: stage.tokens.user, body: { url: `${origin}/png` } }
  await expect.poll(async () => (await stage.ask('POST /media', again)).status).toBe(200)
})

test('no address leads inside', async () => {
  const stage = await startStage()
  const secret = await startSecret()
  for (const url of [`${origin}/png`, ...hostileUrls(secret.port).filter(each => !each.includes('example'))]) {
    const said = await stage.ask('POST /media', { token: stage.tokens.admin, body: { url } })
    expect([400, 403, 502], url).toContain(said.status)
  }
  expect(asked).toEqual([])
  expect(secret.reached()).toBe(0)
  await secret.close()
})
