import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createEventReader } from '../../src/openai/client-read.ts'
import {
  type ApiError,
  type ChatEnd,
  type ChatPiece,
  complete,
  listModels,
  streamChat,
  transcribe,
} from '../../src/openai/stream-client.ts'
import * as faults from '../faulty-upstream.ts'

let upstream: faults.FaultyUpstream

beforeAll(async () => {
  upstream = await faults.startFaultyUpstream()
})
beforeEach(() => upstream.reset())
afterAll(() => upstream.stop())

const body = { model: 'faulty', messages: [{ role: 'user', content: 'Hi' }] }
const never = new AbortController().signal

interface Heard {
  readonly pieces: ChatPiece[]
  readonly text: string
  readonly end?: ChatEnd
  readonly error?: ApiError
}

/** Everything a stream said, and how it ended. */
async function hear(baseUrl: string, options: { signal?: AbortSignal; idleMs?: number } = {}): Promise<Heard> {
  const pieces: ChatPiece[] = []
  const text = () => pieces.map(piece => (piece.type === 'text' ? piece.text : '')).join('')
  const stream = streamChat({ baseUrl, key: 'sk-test' }, body, { signal: never, ...options })
  try {
    for (;;) {
      const step = await stream.next()
      if (step.done === true) return { pieces, text: text(), end: step.value }
      pieces.push(step.value)
    }
  } catch (error) {
    return { pieces, text: text(), error: error as ApiError }
  }
}

async function answered(answer: faults.Answer, options?: { idleMs?: number }): Promise<Heard> {
  upstream.next(answer)
  return await hear(upstream.url, options)
}

/** A server of its own; its base URL. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`
}

function sse(...events: unknown[]): faults.Answer {
  return faults.text('text/event-stream', events.map(event => faults.framed(event)).join(''))
}

const delta = (fields: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: fields, finish_reason }],
})

describe('a streamed answer', () => {
  test('is told piece by piece, with usage, whatever its packets and line ends', async () => {
    for (const options of [{}, { lineEnd: '\r\n', packetBytes: 7 }, { usage: 'last' }, { isDone: false }] as const) {
      const { text, end, pieces } = await answered(faults.stream(options))
      expect(text).toBe(faults.saidWhole)
      expect(pieces[0]).toMatchObject({ type: 'start' })
      expect(end).toMatchObject({ finishReason: 'stop', usage: { prompt: 7, completion: 5 }, servedModel: 'faulty' })
      expect(end!.firstMs).toBeLessThanOrEqual(end!.totalMs)
    }
    const [hit] = upstream.hits
    expect(hit!.headers).toMatchObject({ authorization: 'Bearer sk-test', 'content-type': 'application/json' })
    // It would keep a node from answering with what it has kept.
    expect(hit!.headers['cache-control']).toBeUndefined()
    expect(hit!.body).toMatchObject({ ...body, stream: true, stream_options: { include_usage: true } })
  })

  test('survives being sent byte by byte', async () => {
    const { text, end } = await answered(faults.stream({ words: ['é', '世', '👋🏽'], packetBytes: 1 }))
    expect({ text, usage: end?.usage }).toEqual({ text: 'é世👋🏽', usage: { prompt: 7, completion: 5 } })
  })

  test('may hold thoughts, tools, a refusal, and parts in place of a text', async () => {
    const call = (fields: object) => delta({ tool_calls: [{ index: 1, ...fields }] })
    const { pieces, end } = await answered(
      sse(
        delta({ role: 'assistant', content: '' }),
        delta({ reasoning_content: 'hm' }),
        delta({ reasoning: ' so' }),
        delta({
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: ' yes' }] },
            { type: 'text', text: 'A' },
          ],
        }),
        call({ id: 'c1', type: 'function', function: { name: 'sum', arguments: '' } }),
        call({ function: { arguments: '{"a"' } }),
        call({ function: { arguments: ':1}' } }),
        delta({ refusal: 'no' }),
        { choices: [{ index: 1, delta: { content: 'another choice' } }] },
        {
          ...delta({}, 'tool_calls'),
          provider: 'far',
          usage: { prompt_tokens: 3, completion_tokens: 2, cost: 0.0021, prompt_tokens_details: { cached_tokens: 1 } },
        },
        '[DONE]',
      ),
    )
    expect(pieces.slice(1)).toEqual([
      { type: 'reasoning', text: 'hm' },
      { type: 'reasoning', text: ' so' },
      { type: 'reasoning', text: ' yes' },
      { type: 'text', text: 'A' },
      { type: 'tool', index: 1, id: 'c1', name: 'sum' },
      { type: 'tool', index: 1, arguments: '{"a"' },
      { type: 'tool', index: 1, arguments: ':1}' },
      { type: 'text', text: 'no' },
    ])
    const usage = { prompt: 3, completion: 2, cached: 1 }
    expect(end).toMatchObject({ finishReason: 'tool_calls', usage, provider: 'far', cost: '0.0021' })
  })

  test('tells of the way it took', async () => {
    const headers = {
      'x-request-id': 'r-1',
      'x-parley-provider': 'b',
      'x-parley-attempts': '3',
      'x-parley-overtook': 'a',
      'x-parley-model': 'other',
    }
    const url = await serve((_, response) => {
      response.writeHead(200, headers)
      response.end(
        [{ ...delta({ content: 'x' }), model: 'm' }, { ...delta({ content: 'y' }, 'stop'), provider: 'c' }, '[DONE]']
          .map(event => faults.framed(event))
          .join(': ping\n\n'),
      )
    })
    const { pieces, end, text } = await hear(url)
    expect(pieces[0]).toMatchObject({ type: 'start', requestId: 'r-1', provider: 'b' })
    const notices = pieces.flatMap(piece => (piece.type === 'notice' ? [[piece.code, piece.about]] : []))
    expect(notices).toEqual([
      ['failover', '1'],
      ['overtook', 'a'],
      ['other_model', 'other'],
      ['continued', 'c'],
    ])
    expect({ text, end }).toMatchObject({ text: 'xy', end: { servedModel: 'other', provider: 'c', requestId: 'r-1' } })
  })

  test('may come in one body, of any type or none', async () => {
    const message = { role: 'assistant', content: 'all of it', tool_calls: [{ id: 'c', function: { name: 'f' } }] }
    const whole = JSON.stringify({ model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] }, null, 2)
    const url = await serve((_, response) => void response.end(whole))
    const { pieces, end } = await hear(url)
    expect(pieces.slice(1)).toEqual([
      { type: 'text', text: 'all of it' },
      { type: 'tool', index: 0, id: 'c', name: 'f' },
    ])
    expect(end).toMatchObject({ finishReason: 'stop', servedModel: 'm' })
    const events = await serve((_, response) => void response.end(faults.framed(delta({ content: 'x' }, 'length'))))
    expect(await hear(events)).toMatchObject({ text: 'x', end: { finishReason: 'length' } })
  })

  test('is asked for once more where the wish for usage is unknown', async () => {
    upstream.next(faults.refuse(400, { error: { message: 'Unrecognized request argument: stream_options' } }))
    const { text } = await hear(upstream.url)
    expect(text).toBe(faults.saidWhole)
    expect(upstream.hits.map(hit => 'stream_options' in hit.body)).toEqual([true, false])
  })
})

describe('an answer that fails', () => {
  test.each([
    ['without its end', faults.stream({ finish: null, isDone: false, usage: 'missing' }), 'stream_cut', 200],
    ['by a reset', faults.cut('rst'), 'stream_cut', 200],
    ['by a polite cut', faults.cut('fin'), 'stream_cut', 200],
    ['with an error event', faults.failInStream(), 'oops_500', 200],
    ['with an event that is no JSON', faults.slip('data: {"a\n\n'), 'bad_answer', 200],
    ['silent in its midst', faults.hang('middle'), 'timeout', 200],
  ])('ends %s as what it is, and keeps what came', async (_name, answer, code, status) => {
    const { text, error } = await answered(answer, { idleMs: 300 })
    expect({ text, code: error?.code, status: error?.status }).toEqual({ text: faults.saidWhole, code, status })
  })

  test.each([
    ['silent from the start', faults.hang('headers'), { code: 'timeout', status: 0 }],
    ['cut before its head', faults.cut('rst', 'headers'), { code: 'unreachable', status: 0 }],
    [
      'a refusal',
      faults.refuse(429, undefined, { 'retry-after': '3' }),
      { code: 'oops_429', status: 429, retryAfterSeconds: 3, param: 'messages' },
    ],
    ['a text as error', faults.refuse(400, { error: 'bad key' }), { code: 'invalid_request', message: 'bad key' }],
    ['a framework’s error', faults.refuse(404, { detail: 'Not Found' }), { code: 'not_found', message: 'Not Found' }],
    [
      'a number as code',
      sse({ error: { code: 502, message: 'they failed' } }),
      { code: 'backend_failed', status: 502 },
    ],
    ['an empty body', faults.text('application/json', ''), { code: 'stream_cut', status: 200 }],
    ['a body without an answer', faults.json(200, { ok: true }), { code: 'bad_answer', status: 200 }],
    [
      'a body that is an error',
      faults.json(200, { error: { message: 'no', code: 'nope', details: { n: 1 } } }),
      { code: 'nope', details: { n: 1 } },
    ],
  ])('%s', async (_name, answer, wanted) => {
    expect((await answered(answer, { idleMs: 300 })).error).toMatchObject(wanted)
  })

  test('never shows a page', async () => {
    const page = '<html><script>alert(1)</script></html>'
    for (const [type, status] of [
      ['text/html', 200],
      ['text/html', 502],
      ['application/json', 403],
    ] as const) {
      const { error } = await answered(faults.text(type, page, status))
      expect(error?.message).not.toMatch(/[<>]/)
      expect(error?.code).toBe(status === 200 ? 'bad_answer' : status === 502 ? 'backend_failed' : 'forbidden')
    }
    const { error } = await answered(faults.refuse(500, { error: { message: page } }))
    expect(error?.message).not.toMatch(/[<>]/)
  })

  test('goes to nobody else: a redirect is not followed', async () => {
    const url = await serve((_, response) => void response.writeHead(307, { location: upstream.url }).end())
    expect((await hear(url)).error).toMatchObject({ code: 'unreachable' })
    expect(upstream.hits).toEqual([])
  })

  test('ends at once when its reader leaves, also at the server', async () => {
    const stop = new AbortController()
    upstream.next(faults.hang('middle'))
    const stream = streamChat({ baseUrl: upstream.url }, body, { signal: stop.signal })
    for (const _ of [1, 2]) await stream.next()
    const rest = (async () => {
      for await (const _ of stream);
    })()
    await sleep(50)
    const at = performance.now()
    stop.abort()
    await expect(rest).rejects.toMatchObject({ code: 'cancelled' })
    expect(performance.now() - at).toBeLessThan(200)
    await expect.poll(() => upstream.hits.at(-1)?.leftAt).toBeDefined()
  })

  test('is not asked for by who has left already', async () => {
    const { error } = await hear(upstream.url, { signal: AbortSignal.abort() })
    expect(error?.code).toBe('cancelled')
    expect(upstream.hits).toEqual([])
  })

  test('leaves the connection to who breaks off the loop', async () => {
    upstream.next(faults.hang('middle'))
    for await (const piece of streamChat({ baseUrl: upstream.url }, body, { signal: never })) {
      if (piece.type === 'text') break
    }
    await expect.poll(() => upstream.hits.at(-1)?.leftAt).toBeDefined()
  })

  test('may not send an event without an end', async () => {
    const { error } = await answered(faults.text('text/event-stream', `data: ${'x'.repeat(1_100_000)}`))
    expect(error?.code).toBe('too_large')
  })
})

describe('other requests', () => {
  test('a list, an answer in one piece, and sound', async () => {
    const connection = { baseUrl: upstream.url, key: async () => 'fresh', headers: { 'x-app': 'test' } }
    expect(await listModels(connection, { signal: never })).toEqual([{ id: 'faulty' }])
    expect(await complete(connection, body, { signal: never })).toMatchObject({ usage: faults.usage })
    upstream.next(faults.json(200, { text: 'hello' }))
    const form = new FormData()
    form.append('file', new Blob(['sound']), 'a.wav')
    expect(await transcribe(connection, form, { signal: never })).toEqual({ text: 'hello' })
    expect(upstream.hits.at(-1)!.headers).toMatchObject({ authorization: 'Bearer fresh', 'x-app': 'test' })
    upstream.next(faults.text('text/plain', 'hello'))
    await expect(transcribe(connection, form, { signal: never })).rejects.toMatchObject({ code: 'bad_answer' })
  })

  test('a server that is not there', async () => {
    const gone = await faults.startFaultyUpstream()
    await gone.stop()
    const error = await listModels({ baseUrl: gone.url }, { signal: never }).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining(new URL(gone.url).host) })
  })
})

test('payloads are the same, however their text is cut', () => {
  const payload = fc.string({ unit: 'grapheme', minLength: 1 }).map(text => text.replaceAll(/[\r\n]/g, '_'))
  const event = fc.record({
    lines: fc.array(payload, { minLength: 1, maxLength: 3 }),
    end: fc.constantFrom('\n', '\r\n', '\r'),
    before: fc.constantFrom('', ': ping\n\n', 'event: x\n', 'id: 7\r\n', 'retry: 5\r'),
  })
  const input = fc.tuple(fc.array(event, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(300), { maxLength: 20 }))
  fc.assert(
    fc.property(input, ([events, cuts]) => {
      const text = events
        .map(({ lines, end, before }) => `${before}${lines.map(line => `data: ${line}${end}`).join('')}${end}`)
        .join('')
      const reader = createEventReader()
      const places = [0, ...cuts.filter(cut => cut < text.length).sort((a, b) => a - b), text.length]
      const found = places.slice(1).flatMap((to, index) => reader.push(text.slice(places[index], to)))
      expect([...found, ...reader.end()]).toEqual(events.map(({ lines }) => lines.join('\n')))
    }),
    { numRuns: 500 },
  )
})

test('white space before an answer is kept by nobody, however much it is', async () => {
  const blank = ' \n'.repeat(1 << 19)
  const url = await serve(async (_request, response) => {
    for (let at = 0; at < 33; at++) if (!response.write(blank)) await once(response, 'drain')
    response.end(JSON.stringify({ choices: [{ index: 0, message: { content: 'at last' }, finish_reason: 'stop' }] }))
  })
  expect(await hear(url)).toMatchObject({ text: 'at last', end: { finishReason: 'stop' } })
})
