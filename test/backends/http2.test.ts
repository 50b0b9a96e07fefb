import { once } from 'node:events'
import { createSecureServer, type Http2ServerResponse } from 'node:http2'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUpstream, type UpstreamBackend } from '../../src/backends/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { chat, contextOf, drain, textOf, until } from '../compliance.ts'
import * as up from '../faulty-upstream.ts'
import { localhostTls } from '../localhost-tls.ts'

const trusted = getCACertificates()
beforeAll(() => setDefaultCACertificates([...trusted, localhostTls.cert]))
afterAll(() => setDefaultCACertificates(trusted))

const protocols = {
  'HTTP/2': (script: Script) => createSecureServer({ ...localhostTls, allowHTTP1: true }, script.listener as never),
  'HTTP/1.1 alone': (script: Script) => createServer(localhostTls, script.listener),
}

const connections = 64

type Script = ReturnType<typeof up.createFaultyScript>

/** Ends the stream and leaves the connection, where there is a difference. */
const reset = up.stream({
  instead: ({ response }) => {
    const { stream } = response as unknown as Partial<Http2ServerResponse>
    if (stream === undefined) response.destroy()
    else stream.close(2)
  },
})

describe.each(Object.entries(protocols))('an upstream over TLS that speaks %s', (protocol, create) => {
  const script = up.createFaultyScript()
  let server: Server
  let upstream: UpstreamBackend
  let sockets = 0

  beforeAll(async () => {
    server = create(script) as Server
    server.on('secureConnection', () => void sockets++)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `https://localhost:${(server.address() as AddressInfo).port}/v1`
    upstream = createUpstream({
      name: 'up',
      url,
      clock: systemClock,
      connectTimeoutMs: 5_000,
      maxConnections: connections,
    })
  })
  afterAll(async () => {
    await upstream.close()
    await new Promise(resolve => server.close(resolve))
  })

  const say = (extra = {}, signal = new AbortController().signal) =>
    upstream.run(chat('faulty', extra), contextOf({ signal }))

  test('lists and answers', async () => {
    expect(await upstream.models(AbortSignal.timeout(5_000))).toHaveLength(1)
    const { chunks, outcome } = await drain(say())
    expect(textOf(chunks)).toBe(up.saidWhole)
    expect(outcome).toMatchObject({ usage: up.usage, finishReason: 'stop' })
  })

  test('carries 32 calls at once, over one connection where it can', async () => {
    const before = sockets
    script.always(up.stream({ dripMs: 20 }))
    const all = await Promise.all(Array.from({ length: 32 }, () => drain(say())))
    expect(new Set(all.map(({ chunks }) => textOf(chunks)))).toEqual(new Set([up.saidWhole]))
    if (protocol === 'HTTP/2') expect(sockets).toBe(1)
    expect(sockets - before).toBeLessThanOrEqual(32)
  })

  test('has 150 silent calls at once, or as many as it may have connections', async () => {
    script.always(up.hang('headers'))
    const count = script.hits.length
    const gone = new AbortController()
    const all = Array.from({ length: 150 }, () => drain(say({}, gone.signal)).catch(error => error.code))
    const most = protocol === 'HTTP/2' ? 150 : connections
    expect(await until(() => script.hits.length === count + most)).toBe(true)
    gone.abort()
    expect(new Set(await Promise.all(all))).toEqual(new Set(['cancelled']))
    script.reset()
  })

  test('serves the next call after one that failed', async () => {
    script.next(up.refuse(400), reset)
    await expect(drain(say())).rejects.toMatchObject({ code: 'invalid_request', passOn: { status: 400 } })
    await expect(drain(say())).rejects.toMatchObject({ code: 'stream_cut' })
    expect(textOf((await drain(say())).chunks)).toBe(up.saidWhole)
  })

  test.each(['headers', 'first', 'middle'] as const)(
    'is told at once when its reader leaves at %s, and serves the next',
    async at => {
      script.next(up.hang(at))
      const count = script.hits.length
      const gone = new AbortController()
      const left = drain(say({}, gone.signal)).catch(error => error.code)
      expect(await until(() => script.hits.length > count)).toBe(true)
      gone.abort()
      expect(await left).toBe('cancelled')
      expect(await until(() => script.hits[count]!.leftAt !== undefined)).toBe(true)
      expect(textOf((await drain(say())).chunks)).toBe(up.saidWhole)
    },
  )

  test('is slowed by a slow reader', async () => {
    let written = 0
    script.next(async ({ hit, response, gone }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = up.framed(up.piece(hit, 'x'.repeat(64_000)))
      for (; written < 400 && !response.destroyed; written++) {
        if (!response.write(event)) await once(response, 'drain', { signal: gone })
      }
    })
    const reply = say()
    for (let i = 0; i < 4; i++) await reply.next()
    await sleep(300)
    expect(written).toBeLessThan(390)
    await reply.return(undefined as never)
  })
})
